"""Saved cards are kept equal to Stripe's: one default per user, each card once, and a deleted card stays deleted."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import transaction
from django.db.models import Q, QuerySet

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.errors import NotFound
from estuary.common.ids import parse_primary_key
from estuary.orders.models import Order
from estuary.orders.states import LIVE
from estuary.payments import client, outbox
from estuary.payments.customers.consents import link_consent
from estuary.payments.customers.customers import next_customer_key
from estuary.payments.customers.non_card_removal import OtherPaymentMethodAttached
from estuary.payments.errors import CardRemoved, NotAtStripe, UnexpectedState
from estuary.payments.models import PaymentMethod, StripeCustomer, WebhookEvent
from estuary.payments.models.events import SUBJECT
from estuary.payments.settlement.facts import FetchRequired, ObjectKind
from estuary.payments.stripe_objects import Card, OtherPaymentMethod


@dataclass(frozen=True, slots=True)
class PaymentMethodEvent:
    """A card was attached, updated (``card`` is its state) or detached from a customer.

    ``customer_id`` is empty where an event names none. ``fetched`` means that ``card`` was fetched from Stripe just
    now.
    """

    kind: Literal["attached", "updated", "detached"]
    card: Card
    customer_id: str
    at: datetime
    fetched: bool = False


def sync_method(event: PaymentMethodEvent) -> str | FetchRequired:
    """Apply one event to the saved cards, in the open transaction; returns the outcome in words.

    - Events older than the row are ignored; a deleted card stays deleted, however late an ``attached`` event comes.
    - An event that says too little, or contradicts the row, returns FetchRequired.
    """
    owner = _lock_owner(event)
    saved = PaymentMethod.objects.filter(stripe_payment_method_id=event.card.id).first()
    if not event.fetched and _is_ambiguous(event, owner, saved):
        return FetchRequired(ObjectKind.PAYMENT_METHOD, event.card.id)
    if saved is None:
        return _insert(owner, event) if owner else "not ours"
    if saved.detached_at:
        return _record_removed(saved, event)
    is_other = owner is None or owner.user_id != saved.user_id
    if event.kind == "detached" or (is_other and event.fetched):
        return _remove_locked(saved, at=event.at)
    if is_other:
        return "not ours"
    if event.at < saved.synced_at:
        return "older than what we know"
    _refresh(saved, event)
    return "updated"


def _lock_owner(event: PaymentMethodEvent) -> StripeCustomer | None:
    """Lock the customer that the event names, or else the owner of the card's row."""
    is_owner = Q(stripe_customer_id=event.customer_id)
    if not event.customer_id:
        is_owner = Q(user__payment_methods__stripe_payment_method_id=event.card.id)
    return StripeCustomer.objects.select_for_update(no_key=True, of=("self",)).filter(is_owner).first()


def _is_ambiguous(event: PaymentMethodEvent, owner: StripeCustomer | None, row: PaymentMethod | None) -> bool:
    """Return whether an event alone does not tell the card's current state.

    - It names no customer, or another than the row's.
    - It detaches the card before the row's last sync; events count whole seconds only.
    - It attaches a card of which a ``detached`` event without an owner has already come.
    """
    if row is None:
        if event.kind == "detached":
            return False
        return _was_detached(event.card.id) if event.customer_id else event.kind == "attached"
    if row.detached_at:
        return False
    if not event.customer_id:
        return True
    is_other = owner is None or owner.user_id != row.user_id
    return event.kind == "detached" and (is_other or event.at < row.synced_at)


def _was_detached(payment_method_id: str) -> bool:
    """Return whether an event has detached the card before we knew its owner."""
    about_card = WebhookEvent.objects.alias(subject=SUBJECT).filter(subject=payment_method_id)
    return about_card.filter(type="payment_method.detached").exists()


def _remove_locked(row: PaymentMethod, *, at: datetime) -> str:
    """Remove a card unless another transaction was faster."""
    _lock(row.user)
    row.refresh_from_db()
    if row.detached_at is None:
        _remove(row, at=at)
    return "removed"


def _record_removed(row: PaymentMethod, event: PaymentMethodEvent) -> str:
    """Keep a card removed; if Stripe still has it attached, detach it there too."""
    if event.fetched and event.kind != "detached" and not row.detach_pending:
        row.detach_pending = True
        row.save(update_fields=["detach_pending"])
        outbox.detach_cards([row.stripe_payment_method_id])
    return "stays removed"


def fetch_event(payment_method_id: str) -> PaymentMethodEvent | OtherPaymentMethodAttached | None:
    """Fetch a payment method from Stripe and return it as an event; None when neither side knows it."""
    at = clock.now()
    try:
        card = client.retrieve_method(payment_method_id)
    except NotAtStripe:
        row = PaymentMethod.objects.filter(stripe_payment_method_id=payment_method_id).first()
        return PaymentMethodEvent("detached", card_from(row), "", at, fetched=True) if row else None
    if isinstance(card, OtherPaymentMethod):
        return OtherPaymentMethodAttached(card, at)
    kind: Literal["attached", "detached"] = "attached" if card.customer_id else "detached"
    return PaymentMethodEvent(kind, card, card.customer_id, at, fetched=True)


def card_from(row: PaymentMethod) -> Card:
    """Return a card from our row, for a card that Stripe no longer has."""
    return Card(
        id=row.stripe_payment_method_id,
        customer_id="",
        brand=row.brand,
        last4=row.last4,
        exp_month=row.exp_month,
        exp_year=row.exp_year,
        fingerprint=row.fingerprint,
        created=int(row.added_at.timestamp()),
    )


def _row(
    owner: StripeCustomer, event: PaymentMethodEvent, detached_at: datetime | None = None
) -> PaymentMethod:
    row = PaymentMethod(user_id=owner.user_id, fingerprint=event.card.fingerprint, detached_at=detached_at)
    _copy(event, row)
    return row


def _copy(event: PaymentMethodEvent, row: PaymentMethod) -> None:
    row.stripe_payment_method_id = event.card.id
    row.brand, row.last4 = event.card.brand, event.card.last4
    row.exp_month, row.exp_year = event.card.exp_month, event.card.exp_year
    row.added_at, row.synced_at = clock.from_timestamp(event.card.created), event.at


def _insert(owner: StripeCustomer, event: PaymentMethodEvent) -> str:
    """Add a card; if the buyer has the same card already, keep its row and let the newer method replace the older."""
    if event.kind == "detached":
        _row(owner, event, detached_at=event.at).save()
        return "remembered as removed"
    saved = saved_cards(owner.user_id)
    twin = saved.filter(fingerprint=event.card.fingerprint).first() if event.card.fingerprint else None
    if twin is None:
        row = _row(owner, event)
        row.is_default = not saved.filter(is_default=True).exists()
        row.save()
        link_consent(row)
        return "added"
    if clock.from_timestamp(event.card.created) < twin.added_at:
        _retire(_row(owner, event, detached_at=event.at))
        return "older twin retired"
    retired = _row(owner, event, detached_at=event.at)
    retired.stripe_payment_method_id, retired.added_at = twin.stripe_payment_method_id, twin.added_at
    _refresh(twin, event)
    _retire(retired)
    link_consent(twin)
    return "replaced its older twin"


def _refresh(row: PaymentMethod, event: PaymentMethodEvent) -> None:
    _copy(event, row)
    same_card = saved_cards(row.user_id).filter(fingerprint=event.card.fingerprint)
    if not same_card.exclude(pk=row.pk).exists():
        row.fingerprint = event.card.fingerprint
    row.save()


def _retire(row: PaymentMethod) -> None:
    """Keep the row as removed, and detach the method at Stripe once no unpaid order may use it."""
    row.is_default, row.detach_pending = False, True
    row.save()
    outbox.detach_cards([row.stripe_payment_method_id])


def _remove(row: PaymentMethod, *, at: datetime) -> None:
    was_default = row.is_default
    row.detached_at, row.is_default = at, False
    row.save()
    if was_default and (next_default := saved_cards(row.user_id).order_by("-id").first()):
        next_default.is_default = True
        next_default.save(update_fields=["is_default"])


def saved_cards(user_id: int) -> QuerySet[PaymentMethod]:
    """Return the user's cards, the default first."""
    return PaymentMethod.objects.filter(user_id=user_id, detached_at=None)


def find_card(user: User, ref: str) -> PaymentMethod:
    """Return the user's card by our id or by Stripe's (``pm_…``), without a call to Stripe.

    Raises NotFound for another user's card, and CardRemoved for a card that was deleted.
    """
    by_ref = Q(stripe_payment_method_id=ref) | Q(pk=parse_primary_key(ref) or 0)
    row = PaymentMethod.objects.filter(by_ref, user=user).first() if ref else None
    if row is None:
        raise NotFound("You have no such saved card.")
    if row.detached_at:
        raise CardRemoved("This card was removed. Choose another one.")
    return row


def refuse_if_gone(payment_method_id: str) -> None:
    """Check with Stripe a card that could not be charged; if it was detached there, remove it here too.

    Raises CardRemoved.
    """
    try:
        if client.retrieve_method(payment_method_id).customer_id:
            return
    except NotAtStripe:
        pass
    with transaction.atomic():
        row = PaymentMethod.objects.select_related("user").get(stripe_payment_method_id=payment_method_id)
        _remove_locked(row, at=clock.now())
    raise CardRemoved("This card was removed. Choose another one.")


def set_default(*, user: User, ref: str) -> PaymentMethod:
    """Make one card the only default; raises NotFound or CardRemoved."""
    with transaction.atomic():
        _lock(user)
        row = find_card(user, ref)
        saved_cards(user.pk).filter(is_default=True).exclude(pk=row.pk).update(is_default=False)
        row.is_default = True
        row.save(update_fields=["is_default"])
    return row


def remove_payment_method(*, user: User, ref: str) -> None:
    """Delete a card here at once, and at Stripe by a job; raises NotFound or CardRemoved."""
    with transaction.atomic():
        _lock(user)
        row = find_card(user, ref)
        row.detach_pending = True
        _remove(row, at=clock.now())
        outbox.detach_cards([row.stripe_payment_method_id])


def _lock(user: User) -> None:
    """Lock the customer's row: the cards of one user change one at a time."""
    list(StripeCustomer.objects.select_for_update(no_key=True).filter(user=user))


def detach_at_stripe(payment_method_id: str) -> bool:
    """Detach a removed card at Stripe; False while an unpaid order may use it. Repeating it does no harm."""
    if Order.objects.filter(stripe_payment_method_id=payment_method_id, status__in=LIVE).exists():
        return False
    row = PaymentMethod.objects.select_related("user").get(stripe_payment_method_id=payment_method_id)
    # The card is detached already, or was deleted with its customer.
    with suppress(NotAtStripe, UnexpectedState):
        client.detach_card(payment_method_id, key=next_customer_key(row.user, "detach"))
    PaymentMethod.objects.filter(pk=row.pk).update(detach_pending=False)
    return True
