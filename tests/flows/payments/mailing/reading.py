"""What people read of a mail: its text, its HTML, and its calendar files as two parsers that are not ours see them."""

from dataclasses import dataclass
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

import ics
import vobject
from django.core.mail import EmailMessage


@dataclass(frozen=True)
class Entry:
    """What a calendar makes of a file."""

    method: str
    uid: str
    sequence: int
    starts_at: datetime
    title: str
    location: str


def calendar_entries(mail: EmailMessage) -> list[Entry]:
    """Return the entries of a mail's calendar files, of which both parsers read the same."""
    entries = []
    for part in mail.message().walk():
        if part.get_content_type() != "text/calendar":
            continue
        text = part.get_payload(decode=True).decode()  # type: ignore[union-attr]
        first, second = _by_vobject(text), _by_ics(text)
        assert first == second
        assert part.get_param("method") == first.method
        entries.append(first)
    return entries


def _by_vobject(text: str) -> Entry:
    calendar: Any = vobject.readOne(text)
    event = calendar.vevent
    return Entry(
        method=calendar.method.value,
        uid=event.uid.value,
        sequence=int(event.sequence.value),
        starts_at=event.dtstart.value,
        title=event.summary.value,
        location=event.location.value if hasattr(event, "location") else "",
    )


def _by_ics(text: str) -> Entry:
    calendar: Any = ics.Calendar(text)
    [event] = calendar.events
    extra = {line.name: line.value for line in event.extra}
    return Entry(
        method=calendar.method,
        uid=event.uid,
        sequence=int(extra["SEQUENCE"]),
        starts_at=event.begin.datetime,
        title=event.name,
        location=event.location or "",
    )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def html_of(mail: EmailMessage) -> str:
    [html] = [str(content) for content, kind in mail.alternatives if kind == "text/html"]  # type: ignore[attr-defined]
    return html


def words_of_html(mail: EmailMessage) -> str:
    """Return what a person reads in the HTML."""
    reader = _Reader()
    reader.feed(html_of(mail))
    return " ".join(" ".join(reader.text).split())


def tags_of_html(mail: EmailMessage) -> list[tuple[str, dict[str, str | None]]]:
    reader = _Reader()
    reader.feed(html_of(mail))
    return reader.tags
