"""Stripe's events as they are kept: without their secrets, at most once, in one statement."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import orjson
from django.db import connection

from estuary.common import clock
from estuary.common.api.errors import EstuaryError
from estuary.common.observability import redaction

type Json = Mapping[str, Any]

# A thin event says of which object, and nothing more. https://docs.stripe.com/api/v2/core/events/event-types
THIN = "v2.core.event"
# Never stored: a replay asks Stripe for the object again. The address in next_action carries the client secret too.
SECRET_FIELDS = ("client_secret", "next_action")


class NotAnEvent(EstuaryError):
    code, status, title = "not_an_event", 400, "This is no Stripe event"


class EventRow(NamedTuple):
    """What is written of an event that comes in, in the order of ``insert_statement``."""

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
    """Insert one event on Django's own connection; tells whether it had not come before."""
    with connection.cursor() as cursor:
        cursor.execute(insert_statement(1), row)
        return bool(cursor.fetchall())


def without_secrets(value: Any) -> Any:
    """Return a decoded event as it may be kept: its secrets are taken out of it, wherever they are."""
    children = value
    if type(value) is dict:  # as decoded, it has no subclasses: to ask for its type is the quickest there is
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
    """Return the statement that keeps so many events, and returns the ids of those that had not come before."""
    return f"""
    INSERT INTO payments_webhookevent ({COLUMNS})
    VALUES {", ".join([PLACEHOLDERS] * rows)} ON CONFLICT DO NOTHING RETURNING stripe_event_id"""  # noqa: S608 (ours)


def store_event(event: dict[str, Any], at: datetime, write: Write = insert_event) -> bool:
    """Put an event, ``without_secrets``, into the inbox; False when it had come before."""
    payload = _json(event)
    if redaction.may_need_redaction(payload):
        payload = _json(redaction.redact_json(event))  # where nobody expects one, such as a description
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
    """Return when an event was made: Unix time, or text in a thin one; raises ValueError and its like for neither."""
    return (
        clock.parse_iso(event["created"])
        if event.get("object") == THIN
        else clock.from_timestamp(event["created"])
    )
