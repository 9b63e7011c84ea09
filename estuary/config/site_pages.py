"""The shop's pages of text: help, contact, terms, privacy, imprint. An operator can replace each Markdown file.

A file of the same name in the folder ``ESTUARY_PAGES`` takes the place of ours. Markup other than Markdown is shown as
text: no page can bring a script.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from markdown_it import MarkdownIt
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.common.api.openapi import problems
from estuary.common.errors import NotFound

OURS = Path(__file__).parent / "pages"
PAGES = ("help", "contact", "terms", "privacy", "imprint")
TITLE = re.compile(r"\A#\s+(?P<title>[^\n]+)\n")
PLACEHOLDER = re.compile(r"\{(shop|contact_email|hold_minutes)\}")


class SitePageView(APIView):
    """One page of text."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    class SitePage(serializers.Serializer[Any]):
        title = serializers.CharField()
        html = serializers.CharField(help_text="of the Markdown; markup in it is escaped")

    @extend_schema(summary="Read a page of text", responses={200: SitePage} | problems(404))
    def get(self, request: Request, slug: str) -> Response:
        if slug not in PAGES:
            raise NotFound(f"There is no such page. There are {', '.join(PAGES)}.")
        title, text = _split_title(_read_markdown(slug), slug)
        return Response({"title": title, "html": _markdown().render(text)})


def _read_markdown(slug: str) -> str:
    """Return a page's Markdown, the operator's before ours, with the shop's own values in it."""
    own = settings.PAGES_FOLDER / f"{slug}.md" if settings.PAGES_FOLDER else None
    path = own if own and own.is_file() else OURS / f"{slug}.md"
    values = {
        "shop": settings.SITE_NAME,
        "contact_email": settings.CONTACT_EMAIL,
        "hold_minutes": str(int(settings.HOLD.total_seconds() // 60)),
    }
    return PLACEHOLDER.sub(lambda match: values[match[1]], path.read_text(encoding="utf-8"))


def _split_title(text: str, slug: str) -> tuple[str, str]:
    """Return the heading of a page, and the text after it."""
    if heading := TITLE.match(text.lstrip("\ufeff\n")):
        return heading["title"].strip(), text.lstrip("\ufeff\n")[heading.end() :]
    return slug.capitalize(), text


@cache
def _markdown() -> MarkdownIt:
    """Return CommonMark without HTML; links lead to web pages, mail addresses and pages of this site only."""
    return MarkdownIt("commonmark", {"html": False}).enable("table")
