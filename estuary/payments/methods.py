"""Saved cards: kept in line with Stripe, one default each, the same card once, and deleted means deleted."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import transaction
from django.db.models import Q, QuerySet

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.errors import NotFound
from estuary.common.primary_keys import primary_key_in
from estuary.orders.models import Order
from estuary.orders.states import LIVE
from estuary.payments import client, outbox
from estuary.payments.customers import next_post_key
from estuary.payments.errors import CardRemoved, NotAtStripe, UnexpectedState
from estuary.payments.models import PaymentMethod, StripeCustomer
from estuary.payments.objects import Card, OtherMethod
from estuary.payments.other_methods import OtherMethodAttached


@dataclass(frozen=True, slots=True)
class CardNews:
    """What Stripe says of a card: that it was attached or updated (``card`` as it is), or detached from a customer."""

    kind: Literal["attached", "updated", "detached"]
    card: Card
    customer_id: str
    at: datetime


def sync_method(news: CardNews) -> str:
    """Bring the list of saved cards in line with one piece of news, in the open transaction; returns what it came to.

    Older news than what we know is ignored, and what was deleted stays deleted, however late an ``attached`` comes.
    """
    owner = (
        StripeCustomer.objects.select_for_update(no_key=True)
        .filter(stripe_customer_id=news.customer_id)
        .first()
    )
    if owner is None or not news.customer_id:
        return "not ours"
    known = PaymentMethod.objects.filter(stripe_payment_method_id=news.card.id).first()
    if known is None:
        if news.kind == "detached":
            _row(owner, news, detached_at=news.at).save()
            return "remembered as removed"
        return _add(owner, news)
    if known.detached_at or known.user_id != owner.user_id:
        return "stays removed" if known.detached_at else "not ours"
    if news.kind == "detached":
        _remove(known, at=news.at)
        return "removed"
    if news.at < known.synced_at:
        return "older than what we know"
    _refresh(known, news)
    return "updated"


def fetch_news(payment_method_id: str) -> CardNews | OtherMethodAttached:
    """Ask Stripe how a payment method stands now, and return that as news. Raises NotAtStripe."""
    card = client.retrieve_method(payment_method_id)
    if isinstance(card, OtherMethod):
        return OtherMethodAttached(card, clock.now())
    if card.customer_id:
        return CardNews("attached", card, card.customer_id, clock.now())
    owners = StripeCustomer.objects.filter(user__payment_methods__stripe_payment_method_id=payment_method_id)
    before = owners.values_list("stripe_customer_id", flat=True).first()
    return CardNews("detached", card, before or "", clock.now())


def _row(owner: StripeCustomer, news: CardNews, detached_at: datetime | None = None) -> PaymentMethod:
    return PaymentMethod(
        user_id=owner.user_id,
        stripe_payment_method_id=news.card.id,
        card_brand=news.card.brand,
        last4=news.card.last4,
        exp_month=news.card.exp_month,
        exp_year=news.card.exp_year,
        fingerprint=news.card.fingerprint,
        added_at=clock.from_timestamp(news.card.created),
        synced_at=news.at,
        detached_at=detached_at,
    )


def _add(owner: StripeCustomer, news: CardNews) -> str:
    """Add a card, or, when the buyer has the same card already, keep the row and let the newest method win."""
    mine = PaymentMethod.objects.filter(user_id=owner.user_id, detached_at=None)
    twin = mine.filter(fingerprint=news.card.fingerprint).first() if news.card.fingerprint else None
    if twin is None:
        row = _row(owner, news)
        row.is_default = not mine.filter(is_default=True).exists()
        row.save()
        return "added"
    if clock.from_timestamp(news.card.created) < twin.added_at:
        _retire(_row(owner, news, detached_at=news.at))
        return "older twin retired"
    retired = _row(owner, news, detached_at=news.at)
    retired.stripe_payment_method_id, retired.added_at = twin.stripe_payment_method_id, twin.added_at
    _refresh(twin, news)
    _retire(retired)
    return "replaced its older twin"


def _refresh(row: PaymentMethod, news: CardNews) -> None:
    row.stripe_payment_method_id = news.card.id
    row.card_brand, row.last4 = news.card.brand, news.card.last4
    row.exp_month, row.exp_year = news.card.exp_month, news.card.exp_year
    row.added_at, row.synced_at = clock.from_timestamp(news.card.created), news.at
    taken = PaymentMethod.objects.filter(
        user_id=row.user_id, fingerprint=news.card.fingerprint, detached_at=None
    )
    if not taken.exclude(pk=row.pk).exists():
        row.fingerprint = news.card.fingerprint
    row.save()


def _retire(row: PaymentMethod) -> None:
    """Keep a tombstone and detach the method at Stripe, once no unpaid order may still use it."""
    row.is_default, row.detach_pending = False, True
    row.save()
    outbox.detach_cards([row.stripe_payment_method_id])


def _remove(row: PaymentMethod, *, at: datetime) -> None:
    was_default = row.is_default
    row.detached_at, row.is_default = at, False
    row.save()
    if was_default and (heir := _cards(row.user_id).order_by("-id").first()):
        heir.is_default = True
        heir.save(update_fields=["is_default"])


def _cards(user_id: int) -> QuerySet[PaymentMethod]:
    return PaymentMethod.objects.filter(user_id=user_id, detached_at=None)


def saved_cards(user: User) -> QuerySet[PaymentMethod]:
    """Return the user's cards, the default first; one query."""
    return _cards(user.pk)


def find_card(user: User, ref: str) -> PaymentMethod:
    """Return the user's card by our id or by Stripe's (``pm_…``), without a call to Stripe.

    Raises NotFound for anything that is not this user's, and CardRemoved for a card that was deleted.
    """
    by_ref = Q(stripe_payment_method_id=ref) | Q(pk=primary_key_in(ref) or 0)
    row = PaymentMethod.objects.filter(by_ref, user=user).first() if ref else None
    if row is None:
        raise NotFound("You have no such saved card.")
    if row.detached_at:
        raise CardRemoved("This card was removed. Choose another one.")
    return row


def refuse_if_gone(payment_method_id: str) -> None:
    """Ask Stripe about a card that it would not charge; when it was detached there, correct the list and say so.

    Raises CardRemoved.
    """
    try:
        if client.retrieve_method(payment_method_id).customer_id:
            return
    except NotAtStripe:
        pass
    with transaction.atomic():
        row = PaymentMethod.objects.select_related("user").get(stripe_payment_method_id=payment_method_id)
        _lock(row.user)
        row.refresh_from_db()
        if row.detached_at is None:
            _remove(row, at=clock.now())
    raise CardRemoved("This card was removed. Choose another one.")


def set_default(*, user: User, ref: str) -> PaymentMethod:
    """Make one card the default, and it alone; raises NotFound or CardRemoved."""
    with transaction.atomic():
        _lock(user)
        row = find_card(user, ref)
        _cards(user.pk).filter(is_default=True).exclude(pk=row.pk).update(is_default=False)
        row.is_default = True
        row.save(update_fields=["is_default"])
    return row


def forget(*, user: User, ref: str) -> None:
    """Delete a card here at once, and at Stripe by a job of the same commit; raises NotFound or CardRemoved."""
    with transaction.atomic():
        _lock(user)
        row = find_card(user, ref)
        row.detach_pending = True
        _remove(row, at=clock.now())
        outbox.detach_cards([row.stripe_payment_method_id])


def _lock(user: User) -> None:
    """One user's cards change one at a time, whoever asks: the customer's row is the lock."""
    list(StripeCustomer.objects.select_for_update(no_key=True).filter(user=user))


def detach(payment_method_id: str) -> bool:
    """Detach a removed card at Stripe; False while an unpaid order may still use it. Doing it twice is harmless."""
    if Order.objects.filter(stripe_payment_method_id=payment_method_id, status__in=LIVE).exists():
        return False
    row = PaymentMethod.objects.select_related("user").get(stripe_payment_method_id=payment_method_id)
    # Detached already, or gone with its customer: what was wanted is so.
    with suppress(NotAtStripe, UnexpectedState):
        client.detach_card(payment_method_id, key=next_post_key(row.user, "detach"))
    PaymentMethod.objects.filter(pk=row.pk).update(detach_pending=False)
    return True
