"""The cards with which payments were made, also those that were not saved: as the events of their charges say.

They are known for as long as these events are kept (ESTUARY_EVENTS_KEPT_DAYS).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.db.models.fields.json import KT

from estuary.payments.models import WebhookEvent
from estuary.payments.models.customers import BRAND_NAMES
from estuary.payments.models.events import CARD_LAST4, IS_CHARGE, OBJECT_ID, SUBJECT


@dataclass(frozen=True, slots=True)
class UsedCard:
    """The card of one charge."""

    intent_id: str
    charge_id: str
    brand: str
    last4: str

    @property
    def brand_and_last4(self) -> str:
        return f"{BRAND_NAMES.get(self.brand, self.brand)} •••• {self.last4}"


def used_cards(intent_ids: Sequence[str]) -> list[UsedCard]:
    """Return the cards of these payments, in one query; none for payments whose charge was not made with a card."""
    ids = sorted({intent_id for intent_id in intent_ids if intent_id})
    if not ids:
        return []
    return _read(WebhookEvent.objects.alias(about=SUBJECT).filter(IS_CHARGE, about__in=ids))


def cards_ending_in(last4: str, limit: int) -> list[UsedCard]:
    """Return the newest charges of cards with these last four digits."""
    charges = WebhookEvent.objects.alias(last4=CARD_LAST4).filter(IS_CHARGE, last4=last4)
    return _read(charges.order_by("-id")[:limit])


def _read(charges: QuerySet[WebhookEvent]) -> list[UsedCard]:
    brand = KT("payload__data__object__payment_method_details__card__brand")
    rows = charges.annotate(intent_id=SUBJECT, charge_id=OBJECT_ID, brand=brand, digits=CARD_LAST4)
    return [
        UsedCard(*row) for row in rows.values_list("intent_id", "charge_id", "brand", "digits") if all(row)
    ]
