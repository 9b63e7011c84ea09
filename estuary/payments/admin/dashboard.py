"""The overview page: today's figures, and what waits for staff; one query for each figure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from estuary.common import clock
from estuary.common.admin.base import label, link, list_url, moment, money
from estuary.common.money import display
from estuary.orders.models import Order
from estuary.orders.states import Status
from estuary.payments.admin.order_detail import Section
from estuary.payments.admin.orders import ending_holds
from estuary.payments.models import Dispute, FraudNotice, Refund, WebhookEvent
from estuary.payments.observability import count_payments_without_event

NEWEST_ORDERS = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """A named number with a link to its list; ``alarm`` marks one that staff should look at."""

    name: str
    value: str
    url: str
    alarm: bool = False


def figures(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures that this member of staff may see."""
    at = clock.now()
    today = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    all_figures: list[Figure] = []
    recent: list[Section] = []
    if request.user.has_perm("orders.view_order"):
        all_figures += _orders(today, at)
        recent = [_recent_orders()]
    if request.user.has_perm("payments.view_refund"):
        all_figures += _refunds(today)
    if request.user.has_perm("payments.view_dispute"):
        all_figures.append(_disputes())
    if request.user.has_perm("payments.view_fraudnotice"):
        all_figures.append(_fraud_notices())
    if request.user.has_perm("payments.view_webhookevent"):
        all_figures += _inbox()
    return {**context, "figures": all_figures, "sections": recent, "title": "Overview"}


def _orders(today: datetime, at: datetime) -> list[Figure]:
    captured = Order.objects.filter(paid_at__gte=today)
    placed = Order.objects.filter(created_at__gte=today).count()
    ending = Order.objects.filter(ending_holds(at)).count()
    stuck = Order.objects.filter(status=Status.PAID, disputed=False).count()
    return [
        Figure("Orders today", str(placed), list_url(Order, **_on(today, "created_at"))),
        Figure(
            "Captured today",
            _sums(captured, Sum("captured_minor")),
            list_url(Order, **_on(today, "paid_at")),
        ),
        Figure("Holds that end within 5 minutes", str(ending), list_url(Order, hold="ending")),
        Figure(
            "Paid, not handed over",
            str(stuck),
            list_url(Order, status__exact="paid", disputed__exact="0"),
            alarm=stuck > 0,
        ),
    ]


def _refunds(today: datetime) -> list[Figure]:
    # Of another payment only the refund is here: what came in is in no order's captured sum.
    succeeded = Refund.objects.filter(
        status=Refund.Status.SUCCEEDED, settled_at__gte=today, is_unmatched=False
    )
    refunded = _sums(succeeded, Sum("card_minor") + Sum("credits_minor"))
    waiting = Refund.objects.filter(status__in=Refund.OPEN).count()
    return [
        Figure(
            "Refunded today",
            refunded,
            list_url(
                Refund,
                status__exact="succeeded",
                is_unmatched__exact="0",
                **_on(today, "settled_at"),
            ),
        ),
        Figure("Refunds on their way", str(waiting), list_url(Refund, standing="open")),
    ]


def _disputes() -> Figure:
    count = Dispute.objects.filter(closed_at=None).count()
    return Figure("Open disputes", str(count), list_url(Dispute, standing="open"), alarm=count > 0)


def _fraud_notices() -> Figure:
    count = FraudNotice.objects.filter(closed_at=None).count()
    url = list_url(FraudNotice, standing="open")
    return Figure("Fraud warnings and reviews", str(count), url, alarm=count > 0)


def _inbox() -> list[Figure]:
    unsettled = WebhookEvent.objects.filter(status=WebhookEvent.Status.PENDING).count()
    dead = WebhookEvent.objects.filter(status=WebhookEvent.Status.DEAD).count()
    unreported = count_payments_without_event()
    return [
        Figure("Unsettled events", str(unsettled), list_url(WebhookEvent, status__exact="pending")),
        Figure("Dead events", str(dead), list_url(WebhookEvent, status__exact="dead"), alarm=dead > 0),
        Figure(
            "Payments without an event",
            str(unreported),
            reverse("admin-checkup"),
            alarm=unreported > 0,
        ),
    ]


def _on(day: datetime, field: str) -> dict[str, str]:
    """Return the query of the admin's own filter by day."""
    return {f"{field}__gte": str(day), f"{field}__lt": str(day + timedelta(days=1))}


def _sums(rows: QuerySet[Any], total: Any) -> str:
    by_currency = rows.order_by("currency").values_list("currency").annotate(sum=total)
    return ", ".join(display(minor, currency) for currency, minor in by_currency if minor) or "0"


def _recent_orders() -> Section:
    rows = [
        (
            link(order),
            order.user.email,
            order.title,
            money(order.total_minor, order.currency),
            label(order.status),
            moment(order.created_at),
        )
        for order in Order.objects.select_related("user").order_by("-id")[:NEWEST_ORDERS]
    ]
    headers = ["Order", "Buyer", "What", "Total", "Status", "Placed"]
    return Section("Newest orders", headers, rows, "Nobody has ordered yet.")
