"""The page of one order: its facts, its timeline, and a table for each kind of related object, with one query each."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from estuary.accounts.models import User
from estuary.accounts.rights import Right, may
from estuary.bookings.models import Booking, Reservation
from estuary.bookings.moving.rules import MOVABLE
from estuary.common import clock
from estuary.common.admin.base import NOTHING, external_link, label, link, moment, money, stripe_link
from estuary.common.admin.times import day_and_time
from estuary.credits.models import CreditTransaction
from estuary.orders.models import Order
from estuary.payments.admin.event_outcomes import describe_outcome
from estuary.payments.admin.mails import resend
from estuary.payments.models import Dispute, FraudNotice, Refund, SentMail, WebhookEvent
from estuary.payments.models.events import SUBJECT
from estuary.payments.refunds.request_refund import refundable_minor

MAX_EVENTS = 50
# What the tables and the timeline read, besides refunds and disputes. Apps above payments append theirs.
LOOKUPS: list[Any] = [
    "lines",
    "transitions",
    "fraud_notices",
    Prefetch(
        "reservations",
        Reservation.objects.select_related("session", "calendar_entry", "line").order_by("id"),
    ),
    Prefetch("bookings", Booking.objects.select_related("practitioner").order_by("position")),
    Prefetch("credit_transactions", CreditTransaction.objects.select_related("account").order_by("id")),
    Prefetch("mails", SentMail.objects.select_related("user", "requested_by").order_by("id")),
]


@dataclass(frozen=True, slots=True)
class Section:
    """One table; ``empty`` is shown when it has no rows. ``all_at`` is the URL of a list with more of them."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]
    empty: str
    all_at: str = ""

    @property
    def table(self) -> dict[str, Any]:
        return {"headers": self.headers, "rows": self.rows}


def buyer_link(user: User) -> SafeString:
    """Return a link to the page of a buyer."""
    return external_link(reverse("admin-buyer", args=[user.pk]), user.email, new_tab=False)


# Of apps that stand above payments.
MORE_SECTIONS: list[Callable[[Order, HttpRequest], Section]] = []

type Card = tuple[str, Sequence[tuple[str, Any]]]


def cards(order: Order) -> list[Card]:
    """Return the order's own facts: its item, its amounts and its payment."""

    def amount(minor: int) -> str:
        return money(minor, order.currency)

    declined = (order.failure_message, order.decline_code or order.failure_code)
    about = [
        ("Id", order.public_id),
        ("What", order.title),
        ("Status", label(order.status)),
        ("Buyer", buyer_link(order.user)),
        ("Service", link(order.service)),
        ("Placed", moment(order.created_at)),
        ("Held until", moment(order.expires_at)),
    ]
    amounts = [
        ("Total", amount(order.total_minor)),
        ("Paid by credits", amount(order.credits_applied_minor)),
        ("Due by card", amount(order.amount_due_minor)),
        ("Captured", amount(order.captured_minor)),
        ("Refunded", amount(order.refunded_minor)),
        ("Lost to disputes", amount(order.lost_minor)),
        ("Left to refund", amount(max(refundable_minor(order), 0))),
    ]
    payment = [
        ("Payment", stripe_link("payments", order.stripe_payment_intent_id)),
        ("Session", order.stripe_checkout_session_id or NOTHING),
        ("Paid", moment(order.paid_at)),
        ("Handed over", moment(order.completed_at)),
        ("Last decline", " – ".join(word for word in declined if word) or NOTHING),
        ("Disputed", label("failed", "disputed") if order.disputed else "no"),
        ("Canceled because", order.cancel_reason.replace("_", " ") or NOTHING),
    ]
    return [("Order", about), ("Money", amounts), ("Payment", payment)]


def sections(order: Order, request: HttpRequest) -> list[Section]:
    """Return all tables of the order; its LOOKUPS, ``refunds`` and ``disputes`` must be prefetched."""
    refunds = list(order.refunds.all())
    return [
        _lines(order),
        _service_data(order),
        _reservations(order),
        _bookings(order, request),
        _refunds(order, refunds),
        _disputes(order),
        _fraud_notices(order),
        _ledger(order),
        _mails(order, request),
        *(section(order, request) for section in MORE_SECTIONS),
        _events(order, refunds),
    ]


def _lines(order: Order) -> Section:
    rows = [
        (
            line.position,
            line.service_name,
            line.service_type,
            _starts(line.starts_at),
            money(line.amount_minor, order.currency),
        )
        for line in order.lines.all()
    ]
    return Section("Lines", ["No.", "Service", "Type", "Starts", "Share"], rows, "Credits have no lines.")


def _service_data(order: Order) -> Section:
    rows = [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in order.service_data.items()
    ]
    return Section(
        "Sent by the buyer", ["Name", "Value"], rows, "The buyer sent nothing along with the order."
    )


def _reservations(order: Order) -> Section:
    rows = []
    for reservation in order.reservations.all():
        session, slot = reservation.session, reservation.calendar_entry
        kind, starts_at = (
            ("Seat", session.starts_at) if session else ("Slot", slot.during.lower if slot else None)
        )
        rows.append((reservation.line.service_name, kind, _starts(starts_at), label(reservation.status)))
    headers = ["Service", "What", "When", "Status"]
    return Section("Seats and slots", headers, rows, "Nothing is held for this order.")


def _bookings(order: Order, request: HttpRequest) -> Section:
    may_refund = may(request.user, Right.REFUND) and refundable_minor(order) > 0
    may_change = may(request.user, Right.CHANGE_BOOKINGS)
    rows = [
        (
            ("↳ " if booking.parent_id else "") + booking.service_name,
            booking.practitioner.display_name,
            _starts(booking.starts_at, "to be scheduled"),
            money(booking.amount_minor, order.currency),
            label(booking.status),
            _booking_links(order, booking, may_refund=may_refund, may_change=may_change),
        )
        for booking in order.bookings.all()
    ]
    headers = ["Booking", "Practitioner", "Starts", "Share", "Status", "Actions"]
    return Section("Bookings", headers, rows, "Nothing is booked.")


def _booking_links(order: Order, booking: Booking, *, may_refund: bool, may_change: bool) -> str:
    links = [link(booking, "View")]
    if may_refund and booking.position and booking.is_active:
        url = reverse("admin:orders_order_refund", args=[order.pk])
        links.append(external_link(f"{url}?booking={booking.pk}", "Refund", new_tab=False))
    if may_change and booking.is_active:
        if booking.service_type in MOVABLE and booking.starts_at and booking.starts_at > clock.now():
            url = reverse("admin:payments_datechange_booking_move", args=[booking.pk])
            links.append(external_link(url, "Move", new_tab=False))
        url = reverse("admin:orders_order_cancel_booking", args=[order.pk, booking.pk])
        links.append(external_link(url, "Cancel without refund", new_tab=False))
    return format_html_join(" · ", "{}", ((item,) for item in links))


def _refunds(order: Order, refunds: Sequence[Refund]) -> Section:
    rows = [
        (
            link(refund),
            money(refund.card_minor, refund.currency),
            money(refund.credits_minor, refund.currency),
            label(refund.status),
            refund.booking.service_name
            if refund.booking
            else ("another payment" if refund.is_unmatched else "the order"),
            refund.requested_by.email if refund.requested_by else refund.get_origin_display(),
            refund.reason or NOTHING,
            moment(refund.created_at),
        )
        for refund in refunds
    ]
    headers = ["Refund", "To the card", "To credits", "Status", "Of", "By", "Reason", "Asked for"]
    return Section("Refunds", headers, rows, "Nothing was refunded.")


def _disputes(order: Order) -> Section:
    rows = [
        (
            link(dispute),
            stripe_link("disputes", dispute.stripe_dispute_id),
            money(dispute.amount_minor, dispute.currency),
            dispute.reason.replace("_", " "),
            label(dispute.status, dispute.get_status_display()),
            deadline(dispute),
            money(dispute.frozen_minor, order.currency),
            money(dispute.clawed_minor, order.currency),
            money(dispute.lost_minor, order.currency),
        )
        for dispute in order.disputes.all()
    ]
    headers = ["Dispute", "At Stripe", "Amount", "Reason", "Status", "Answer by"]
    headers += ["Credits frozen", "Credits taken back", "Lost"]
    return Section("Disputes", headers, rows, "Nobody has disputed this payment.")


def _fraud_notices(order: Order) -> Section:
    rows = [
        (
            link(notice),
            notice.get_kind_display(),
            notice.reason.replace("_", " "),
            notice_label(notice),
            moment(notice.opened_at),
        )
        for notice in order.fraud_notices.all()
    ]
    headers = ["Notice", "Kind", "Reason", "Status", "Since"]
    return Section("Fraud warnings and reviews", headers, rows, "Nobody has warned of this payment.")


def notice_label(notice: FraudNotice) -> Any:
    """Return whether a fraud notice asks for something, or how it ended."""
    if notice.is_open:
        return label("failed", "to be decided")
    return label("closed", notice.closed_reason.replace("_", " ") or "closed")


def deadline(dispute: Dispute) -> Any:
    """Return until when evidence is accepted, marked when that is over and none was submitted."""
    if not dispute.is_open or dispute.due_by is None:
        return NOTHING
    overdue = dispute.needs_answer and dispute.due_by <= clock.now()
    at = moment(dispute.due_by)
    return format_html("{} {}", at, label("failed", "overdue")) if overdue else at


def _ledger(order: Order) -> Section:
    rows = [
        (
            label(row.kind),
            money(row.amount_minor, row.account.currency),
            money(row.balance_after_minor, row.account.currency),
            row.note or row.effect,
            moment(row.created_at),
        )
        for row in order.credit_transactions.all()
    ]
    headers = ["Kind", "Amount", "Balance after", "What", "When"]
    return Section("Credits", headers, rows, "This order moved no credits.")


def _mails(order: Order, request: HttpRequest) -> Section:
    return Section("Mails", resend.HEADERS, resend.mail_rows(order, request), "Nobody was written to.")


def _events(order: Order, refunds: Sequence[Refund]) -> Section:
    payments = [order.stripe_payment_intent_id, order.stripe_checkout_session_id]
    payments += [refund.stripe_payment_intent_id for refund in refunds]
    rows = [
        (
            link(event, event.type),
            stripe_link("events", event.stripe_event_id),
            label(event.status),
            event.error or describe_outcome(event.outcome) or NOTHING,
            moment(event.received_at),
        )
        for event in events_about(payments).order_by("id")[:MAX_EVENTS]
    ]
    headers = ["Event", "Id", "Status", "Outcome", "Received"]
    return Section("Events from Stripe", headers, rows, "No event has spoken of this payment.")


def events_about(payments: Sequence[str]) -> QuerySet[WebhookEvent]:
    """Return the events of payment intents and Checkout Sessions, by their ids."""
    ids = sorted({payment for payment in payments if payment})
    return WebhookEvent.objects.alias(about=SUBJECT).filter(about__in=ids).defer("payload")


def _starts(at: datetime | None, otherwise: str = NOTHING) -> str:
    """Return when something takes place, on two lines where a table is narrow."""
    if at is None:
        return otherwise
    day, _, time = day_and_time(at).partition(", ")
    nowrap = "white-space: nowrap"
    return format_html('<span style="{}">{},</span> <span style="{}">{}</span>', nowrap, day, nowrap, time)
