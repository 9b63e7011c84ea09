"""What was paid and with what, and what went back and where to, as mails tell it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.fields.json import KT

from estuary.bookings.models import Booking
from estuary.common.english_times import write_short_date
from estuary.common.money import display
from estuary.notifications.layout import Facts, Link
from estuary.notifications.order_mail_texts import TO_CREDITS, TO_PAYMENT_METHOD, describe_refund_takes
from estuary.orders.models import Order
from estuary.orders.states import CONFIRMED_BY_SERVER, Status
from estuary.payments.models import Dispute, PaymentMethod, Refund, WebhookEvent
from estuary.payments.models.customers import BRAND_NAMES, describe_method
from estuary.payments.models.events import SUBJECT
from estuary.payments.stripe_objects import UsedMethod

CHARGE_SUCCEEDED, INTENT_SUCCEEDED = "charge.succeeded", "payment_intent.succeeded"


@dataclass(frozen=True, slots=True)
class Returned:
    """What goes back to a buyer, in minor units: the way it was paid, and as credits."""

    method_minor: int = 0
    credits_minor: int = 0

    @property
    def total_minor(self) -> int:
        return self.method_minor + self.credits_minor

    @property
    def takes(self) -> str:
        """Return how long it takes, in words."""
        return describe_refund_takes(
            by_method=self.method_minor > 0,
            by_credits=self.credits_minor > 0,
        )

    def ways(self, currency: str) -> list[str]:
        """Return its parts, each with where it goes, such as ``45.00 USD to your credits``."""
        parts = [(self.method_minor, TO_PAYMENT_METHOD), (self.credits_minor, TO_CREDITS)]
        return [f"{display(minor, currency)} {where}" for minor, where in parts if minor]


NOTHING = Returned()


def sum_refunds(refunds: Iterable[Refund]) -> Returned:
    rows = list(refunds)
    return Returned(sum(row.card_minor for row in rows), sum(row.credits_minor for row in rows))


def describe_payment(order: Order) -> Facts:
    """Return a table of what was paid, by card and by credits."""
    rows: list[tuple[str, str | Link]] = [("Total", display(order.total_minor, order.currency))]
    if order.amount_due_minor:
        rows.append(("Paid", f"{display(order.amount_due_minor, order.currency)} by {_method(order)}"))
    if order.credits_applied_minor:
        rows.append(("Credits", display(order.credits_applied_minor, order.currency)))
    rows.append(("Order", order_link(order.public_id, order)))
    return Facts("What you paid", rows)


def order_link(words: str, order: Order) -> Link:
    """Return a link to the order in the storefront."""
    return Link(words, f"{settings.FRONTEND_URL}/orders/?id={order.public_id}")


def _method(order: Order) -> str:
    """Return what paid as people name it: as the charge's event says, or as the card was saved with us.

    A card that was declined, or that waited for its owner, is never named: another may have paid.
    """
    events = WebhookEvent.objects.alias(about=SUBJECT).filter(
        about=order.stripe_payment_intent_id, type__in=[CHARGE_SUCCEEDED, INTENT_SUCCEEDED]
    )
    saved_id = ""
    for kind, method_id, details in events.order_by("pk").values_list(
        "type",
        KT("payload__data__object__payment_method"),
        "payload__data__object__payment_method_details",
    ):
        if kind == CHARGE_SUCCEEDED and details:
            method = UsedMethod.of_details(details)
            return describe_method(method.type, method.brand, method.last4)
        saved_id = method_id or saved_id
    confirmed = order.transitions.filter(cause=CONFIRMED_BY_SERVER, after=Status.COMPLETED)
    if not saved_id and order.stripe_payment_method_id and confirmed.exists():
        saved_id = order.stripe_payment_method_id
    return _saved_card(order, saved_id) or "card or bank account"


def _saved_card(order: Order, method_id: str) -> str:
    """Return the buyer's saved card with this id of Stripe's; empty if there is none."""
    if not method_id:
        return ""
    row = PaymentMethod.objects.filter(user_id=order.user_id, stripe_payment_method_id=method_id).first()
    return describe_method("card", row.brand, row.last4) if row and row.last4 else ""


def brand_name(brand: str) -> str:
    """Return Stripe's word for a brand as people write it."""
    return BRAND_NAMES.get(brand, brand) or "Card"


def succeeded_refunds(order: Order) -> list[Refund]:
    rows = Refund.objects.filter(order=order, status=Refund.Status.SUCCEEDED, is_unmatched=False)
    return list(rows.order_by("settled_at", "pk"))


def describe_refunds(refunds: Sequence[Refund]) -> Facts:
    """Return a table of refunds: when, how much, and where to."""
    rows = [
        (
            write_short_date(refund.settled_at or refund.created_at),
            "\n".join(sum_refunds([refund]).ways(refund.currency)),
        )
        for refund in refunds
    ]
    return Facts("Where it goes", rows)


def returned_by(order: Order, act: str) -> Returned:
    """Return what the refund that was requested with an act returns, also while it is under way."""
    return sum_refunds(_open_or_succeeded(order).filter(request_key=act))


def returned_since(order: Order, moment: datetime) -> Returned:
    """Return what refunds asked for since a moment return, those under way included."""
    return sum_refunds(_open_or_succeeded(order).filter(created_at__gte=moment))


@dataclass(frozen=True, slots=True)
class PartOfRefund:
    """A refund, or what is missing of one that failed, in minor units of its payment's currency."""

    amount_minor: int
    currency: str
    is_unmatched: bool = False

    def __str__(self) -> str:
        amount = display(self.amount_minor, self.currency)
        return f"{amount} of another payment" if self.is_unmatched else amount


def missing_of_failed_refund(order: Order) -> PartOfRefund | None:
    """Return what the buyer lacks of the refund that failed last; None when nothing is missing any more.

    60.00 was paid by card, and the bank has returned 20.00 of it. A refund of 60.00 fails: 40.00 is missing.
    """
    failed = Refund.objects.filter(order=order, status__in=[Refund.Status.FAILED, Refund.Status.CANCELED])
    newest = failed.order_by("-settled_at", "-pk").first()
    if newest is None:
        return None
    of_payment = list(
        Refund.objects.filter(
            order=order,
            stripe_payment_intent_id=newest.stripe_payment_intent_id,
            is_unmatched=newest.is_unmatched,
        )
    )
    received_minor = (
        max(row.card_minor for row in of_payment) if newest.is_unmatched else order.captured_minor
    )
    gone_minor = sum(row.card_minor for row in of_payment if row.status in Refund.KNOWN_TO_STRIPE)
    left_minor = received_minor - gone_minor - _lost_minor(order, newest)
    returned_credits = sum(row.credits_minor for row in of_payment if row.status in Refund.KNOWN_TO_STRIPE)
    missing_minor = max(min(newest.card_minor, left_minor), 0) + max(
        min(newest.credits_minor, order.credits_applied_minor - returned_credits), 0
    )
    return PartOfRefund(missing_minor, newest.currency, newest.is_unmatched) if missing_minor else None


def _lost_minor(order: Order, refund: Refund) -> int:
    """Return what lost disputes took of the payment that a refund is of."""
    if not refund.is_unmatched:
        return order.lost_minor
    lost = order.disputes.filter(
        stripe_payment_intent_id=refund.stripe_payment_intent_id, status=Dispute.Status.LOST
    )
    return sum(dispute.amount_minor for dispute in lost)


def returned_of_another_payment(order: Order) -> PartOfRefund | None:
    """Return the refund of an unmatched payment that arrived last."""
    arrived = Refund.objects.filter(order=order, status=Refund.Status.SUCCEEDED, is_unmatched=True)
    newest = arrived.order_by("-settled_at", "-pk").first()
    return PartOfRefund(newest.card_minor, newest.currency, is_unmatched=True) if newest else None


def kept_minor(order: Order, bookings: Iterable[Booking]) -> int:
    """Return what is kept of the price of some bookings, in minor units: their shares, less what went back.

    A workshop of 100.00 was refunded 25.00 before: 75.00 are kept.
    """
    refunds = list(_open_or_succeeded(order))
    canceled = {booking.pk: booking.amount_minor for booking in bookings}
    by_name = sum(refund.amount_minor for refund in refunds if refund.booking_id in canceled)
    left_minor = order.total_minor - order.lost_minor - sum(refund.amount_minor for refund in refunds)
    return max(min(sum(canceled.values()) - by_name, left_minor), 0)


def _open_or_succeeded(order: Order) -> QuerySet[Refund]:
    return Refund.objects.filter(order=order, status__in=Refund.OPEN_OR_SUCCEEDED, is_unmatched=False)
