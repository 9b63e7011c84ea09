"""The page behind every problem document's ``type``: the error codes, read from docs/reference/errors.md."""

import re
from dataclasses import dataclass
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from estuary.config.environment import BASE_DIR

REFERENCE = BASE_DIR / "docs" / "reference" / "errors.md"
ROW = re.compile(r"^\| `(?P<code>\w+)` \| (?P<status>\d{3}) \| (?P<happened>[^|]+) \| (?P<todo>[^|]+) \|$")
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2530;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.5rem .75rem .5rem 0;
border-bottom:1px solid #dde3ea}code{font-size:.9em}tr:target{background:#fff5cc}h2{margin-top:2.5rem}
@media(prefers-color-scheme:dark){body{color:#dde3ea;background:#14181d}td,th{border-color:#333c46}
tr:target{background:#4a4213}}"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One code of the reference."""

    section: str
    code: str
    status: int
    happened: str
    todo: str


def read_entries() -> list[Entry]:
    rows, section = [], ""
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif row := ROW.match(line):
            rows.append(Entry(section, row["code"], int(row["status"]), row["happened"], row["todo"]))
    return rows


@require_safe
def error_page(request: HttpRequest) -> HttpResponse:
    """Show the reference; ``#code`` in the URL marks the row."""
    return HttpResponse(_page())


@cache
def _page() -> str:
    parts, section = [], ""
    for entry in read_entries():
        if entry.section != section:
            parts.append(("</table>" if section else "") + f"<h2>{escape(entry.section)}</h2><table>" + HEAD)
            section = entry.section
        parts.append(
            f'<tr id="{entry.code}"><td><code>{entry.code}</code></td><td>{entry.status}</td>'
            f"<td>{_inline(entry.happened)}</td><td>{_inline(entry.todo)}</td></tr>"
        )
    return f"{TOP}{''.join(parts)}</table></body></html>"


def _inline(text: str) -> SafeString:
    return mark_safe(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)))  # noqa: S308 - escaped, and our own text


HEAD = "<tr><th>Code</th><th>Status</th><th>What happened</th><th>What to do</th></tr>"
TOP = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Errors · Estuary</title>'
    f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
    "<h1>Errors</h1><p>Every error is an <code>application/problem+json</code> document. Its <code>code</code> is "
    "stable, its <code>detail</code> says what to do, its <code>request_id</code> finds it in our logs.</p>"
)
