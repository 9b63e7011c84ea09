"""Work after a commit is enqueued within the transaction: calls to Stripe and mails, as jobs in the same database.

A job only speeds things up: the rows are the truth, and the periodic sweep finds the work of a lost job.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import batched
from typing import Any

from django.db import connection
from procrastinate.types import JSONDict

from estuary.accounts.models import User
from estuary.common import clock, ids
from estuary.common.process.job_queue import enqueue
from estuary.notifications.order_mail_texts import OrderMail
from estuary.notifications.staff_alerts import alert_staff
from estuary.orders.models import Order
from estuary.payments.models import Refund, SentMail

# A job costs more than a mail, so a batch of events has few jobs. When a worker dies, so many mails are sent twice.
MAILS_PER_JOB = 20
ALERT_INTERVAL = timedelta(hours=1)
CLAIM_ALERT_HOUR = """
    INSERT INTO payments_hourlyalert (code, alerted_at) VALUES (%(code)s, %(at)s)
    ON CONFLICT (code) DO UPDATE SET alerted_at = %(at)s WHERE payments_hourlyalert.alerted_at <= %(before)s
    RETURNING code"""


def send_refunds(refunds: Sequence[Refund]) -> None:
    """Enqueue sending each requested refund to Stripe."""
    enqueue("payments.send_refund", [{"refund_id": refund.pk} for refund in refunds])


def send_mails(mails: Sequence[tuple[Order, OrderMail]], *, about: str = "") -> None:
    """Enqueue mails to buyers; each is written from the rows as they are when it is sent.

    ``about`` names the one act of which they tell, such as ``move-7``. Their keys begin with it, so they are sent once.
    """
    mails_as_json: list[JSONDict] = [
        {
            "order_id": order.pk,
            "template": template,
            "key": f"{about}-{order.pk}" if about else ids.mail_key(),
        }
        for order, template in mails
    ]
    if len(mails_as_json) == 1:
        send_each_mail(mails_as_json)
    else:
        enqueue(
            "payments.send_mails",
            [{"wanted": list(batch)} for batch in batched(mails_as_json, MAILS_PER_JOB, strict=False)],
        )


def send_each_mail(mails: list[JSONDict]) -> None:
    """Enqueue one job for each mail, so that each is retried alone."""
    enqueue("payments.send_mail", mails)


def send_booking_mails(mails: Sequence[SentMail]) -> None:
    """Enqueue mails about bookings, whose rows exist already: each row is what sends its mail once."""
    enqueue("payments.send_booking_mail", [{"mail_id": mail.pk} for mail in mails])


def send_method_removed(user_id: int, last4: str) -> None:
    """Enqueue a mail that a payment method other than a card was not kept."""
    enqueue("payments.send_method_removed", [{"user_id": user_id, "last4": last4}])


def carry_out_date_change(change_id: int) -> None:
    """Enqueue what follows a change of dates: unpaid orders end, guests are refunded and written to."""
    enqueue("payments.carry_out_date_change", [{"change_id": change_id}])


def alert_staff_hourly(code: str, text: str) -> bool:
    """Alert staff at most once an hour for each code, from all processes together; returns whether it did."""
    at = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_ALERT_HOUR, {"code": code, "at": at, "before": at - ALERT_INTERVAL})
        is_due = bool(cursor.fetchone())
    if is_due:
        alert_staff(code, text)
    return is_due


def detach_cards(payment_method_ids: Sequence[str]) -> None:
    """Enqueue detaching cards at Stripe that were deleted or replaced here."""
    enqueue("payments.detach_card", [{"payment_method_id": method_id} for method_id in payment_method_ids])


def update_customer(user_id: int) -> None:
    """Enqueue sending a user's changed e-mail address or name to Stripe's customer."""
    enqueue("payments.update_customer", [{"user_id": user_id}])


def end_open_payments(user_id: int, cause: str = "too many cards were declined") -> None:
    """Enqueue canceling everything with which a user could still try cards."""
    enqueue("payments.end_open_payments", [{"user_id": user_id, "cause": cause}])


def end_payments_on_recovery(sender: Any, user: User, **_: Any) -> None:
    """Cancel the open payments of an account that its owner takes back (account_recovered).

    Whoever started one may have its Checkout Session open, which offers the cards that the owner saves later.
    """
    end_open_payments(user.pk, cause="the password was reset")
