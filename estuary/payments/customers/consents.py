"""Consent to save a card: the wordings that the storefront shows, and a row for each time a buyer agreed to one.

1. The storefront shows the current wording, which the public settings name, and sends its id with the payment.
2. The consent is inserted in the transaction of the order, or before the SetupIntent is created.
3. When Stripe reports the saved card, the consent is linked to it.

A wording that was shown is never changed: another sentence gets an id of its own, and the older one stays in the list.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from estuary.accounts.models import User
from estuary.common.errors import InvalidRequest
from estuary.orders.models import Order
from estuary.orders.states import Status
from estuary.payments.gateway.idempotency_keys import MAX_CLOCK_SKEW
from estuary.payments.models import Consent, PaymentMethod, SetupIntent


class UnknownWording(InvalidRequest):
    code, title = "unknown_wording", "This wording is not known"


@dataclass(frozen=True, slots=True)
class Wording:
    """A sentence that buyers agree to."""

    id: str
    purpose: Consent.Purpose
    text: str


SAVE_CARD = Wording(
    "save-card-1",
    Consent.Purpose.SAVE_CARD,
    "Save this card for my next purchases. I start each of them myself, and I can delete the card at any time.",
)
WORDINGS = {wording.id: wording for wording in (SAVE_CARD,)}


def find_wording(wording_id: str) -> Wording:
    """Return a wording that was shown, the current or an earlier one. Raises UnknownWording."""
    if wording := WORDINGS.get(wording_id):
        return wording
    raise UnknownWording(
        "Nobody was shown this wording. Send the id of `save_card_wording`, which GET /api/v1/payments/config/ returns."
    )


def record_consent(
    user: User, wording: Wording, *, order: Order | None = None, setup_intent: SetupIntent | None = None
) -> None:
    """Insert a consent in the open transaction; the same wording once for each order."""
    consent = Consent(
        user=user,
        purpose=wording.purpose,
        wording_id=wording.id,
        text=wording.text,
        order=order,
        setup_intent=setup_intent,
    )
    Consent.objects.bulk_create([consent], ignore_conflicts=True)


def link_consent(card: PaymentMethod) -> None:
    """Link a card that was just saved to the consent that waits for one, in the open transaction.

    A consent waits while its order or its SetupIntent can save a card. An order does so when it is paid.
    """
    before = card.added_at - MAX_CLOCK_SKEW
    waiting = Consent.objects.filter(user_id=card.user_id, payment_method=None)
    waiting = waiting.exclude(order=None, setup_intent=None)
    waiting = waiting.exclude(order__status=Status.CANCELED).exclude(order__paid_at__lt=before)
    waiting = waiting.exclude(setup_intent__ended_at__lt=before).exclude(setup_intent__expires_at__lt=before)
    if newest := waiting.order_by("-id").first():
        newest.payment_method = card
        newest.save(update_fields=["payment_method"])


def latest_consent(consents: Iterable[Consent]) -> Consent | None:
    """Return the consent that a card is kept under: the last that its owner gave."""
    return max(consents, key=lambda consent: consent.pk, default=None)
