"""Mails about orders: to whom they go, once each, from the rows as they are when a mail is sent."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import mailers

from estuary.accounts.models import User
from estuary.bookings.models import BookingMove
from estuary.common import ids
from estuary.notifications.booking_mail_texts import SUBJECTS, TEXTS, AccountMail
from estuary.notifications.layout import Content, write_mail
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.payments.mailing.date_changes import describe_date_change
from estuary.payments.mailing.due import waits_for_buyer
from estuary.payments.mailing.meetings import bookings_of, zone_of_order
from estuary.payments.mailing.notices import notify_practitioners
from estuary.payments.mailing.order_contents import (
    BEGINS,
    BY_PRACTITIONERS,
    ENDS,
    Related,
    compose,
    last_canceled_at,
    last_forfeited,
)
from estuary.payments.mailing.sending import Addressed, recipients, send_once
from estuary.payments.mailing.tenders import (
    NOTHING,
    describe_payment,
    describe_refunds,
    failed_minor,
    kept_minor,
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
    send_once(mail, lambda: _write(order, template), connection)
    if "service_id" in order.snapshot and template in (ENDS | BEGINS) - BY_PRACTITIONERS:
        notify_practitioners(order)


def _write(order: Order, template: OrderMail) -> Content | None:
    """Return the mail; None if the buyer need not do any more what it asks for."""
    if template == OrderMail.ACTION_NEEDED and not waits_for_buyer(order):
        return None
    return compose(order, template, _read(order, template))


def _read(order: Order, template: OrderMail) -> Related:
    """Return what a mail tells beside the order, and only what this mail needs."""
    bookings = bookings_of(order) if "service_id" in order.snapshot else []
    match template:
        case OrderMail.COMPLETED:
            return Related(bookings, [describe_payment(order)])
        case OrderMail.REFUNDED:
            refunds = succeeded_refunds(order)
            return Related(bookings, [describe_refunds(refunds)], returned=sum_refunds(refunds))
        case OrderMail.REFUND_FAILED:
            return Related(bookings, failed_minor=failed_minor(order))
        case OrderMail.CANCELED:
            canceled_at = last_canceled_at(bookings)
            return Related(bookings, returned=returned_since(order, canceled_at) if canceled_at else NOTHING)
        case OrderMail.CANCELED_UNREFUNDED:
            return Related(bookings, kept_minor=kept_minor(order, last_forfeited(bookings)))
        case OrderMail.MOVED:
            return Related(bookings, move=BookingMove.objects.filter(order=order).order_by("-pk").first())
        case OrderMail.PROCESSING | OrderMail.ACTION_NEEDED:
            return Related(bookings, zone=zone_of_order(order))
    return Related(bookings, date_change=describe_date_change(order, template))


def send_method_removed(user: User, last4: str) -> None:
    """Write to a user that a payment method other than a card was not kept; ``last4`` may be empty."""
    values = {
        "ending": f" ending in {last4}" if last4 else "",
        "cards_url": f"{settings.FRONTEND_URL}/cards/",
    }
    kind = AccountMail.METHOD_REMOVED
    text = TEXTS[kind].format(**values)
    write_mail(recipients(user), Content(SUBJECTS[kind], text, first_name=user.first_name)).send()
