"""Mails about payments: their values, read from the rows as they are when a mail is sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, mailers

from estuary.accounts.models import ERASED_DOMAIN, User
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.common.money import display
from estuary.notifications.layout import write_mail
from estuary.notifications.order_mail_texts import (
    SUBJECTS,
    TEXTS,
    OrderMail,
    describe_bank_deadline,
    describe_forfeited,
    describe_missed_times,
)
from estuary.orders.models import Order

# It has order_id and template.
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
            try:
                message = _order_mail(orders[mail["order_id"]], OrderMail(mail["template"]))
                if message.recipients():
                    connection.send_messages([message])
            except Exception:
                log.exception("mail_failed", **mail)
                unsent.append(mail)
    return unsent


def send_order_mail(order: Order, template: OrderMail) -> None:
    _order_mail(order, template).send()


def _order_mail(order: Order, template: OrderMail) -> EmailMessage:
    values = {
        "title": order.title,
        "order": order.public_id,
        "total": display(order.total_minor, order.currency),
        "refunded": display(order.refunded_minor, order.currency),
        "due": display(order.amount_due_minor, order.currency),
        "kept": describe_bank_deadline(order.kept_until),
        "missed": describe_missed_times(_missed_times(order)) if template == OrderMail.COMPLETED else "",
        "forfeited": describe_forfeited(_forfeited_parts(order))
        if template == OrderMail.CANCELED_UNREFUNDED
        else "",
        "credits": ", and the credits that you spent on it are yours again"
        if order.credits_applied_minor
        else "",
        "url": f"{settings.FRONTEND_URL}/orders/?id={order.public_id}",
        "bookings_url": f"{settings.FRONTEND_URL}/bookings/",
    }
    subject, text = SUBJECTS[template].format(**values), TEXTS[template].format(**values)
    return write_mail(_recipients(order.user), order.user.first_name, subject, text)


def _recipients(user: User) -> list[str]:
    """Return a user's address; nobody, so that nothing is sent, once the user is erased."""
    return [] if user.email.endswith(ERASED_DOMAIN) else [user.email]


def send_method_removed(user: User, last4: str) -> None:
    """Write to a user that a payment method other than a card was not kept; ``last4`` may be empty."""
    ending = f" ending in {last4}" if last4 else ""
    text = (
        f"The payment method{ending} that was saved to your account is no card. We can only keep "
        "cards for later purchases, so we have removed it again. Nothing was charged for that, and a payment that is "
        f"already under way goes on. Your saved cards: {settings.FRONTEND_URL}/cards/"
    )
    write_mail(_recipients(user), user.first_name, "We could not keep your payment method", text).send()


def _missed_times(order: Order) -> list[datetime]:
    """Return the chosen times that were taken before the payment came."""
    if order.snapshot.get("type") not in {ServiceType.PACKAGE, ServiceType.BUNDLE}:
        return []
    bookings = Booking.objects.filter(order=order).select_related("line").order_by("position")
    return [booking.missed_starts_at for booking in bookings if booking.missed_starts_at]


def _forfeited_parts(order: Order) -> list[tuple[str, datetime | None]]:
    """Return what was canceled without a refund; of a package or bundle its parts, or itself if nothing else was."""
    forfeited = list(Booking.objects.filter(order=order, forfeited=True).order_by("position"))
    parts = [row for row in forfeited if row.position] or forfeited
    return [(row.service_name, row.starts_at) for row in parts]
