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
from estuary.payments.models import PaymentMethod, Refund, WebhookEvent
from estuary.payments.models.customers import BRAND_NAMES
from estuary.payments.models.events import SUBJECT


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
    """Return the card that paid as people name it: as the events of its payment say, or as it was saved with us."""
    events = WebhookEvent.objects.alias(about=SUBJECT).filter(about=order.stripe_payment_intent_id)
    method_ids = {order.stripe_payment_method_id}
    for method_id, brand, last4 in events.values_list(
        KT("payload__data__object__payment_method"),
        KT("payload__data__object__payment_method_details__card__brand"),
        KT("payload__data__object__payment_method_details__card__last4"),
    ):
        if last4:
            return f"{brand_name(brand or '')} •••• {last4}"
        method_ids.add(method_id or "")
    saved = PaymentMethod.objects.filter(
        user_id=order.user_id, stripe_payment_method_id__in=method_ids - {""}
    ).first()
    return f"{brand_name(saved.brand)} •••• {saved.last4}" if saved and saved.last4 else "card"


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


def failed_minor(order: Order) -> int:
    """Return the sum of the refund that failed last, in minor units; 0 if none has."""
    failed = Refund.objects.filter(order=order, status__in=[Refund.Status.FAILED, Refund.Status.CANCELED])
    newest = failed.order_by("-settled_at", "-pk").first()
    return newest.amount_minor if newest else 0


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
