"""Calendar files (RFC 5545 and 5546): a meeting is put into a calendar, changed there, and taken out again."""

from dataclasses import dataclass
from datetime import datetime
from email.message import MIMEPart
from typing import Literal

from icalendar import Calendar, Event, vCalAddress, vText

type Method = Literal["REQUEST", "CANCEL"]

PRODUCT = "-//Estuary//Bookings//EN"


@dataclass(frozen=True, slots=True)
class Meeting:
    """One meeting of one guest. Its ``uid`` never changes; a higher ``sequence`` replaces what a calendar has of it."""

    uid: str
    sequence: int
    title: str
    starts_at: datetime
    ends_at: datetime
    location: str = ""
    description: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class CalendarFile:
    name: str
    method: Method
    data: bytes

    def as_part(self) -> MIMEPart:
        """Return the attachment; its method lets a mail program offer to change the calendar."""
        part = MIMEPart()
        part.set_content(
            self.data.decode(),
            subtype="calendar",
            charset="utf-8",
            disposition="attachment",
            filename=self.name,
            params={"method": self.method},
        )
        return part


def write_calendar_file(
    meeting: Meeting, *, method: Method, organizer: str, attendee: str, written_at: datetime, name: str
) -> CalendarFile:
    """Return a file with one meeting: an update of what has the same ``uid``, or (CANCEL) its end.

    A file of a method holds one meeting only (RFC 5546, 3.2.2), so a course has several files.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    event = Event()
    event.add("uid", meeting.uid)
    event.add("sequence", meeting.sequence)
    event.add("dtstamp", written_at)
    event.add("dtstart", meeting.starts_at)
    event.add("dtend", meeting.ends_at)
    event.add("summary", meeting.title)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("organizer", _person(organizer))
    event.add("attendee", _person(attendee, partstat="ACCEPTED", rsvp="FALSE"), encode=False)
    for field in ("location", "description", "url"):
        if value := getattr(meeting, field):
            event.add(field, value)
    calendar.add_component(event)
    return CalendarFile(name, method, calendar.to_ical())


def _person(address: str, **parameters: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    for name, value in parameters.items():
        person.params[name.upper()] = vText(value)
    return person
