"""What was paid and with what, and what went back and where to, as mails tell it."""

from datetime import datetime

from django.conf import settings
from django.db.models.fields.json import KT

from estuary.common.money import display
from estuary.notifications.layout import Facts, Link
from estuary.orders.models import Order
from estuary.payments.models import PaymentMethod, Refund, WebhookEvent
from estuary.payments.models.customers import BRAND_NAMES
from estuary.payments.models.events import SUBJECT


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


def describe_refunds(order: Order) -> Facts:
    """Return a table of the refunds that succeeded: when, how much, and where to."""
    succeeded = Refund.objects.filter(
        order=order, status=Refund.Status.SUCCEEDED, is_unmatched=False
    ).order_by("settled_at", "pk")
    rows = [(_day(refund.settled_at or refund.created_at), _where(refund)) for refund in succeeded]
    return Facts("Where it goes", rows)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


def _where(refund: Refund) -> str:
    """Return the parts of a refund, each with its way, such as ``45.00 USD to your card``."""
    parts = [
        (refund.card_minor, "to the card you paid with"),
        (refund.credits_minor, "to your credits"),
    ]
    return "\n".join(f"{display(minor, refund.currency)} {way}" for minor, way in parts if minor)


def returned_since(order: Order, moment: datetime) -> int:
    """Return what refunds asked for since a moment return, in minor units, those under way included."""
    refunds = Refund.objects.filter(
        order=order, created_at__gte=moment, status__in=Refund.OPEN_OR_SUCCEEDED, is_unmatched=False
    )
    return sum(refund.amount_minor for refund in refunds)
