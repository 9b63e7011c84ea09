"""Parts of a buyer's page: what was moved and called off, what the buyer was written to and agreed to.

Each is sorted by a column without an index: by an index, PostgreSQL would read everybody's rows from the newest on.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import F
from django.utils.html import format_html

from estuary.accounts.models import User
from estuary.bookings.models import BookingMove
from estuary.common.admin.base import NOTHING, label, link, moment
from estuary.payments.admin.mails.resend import RESULTS
from estuary.payments.admin.people.part import SHOWN, Part
from estuary.payments.admin.timeline.dates import describe_change
from estuary.payments.mailing.samples import describe_kind
from estuary.payments.models import Consent, DateChangeRow, SentMail


def _moves(user: User) -> list[Sequence[Any]]:
    moves = BookingMove.objects.filter(order__user=user).select_related("booking", "order", "by")
    return [
        (
            moment(row.moved_at),
            link(row.booking, row.booking.service_name),
            moment(row.from_starts_at),
            moment(row.to_starts_at),
            "the buyer" if row.by_id == user.pk else str(row.by),
            link(row.order),
        )
        for row in moves.order_by("-moved_at", "-id")[: SHOWN + 1]
    ]


def _date_changes(user: User) -> list[Sequence[Any]]:
    rows = DateChangeRow.objects.filter(order__user=user)
    related = rows.select_related("change__requested_by", "change__practitioner", "order")
    return [
        (
            moment(row.change.created_at),
            describe_change(row.change),
            row.why,
            label(row.status),
            link(row.order),
            link(row.change),
        )
        for row in related.order_by(F("done_at").desc(nulls_first=True), "-id")[: SHOWN + 1]
    ]


def _mails(user: User) -> list[Sequence[Any]]:
    mails = SentMail.objects.filter(user=user).select_related("order")
    return [
        (
            describe_kind(row.kind),
            row.address or user.email,
            moment(row.sent_at or row.created_at),
            format_html(
                "{} {}", label(RESULTS.get(row.status, row.status), row.get_status_display()), row.error
            ),
            link(row.order),
        )
        for row in mails.order_by(F("sent_at").desc(nulls_first=True), "-id")[: SHOWN + 1]
    ]


def _consents(user: User) -> list[Sequence[Any]]:
    consents = Consent.objects.filter(user=user).select_related("payment_method", "order")
    return [
        (
            moment(row.given_at),
            row.text,
            row.wording_id,
            link(row.payment_method) if row.payment_method else "no card was saved",
            link(row.order) if row.order else NOTHING,
        )
        for row in consents.order_by("-given_at", "-id")[: SHOWN + 1]
    ]


MOVES = Part(
    "Moved bookings", "bookings.view_booking", ("When", "Booking", "From", "To", "By", "Order"),
    _moves, "No booking was moved.",
)  # fmt: skip
DATE_CHANGES = Part(
    "Called-off and moved dates", "payments.view_datechange",
    ("When", "What", "For the buyer", "Status", "Order", "Id"),
    _date_changes, "No date of this buyer was called off or moved.",
)  # fmt: skip
CONSENTS = Part(
    "Consent to save a card", "payments.view_paymentmethod", ("Given", "Wording", "Id", "Card", "Order"),
    _consents, "The buyer has agreed to nothing of the kind.",
)  # fmt: skip
MAILS = Part(
    "Mails", "orders.view_order", ("Mail", "To", "Written", "Result", "Order"),
    _mails, "The buyer was not written to.",
)  # fmt: skip
