"""The shop's pages of text: ours, or the operator's in their place, and no markup that a browser would run."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from estuary.config.site_pages import PAGES


@pytest.mark.parametrize("slug", PAGES)
def test_each_page_is_there_and_names_whom_to_write_to(client: Client, settings: Settings, slug: str) -> None:
    settings.CONTACT_EMAIL = "help@studio.example"
    page = client.get(f"/api/v1/pages/{slug}/").json()
    assert page["title"] == slug.capitalize()
    assert "help@studio.example" in page["html"]
    assert "{" not in page["html"]


def test_an_operators_file_takes_the_place_of_ours(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "terms.md").write_text("# Our rules\n\nWrite to {contact_email}.\n")
    settings.PAGES_FOLDER = tmp_path
    settings.CONTACT_EMAIL = "help@studio.example"
    page = client.get("/api/v1/pages/terms/").json()
    assert page == {"title": "Our rules", "html": "<p>Write to help@studio.example.</p>\n"}
    assert client.get("/api/v1/pages/privacy/").json()["title"] == "Privacy"


def test_markup_in_a_page_is_shown_as_text(client: Client, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "imprint.md").write_text(
        "# <script>alert(1)</script>\n\n<script>alert(2)</script> [here](javascript:alert(3))"
        ' ![x](x" onerror="alert(4))\n'
    )
    settings.PAGES_FOLDER = tmp_path
    html = client.get("/api/v1/pages/imprint/").json()["html"]
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "<img" not in html or 'onerror="' not in html


@pytest.mark.parametrize("slug", ["nothing", "..", "terms.md", "TERMS"])
def test_an_unknown_page_is_not_found(client: Client, slug: str) -> None:
    answer = client.get(f"/api/v1/pages/{slug}/")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
