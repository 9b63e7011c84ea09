"""A calendar that others subscribe to (RFC 5545, and RFC 7986 for its name): all meetings of a range in one file."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from icalendar import Calendar, Event

from estuary.notifications.calendar_file import PRODUCT, Meeting

# Programs ask again about this often; most have their own mind about it.
REFRESH_AFTER = timedelta(hours=1)
# Part of the ETag: raise it when what is written of the same meetings changes.
LAYOUT_VERSION = 1


@dataclass(frozen=True, slots=True)
class FeedMeeting:
    """One meeting of a feed; one that was called off stays in it, so that calendars strike it out."""

    meeting: Meeting
    called_off: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    name: str
    time_zone: str
    meetings: Sequence[FeedMeeting]

    @property
    def etag(self) -> str:
        """Return a weak ETag: the same meetings, written at another time, are the same calendar."""
        content = f"{LAYOUT_VERSION} {self.name} {self.time_zone} {[repr(row) for row in self.meetings]}"
        return f'W/"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'


def write_feed(feed: Feed, *, written_at: datetime) -> bytes:
    """Return the calendar, without a method: it publishes, and invites nobody."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("name", feed.name)
    # Older programs know the name and the zone by these.
    calendar.add("x-wr-calname", feed.name)
    calendar.add("x-wr-timezone", feed.time_zone)
    calendar.add("refresh-interval", REFRESH_AFTER, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for row in feed.meetings:
        calendar.add_component(_event(row, written_at))
    content: bytes = calendar.to_ical()
    return content


def _event(row: FeedMeeting, written_at: datetime) -> Event:
    meeting, event = row.meeting, Event()
    event.add("uid", meeting.uid)
    event.add("sequence", meeting.sequence)
    event.add("dtstamp", written_at)
    event.add("dtstart", meeting.starts_at)
    event.add("dtend", meeting.ends_at)
    event.add("summary", meeting.title)
    event.add("status", "CANCELLED" if row.called_off else "CONFIRMED")
    if row.called_off:
        # The time is free again.
        event.add("transp", "TRANSPARENT")
    for field in ("location", "description", "url"):
        if value := getattr(meeting, field):
            event.add(field, value)
    return event
