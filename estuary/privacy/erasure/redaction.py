"""Redaction of a person's Stripe events: only the event's id and type and the object's id remain."""

from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from estuary.accounts.models import User
from estuary.common.process import shutdown
from estuary.payments.models import WebhookEvent
from estuary.privacy.identifiers import find_identifiers
from estuary.privacy.models import Erasure
from estuary.privacy.personal_data import EVENT_MENTIONS_PERSON

BATCH = 5_000
# The shape of Stripe's thin events, so that a replay fetches the object. The row stays, so that an event that Stripe
# sends or lists again is not stored a second time. https://docs.stripe.com/event-destinations
REDACT = """
UPDATE payments_webhookevent SET error = '', payload = jsonb_strip_nulls(jsonb_build_object(
    'object', 'v2.core.event', 'id', stripe_event_id, 'type', type,
    'account', payload -> 'account', 'context', payload -> 'context',
    'created', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'related_object', jsonb_build_object(
        'id', payload #> '{data,object,id}', 'type', payload #> '{data,object,object}'),
    'data', jsonb_build_object('object', jsonb_build_object(
        'id', payload #> '{data,object,id}',
        'payment_intent', CASE jsonb_typeof(payload #> '{data,object,payment_intent}')
            WHEN 'string' THEN payload #> '{data,object,payment_intent}' END))))
WHERE status <> 'pending' AND payload ->> 'object' IS DISTINCT FROM 'v2.core.event'"""


def redact_events_about(user: User) -> int:
    """Redact all settled events that contain a person's address, name or Stripe ids; returns how many."""
    parameters = find_identifiers(user)
    about = f"id BETWEEN %(first)s AND %(last)s AND {EVENT_MENTIONS_PERSON}"
    return sum(_redact(about, parameters | {"first": first, "last": last}) for first, last in _key_ranges())


def _key_ranges() -> Iterator[tuple[int, int]]:
    newest = WebhookEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
    oldest = WebhookEvent.objects.order_by("id").values_list("id", flat=True).first() or 1
    for first in range(oldest, newest + 1, BATCH):
        yield first, first + BATCH - 1


def redact_late_events() -> int:
    """Redact events about erased persons that arrived after the erasure; returns how many.

    Deleting a customer causes events, and a bank may dispute a payment a year later.
    """
    changed = 0
    for erasure in Erasure.objects.exclude(erased_at=None).order_by("pk").iterator():
        shutdown.raise_if_shutting_down()
        changed += redact_events_with_ids(erasure)
    return changed


def redact_events_with_ids(erasure: Erasure) -> int:
    """Redact the settled events about the Stripe objects of one erasure, by index; returns how many."""
    about = Coalesce(KT("payload__data__object__payment_intent"), KT("payload__data__object__id"))
    events = WebhookEvent.objects.alias(about=about).filter(about__in=erasure.stripe_ids)
    events = events.exclude(status=WebhookEvent.Status.PENDING)
    ids = list(events.values_list("pk", flat=True))
    return _redact("id = ANY(%(ids)s)", {"ids": ids}) if ids else 0


def _redact(condition: str, parameters: dict[str, Any]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{REDACT} AND {condition}", parameters)
        return int(cursor.rowcount)
