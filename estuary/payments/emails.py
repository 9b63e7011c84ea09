"""Mails about payments, written from the rows as they are when the mail is sent."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, mailers, send_mail

from estuary.accounts.models import ERASED_DOMAIN, User
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.common.money import display
from estuary.orders.models import Order
from estuary.payments.outbox import OrderMail

# It has order_id and template.
type Mail = dict[str, Any]

log = structlog.get_logger(__name__)

SUBJECTS = {
    OrderMail.COMPLETED: "Thank you: {title} is yours",
    OrderMail.REFUNDED: "Your refund for {title}",
    OrderMail.LATE_PAYMENT: "Your payment for {title} came too late and goes back to you",
    OrderMail.RECOVERED: "Your payment for {title} goes back to you",
    OrderMail.PROCESSING: "Your payment for {title} is on its way",
    OrderMail.PAYMENT_FAILED: "Your payment for {title} did not go through",
    OrderMail.BANK_TOO_LATE: "Your order of {title} has ended: your bank has not paid in time",
    OrderMail.DATE_BEGUN: "Your payment for {title} came after it had begun and goes back to you",
    OrderMail.REFUND_FAILED: "Your refund for {title} did not go through yet",
    OrderMail.DISPUTE_LOST: "Your bank has returned your payment for {title}",
}
TEXTS = {
    OrderMail.COMPLETED: "We have received {total} for {title}. {missed}Your order is {order}; you find it at {url}.",
    OrderMail.REFUNDED: "We have sent back {refunded} of {total} for {title} so far. Your order is {order}: {url}.",
    OrderMail.LATE_PAYMENT: (
        "Your payment of {total} for {title} reached us after the order had ended and the place was no longer held. "
        "We are sending all of it back to your card. You need not do anything. Your order is {order}: {url}."
    ),
    OrderMail.RECOVERED: (
        "A fault on our side has lost your order of {title}, which you had paid. We are sorry. What we have of your "
        "{total} and have not returned yet, we are sending back to your card. You need not do anything; if you still "
        "want {title}, please book it again. Your order is {order}: {url}."
    ),
    OrderMail.PROCESSING: (
        "Your bank is working on your payment of {due} for {title}, which may take some days. {kept}We will write to "
        "you when the payment is through, and when it fails. You need not do anything. Your order is {order}: {url}."
    ),
    OrderMail.PAYMENT_FAILED: (
        "Your bank has not made your payment of {due} for {title}, so your order has ended and holds nothing any more. "
        "Nothing was charged{credits}. If you still want {title}, please book it again. Your order was {order}: {url}."
    ),
    OrderMail.BANK_TOO_LATE: (
        "Your bank has not answered about your payment of {due} for {title}. The date until which we could keep your "
        "place has come, so your order has ended{credits}. Should the money still reach us, we send all of it back. If "
        "you still want {title}, please book it again. Your order was {order}: {url}."
    ),
    OrderMail.DATE_BEGUN: (
        "Your payment of {due} for {title} reached us when it had already begun, so you could not take part. We are "
        "sending all of it back{credits}. You need not do anything. Your order is {order}: {url}."
    ),
    OrderMail.REFUND_FAILED: (
        "Our refund for {title} could not be completed, so the money is not with you yet. "
        "We are looking into it and will write to you. You need not do anything. "
        "Your order is {order}: {url}."
    ),
    OrderMail.DISPUTE_LOST: (
        "Your bank has returned your payment for {title} to you. What was paid with it and had not taken place yet is "
        "canceled, and credits that it bought are taken back. Your order is {order}: {url}."
    ),
}


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
    """Write to the buyer of an order."""
    _order_mail(order, template).send()


def _order_mail(order: Order, template: OrderMail) -> EmailMessage:
    values = {
        "title": order.title,
        "order": order.public_id,
        "total": display(order.total_minor, order.currency),
        "refunded": display(order.refunded_minor, order.currency),
        "due": display(order.amount_due_minor, order.currency),
        "kept": _bank_deadline_sentence(order),
        "missed": _missed_times_sentences(order) if template == OrderMail.COMPLETED else "",
        "credits": ", and the credits that you spent on it are yours again"
        if order.credits_applied_minor
        else "",
        "url": f"{settings.FRONTEND_URL}/orders/?id={order.public_id}",
    }
    text = _greeting(order.user) + TEXTS[template].format(**values) + "\n\nEstuary\n"
    # A name may contain a line break, which a mail header must not.
    subject = " ".join(SUBJECTS[template].format(**values).split())
    return EmailMessage(subject, text, to=_recipients(order.user))


def _recipients(user: User) -> list[str]:
    """Return a user's address; nobody, so that nothing is sent, once the user is erased."""
    return [] if user.email.endswith(ERASED_DOMAIN) else [user.email]


def _greeting(user: User) -> str:
    return f"Hello {user.first_name or 'there'},\n\n"


def send_method_removed(user: User, last4: str) -> None:
    """Write to a user that a payment method other than a card was not kept; ``last4`` may be empty."""
    ending = f" ending in {last4}" if last4 else ""
    text = (
        f"{_greeting(user)}The payment method{ending} that was saved to your account is no card. We can only keep "
        "cards for later purchases, so we have removed it again. Nothing was charged for that, and a payment that is "
        f"already under way goes on. Your saved cards: {settings.FRONTEND_URL}/cards/\n\nEstuary\n"
    )
    EmailMessage("We could not keep your payment method", text, to=_recipients(user)).send()


def _bank_deadline_sentence(order: Order) -> str:
    """Return a sentence about until when a place is held for a payment at its bank."""
    if order.kept_until is None:
        return ""
    date = f"{order.kept_until:%A, %d %B %Y, %H:%M} UTC"
    return (
        f"We keep your place until {date}: should your bank not have paid by then, the order ends, and money that "
        "comes later goes back to you. "
    )


def _missed_times_sentences(order: Order) -> str:
    """Return sentences about chosen times that were taken before the payment came, and what to do."""
    if order.snapshot.get("type") not in {ServiceType.PACKAGE, ServiceType.BUNDLE}:
        return ""
    bookings = Booking.objects.filter(order=order).select_related("line").order_by("position")
    missed = [booking.missed_starts_at for booking in bookings if booking.missed_starts_at]
    if not missed:
        return ""
    times = "; ".join(f"{moment:%A, %d %B %Y, %H:%M} UTC" for moment in missed)
    is_one = len(missed) == 1
    return (
        f"{'One' if is_one else len(missed)} of the times that you chose had been taken by others before your payment "
        f"came: {times}. What you paid for {'it' if is_one else 'them'} is not lost: choose "
        f"{'another time' if is_one else 'other times'} at {settings.FRONTEND_URL}/bookings/. "
    )


def send_staff_alert(code: str, text: str) -> None:
    """Write to staff (ESTUARY_STAFF_MAIL); without an address, only the log has the alert."""
    if settings.STAFF_MAIL:
        send_mail(f"[Estuary alert] {code}", text + "\n", None, [settings.STAFF_MAIL])
