"""Pages about errors: the codes behind every problem document's ``type``, and the 404 page of the admin."""

import re
from dataclasses import dataclass
from functools import cache

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from estuary.common.api import problems
from estuary.config.environment import BASE_DIR

REFERENCE = BASE_DIR / "docs" / "reference" / "errors.md"
ROW = re.compile(r"^\| `(?P<code>\w+)` \| (?P<status>\d{3}) \| (?P<happened>[^|]+) \| (?P<todo>[^|]+) \|$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One code of the reference."""

    section: str
    code: str
    status: int
    happened: SafeString
    todo: SafeString


def read_entries() -> list[Entry]:
    entries, section = [], ""
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif row := ROW.match(line):
            happened, todo = _inline(row["happened"]), _inline(row["todo"])
            entries.append(Entry(section, row["code"], int(row["status"]), happened, todo))
    return entries


@require_safe
def error_page(request: HttpRequest) -> HttpResponse:
    """Show the reference; ``#code`` in the URL marks the row."""
    return HttpResponse(_page())


@cache
def _page() -> str:
    return render_to_string("error_page.html", {"entries": read_entries()})


def _inline(text: str) -> SafeString:
    return mark_safe(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)))  # noqa: S308 - escaped, and our own text


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Respond to an unknown URL (Django's handler404): with a page to a browser in the admin, else with a problem."""
    if request.path_info.startswith(reverse("admin:index")) and "text/html" in request.headers.get(
        "Accept", ""
    ):
        return render(request, "admin/404.html", admin.site.each_context(request), status=404)
    return problems.not_found(request, exception)
