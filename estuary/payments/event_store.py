"""The event store: Stripe's events as they are stored, without secrets, at most once, in one statement."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import orjson
from django.db import connection

from estuary.common import clock
from estuary.common.errors import EstuaryError
from estuary.common.observability import redaction

type Json = Mapping[str, Any]

# A thin event names an object and has nothing of it. https://docs.stripe.com/api/v2/core/events/event-types
THIN = "v2.core.event"
# Never stored; a replay fetches the object from Stripe again. The URL in next_action contains the client secret too.
SECRET_FIELDS = ("client_secret", "next_action")


class NotAnEvent(EstuaryError):
    code, status, title = "not_an_event", 400, "This is no Stripe event"


class EventRow(NamedTuple):
    """The columns of an event that is stored, in the order of ``insert_statement``."""

    id: str
    type: str
    api_version: str
    livemode: bool
    payload: str
    due_at: datetime
    created_at: datetime
    received_at: datetime


type Write = Callable[[EventRow], bool]


def insert_event(row: EventRow) -> bool:
    """Insert one event on Django's own connection; return whether it is new."""
    with connection.cursor() as cursor:
        cursor.execute(insert_statement(1), row)
        return bool(cursor.fetchall())


def without_secrets(value: Any) -> Any:
    """Return a decoded event without its secrets, wherever they are in it; the event itself is changed."""
    children = value
    # Decoded JSON has no subclasses of dict, and comparing types is the fastest test.
    if type(value) is dict:
        for secret in SECRET_FIELDS:
            value.pop(secret, None)
        children = value.values()
    for child in children:
        if type(child) is dict or type(child) is list:
            without_secrets(child)
    return value


COLUMNS = """stripe_event_id, type, api_version, livemode, payload, status, attempts, due_at, created_at, received_at,
    outcome, error"""

PLACEHOLDERS = "(%s, %s, %s, %s, %s, 'pending', 0, %s, %s, %s, '', '')"


@cache
def insert_statement(rows: int) -> str:
    """Return the statement that inserts so many events and returns the ids of the new ones."""
    return f"""
    INSERT INTO payments_webhookevent ({COLUMNS})
    VALUES {", ".join([PLACEHOLDERS] * rows)} ON CONFLICT DO NOTHING RETURNING stripe_event_id"""  # noqa: S608 (ours)


def store_event(event: dict[str, Any], at: datetime, write: Write = insert_event) -> bool:
    """Store an event, ``without_secrets``, in the inbox; False when it is there already."""
    payload = _json(event)
    if redaction.may_need_redaction(payload):
        # A secret where nobody expects one, such as a description.
        payload = _json(redaction.redact_json(event))
    names = event["id"][:80], event["type"][:80], str(event.get("api_version") or "")[:40]
    return write(
        EventRow(*names, bool(event.get("livemode")), payload.decode(), at, parse_created(event), at)
    )


def _json(event: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(event)
    except orjson.JSONEncodeError:
        raise NotAnEvent("The body is signed, but it is nested deeper than any event.") from None


def parse_created(event: Json) -> datetime:
    """Return when an event was created: Unix time, or text in a thin event.

    Raises ValueError, or another error of parsing, for anything else.
    """
    return (
        clock.parse_iso(event["created"])
        if event.get("object") == THIN
        else clock.from_timestamp(event["created"])
    )
