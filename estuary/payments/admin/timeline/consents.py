"""Entries of what the buyer agreed to: the sentence as the buyer saw it."""

from collections.abc import Iterable, Sequence

from estuary.orders.models import Order
from estuary.payments.admin.timeline.entries import Entry, Source
from estuary.payments.models import Consent


def _consents(order: Order, consents: Sequence[Consent]) -> Iterable[Entry]:
    for consent in consents:
        card = consent.payment_method
        ids = (consent.wording_id, *([card.stripe_payment_method_id] if card else []))
        which = f"{card} is saved" if card else "the card is saved"
        yield Entry(consent.given_at, f"The buyer agreed that {which}: “{consent.text}”", ids)


def _load(order: Order) -> list[Consent]:
    return list(Consent.objects.filter(order=order).select_related("payment_method").order_by("id"))


CONSENTS = Source("consents", _load, _consents, permission="payments.view_paymentmethod")
