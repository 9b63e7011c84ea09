"""A practitioner's calendar feed: its secret address, and the meetings in it.

The address is the only key, and programs of others keep it. So it shows guests by name, and neither notes nor
payments, and a new address ends the old one at once.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import get_adapter
from django.conf import settings

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import RosterFeed
from estuary.bookings.roster.meetings import RosterEntry, roster
from estuary.common import clock, ids
from estuary.notifications.calendar_feed import Feed, FeedMeeting
from estuary.notifications.calendar_file import Meeting

PAST, AHEAD = timedelta(days=30), timedelta(days=366)
MAX_NAMES = 40


def renew_feed(practitioner: Practitioner) -> tuple[RosterFeed, str]:
    """Return the feed with a new token, which nobody can be shown again; the old token ends."""
    token = ids.feed_token()
    feed, _ = RosterFeed.objects.update_or_create(
        practitioner=practitioner, defaults={"token_hash": _hash(token), "created_at": clock.now()}
    )
    return feed, token


def stop_feed(practitioner: Practitioner) -> None:
    """End the feed's address; there may be none."""
    RosterFeed.objects.filter(practitioner=practitioner).delete()


def stop_feed_on_recovery(sender: Any, user: User, **_: Any) -> None:
    """End the feed of an account that its owner takes back, and tell the owner by mail (account_recovered).

    Somebody else may have the feed's address.
    """
    ended, _ = RosterFeed.objects.filter(practitioner__user=user).delete()
    if ended:
        get_adapter().send_notification_mail("account/email/feed_ended", user)


def find_practitioner(token: str) -> Practitioner | None:
    """Return whose feed a token opens, in one query by its hash: a wrong token and an ended one take equally long."""
    feeds = RosterFeed.objects.select_related("practitioner")
    feed = feeds.filter(token_hash=_hash(token), practitioner__user__is_active=True).first()
    return feed.practitioner if feed else None


def _hash(token: str) -> str:
    """Return the hash under which a token is stored; a random token of 162 bits needs no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_feed(practitioner: Practitioner) -> Feed:
    """Return the meetings of the last month and the next year, in a constant number of queries."""
    at = clock.now()
    entries = roster(practitioner, begin=at - PAST, end=at + AHEAD, with_canceled=True)
    return Feed(
        name=f"{settings.SITE_NAME}: {practitioner.display_name}",
        time_zone=practitioner.time_zone,
        meetings=[_feed_meeting(entry, practitioner, at) for entry in entries],
    )


def _feed_meeting(entry: RosterEntry, practitioner: Practitioner, at: datetime) -> FeedMeeting:
    venue = entry.venue
    place = ", ".join([venue.name, *venue.address_lines]) if venue else entry.location
    join_url = entry.link if entry.ends_at > at else ""
    day = entry.starts_at.astimezone(practitioner.zone).date()
    names = [guest.name for guest in entry.guests]
    rest = len(names) - MAX_NAMES
    notes = [
        *(names[:MAX_NAMES] if entry.session else []),
        *([f"and {rest} more"] if rest > 0 else []),
        f"Join: {join_url}" if join_url else "",
        f"{settings.FRONTEND_URL}/roster/?day={day.isoformat()}",
    ]
    meeting = Meeting(
        uid=_uid(entry),
        sequence=entry.sequence,
        title=_title(entry, names),
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
        location=place,
        description="\n".join(note for note in notes if note),
        url=join_url,
    )
    return FeedMeeting(meeting, entry.called_off)


def _title(entry: RosterEntry, names: list[str]) -> str:
    if entry.session is None:
        return f"{entry.service_name}: {', '.join(names)}"
    if entry.called_off:
        return entry.service_name
    return f"{entry.service_name} ({len(names)} of {entry.capacity})"


def _uid(entry: RosterEntry) -> str:
    """Return what names a meeting in the feed for good. Guests' own files have names of their own (meetings.py)."""
    host = urlsplit(settings.FRONTEND_URL).hostname or "localhost"
    what = f"date-{entry.session.pk}" if entry.session else f"booking-{entry.guests[0].booking.pk}"
    return f"roster-{what}@{host}"
