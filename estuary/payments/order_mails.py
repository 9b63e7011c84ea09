"""Mails about orders: to whom they go, once each, from the rows as they are when a mail is sent."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import mailers

from estuary.accounts.models import User
from estuary.bookings.models import Booking, BookingMove
from estuary.common import ids
from estuary.notifications.booking_mail_texts import SUBJECTS, TEXTS, AccountMail
from estuary.notifications.layout import Content, write_mail
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.payments.mailing.date_changes import read_date_change
from estuary.payments.mailing.due import waits_for_buyer
from estuary.payments.mailing.meetings import bookings_of, zone_of_order
from estuary.payments.mailing.notices import notify_practitioners
from estuary.payments.mailing.order_contents import (
    BEGINS,
    BY_PRACTITIONERS,
    ENDS,
    Related,
    compose,
    declined_with,
    ended_with,
    last_canceled_at,
    parts_of,
    shown_meetings,
)
from estuary.payments.mailing.sending import Addressed, act_of, id_in, recipients, send_once
from estuary.payments.mailing.tenders import (
    NOTHING,
    describe_payment,
    describe_refunds,
    kept_minor,
    missing_of_failed_refund,
    returned_by,
    returned_of_another_payment,
    returned_since,
    succeeded_refunds,
    sum_refunds,
)

# It has order_id, template and key.
type Mail = dict[str, Any]

log = structlog.get_logger(__name__)


def send_order_mails(mails: Sequence[Mail]) -> list[Mail]:
    """Write to the buyers of many orders over one connection; returns the mails that could not be sent.

    If the connection can't be opened, nothing is sent and the backend's error is raised.
    """
    orders = Order.objects.select_related("user").in_bulk([mail["order_id"] for mail in mails])
    unsent = []
    with mailers.default as connection:
        for mail in mails:
            key = mail.setdefault("key", ids.mail_key())
            try:
                send_order_mail(orders[mail["order_id"]], OrderMail(mail["template"]), key, connection)
            except Exception:
                log.exception("mail_failed", **mail)
                unsent.append(mail)
    return unsent


def send_order_mail(
    order: Order, template: OrderMail, key: str, connection: Any = None, *, requested_by_id: int | None = None
) -> None:
    """Write to the buyer of an order, once for each key, and then to practitioners whose bookings have changed."""
    mail = Addressed(key, template.value, order.user, order=order, requested_by_id=requested_by_id)
    send_once(mail, lambda: write_order_mail(order, template, key), connection)
    if "service_id" in order.snapshot and template in (ENDS | BEGINS) - BY_PRACTITIONERS:
        notify_practitioners(order)


def write_order_mail(order: Order, template: OrderMail, key: str) -> Content | None:
    """Return the mail; None if it would ask for what need not be done, or say what is not true any more."""
    if template == OrderMail.ACTION_NEEDED and not waits_for_buyer(order):
        return None
    related = _read(order, template, act_of(key, order))
    return compose(order, template, related) if related else None


def _read(order: Order, template: OrderMail, act: str) -> Related | None:
    """Return what a mail tells beside the order, and only what this mail needs; of the ``act`` that it names."""
    bookings = bookings_of(order) if "service_id" in order.snapshot else []
    match template:
        case OrderMail.COMPLETED:
            return Related(bookings, [describe_payment(order)])
        case OrderMail.REFUNDED:
            refunds = succeeded_refunds(order)
            return Related(bookings, [describe_refunds(refunds)], returned=sum_refunds(refunds))
        case OrderMail.REFUND_FAILED:
            missing = missing_of_failed_refund(order)
            return Related(bookings, refund=missing) if missing else None
        case OrderMail.OTHER_REFUNDED:
            return Related(bookings, refund=returned_of_another_payment(order))
        case OrderMail.PROCESSING | OrderMail.ACTION_NEEDED:
            return Related(bookings, zone=zone_of_order(order))
        case OrderMail.DATE_MOVED | OrderMail.CALLED_OFF:
            changed = read_date_change(order, template, act, bookings)
            return Related(bookings, changed=changed) if changed else None
    return _read_act(order, template, act, bookings)


def _read_act(order: Order, template: OrderMail, act: str, bookings: list[Booking]) -> Related | None:
    """Return what a mail tells of one act of a guest, of staff or of a practitioner."""
    match template:
        case OrderMail.CANCELED:
            ended = ended_with(bookings, id_in(act, "canceled"))
            canceled_at = last_canceled_at(ended)
            since = returned_since(order, canceled_at) if canceled_at else NOTHING
            return Related(bookings, ended=ended, returned=returned_by(order, act) if act else since)
        case OrderMail.CANCELED_UNREFUNDED:
            forfeited = [booking for booking in bookings if booking.forfeited]
            ended = ended_with(forfeited, id_in(act, "forfeited"))
            return Related(bookings, ended=ended, kept_minor=kept_minor(order, parts_of(ended)))
        case OrderMail.MOVED:
            moves = BookingMove.objects.filter(order=order)
            if move_id := id_in(act, "move"):
                moves = moves.filter(pk=move_id)
            move = moves.order_by("-pk").first()
            is_on = [row.pk for row in bookings if row.is_active and row.starts_at]
            return Related(bookings, move=move) if move and move.booking_id in is_on else None
        case OrderMail.DECLINED:
            if not (seat_id := id_in(act, "declined")):
                return None
            declined = declined_with(bookings, int(seat_id))
            return Related(bookings, declined=declined, returned=returned_by(order, act))
        case OrderMail.NEW_LINK:
            session_id = id_in(act, "new-link").partition("-")[0]
            related = Related(bookings, session_id=int(session_id) if session_id else None)
            return related if shown_meetings(related) else None
    return Related(bookings)


def send_method_removed(user: User, last4: str) -> None:
    """Write to a user that a payment method other than a card was not kept; ``last4`` may be empty."""
    values = {
        "ending": f" ending in {last4}" if last4 else "",
        "cards_url": f"{settings.FRONTEND_URL}/cards/",
    }
    kind = AccountMail.METHOD_REMOVED
    text = TEXTS[kind].format(**values)
    write_mail(recipients(user), Content(SUBJECTS[kind], text, first_name=user.first_name)).send()
