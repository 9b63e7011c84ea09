"""Work after a commit is enqueued within the transaction: calls to Stripe and mails, as jobs in the same database.

A job only speeds things up: the rows are the truth, and the periodic sweep finds the work of a lost job.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from itertools import batched

from django.db import DEFAULT_DB_ALIAS, connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager
from procrastinate.types import JSONDict

from estuary.accounts.emails import NOTICES, TEMPLATES
from estuary.common import clock
from estuary.common.observability.redaction import redact
from estuary.orders.models import Order
from estuary.payments.models import Refund

# A job costs more than a mail, so a batch of events has few jobs. When a worker dies, so many mails are sent twice.
MAILS_PER_JOB = 20
ALERT_INTERVAL = timedelta(hours=1)
CLAIM_ALERT_HOUR = """
    INSERT INTO payments_hourlyalert (code, alerted_at) VALUES (%(code)s, %(at)s)
    ON CONFLICT (code) DO UPDATE SET alerted_at = %(at)s WHERE payments_hourlyalert.alerted_at <= %(before)s
    RETURNING code"""
# In a worker, the app's own manager enqueues over another connection, outside of our transaction. It also waits for an
# event loop that may never answer another thread.
JOB_MANAGER = JobManager(DjangoConnector(alias=DEFAULT_DB_ALIAS))


class OrderMail(StrEnum):
    """The mails that a buyer gets about an order; their texts are in emails.py."""

    COMPLETED = "completed"
    REFUNDED = "refunded"
    LATE_PAYMENT = "late_payment"
    RECOVERED = "recovered"
    PROCESSING = "processing"
    PAYMENT_FAILED = "payment_failed"
    BANK_TOO_LATE = "bank_too_late"
    DATE_BEGUN = "date_begun"
    REFUND_FAILED = "refund_failed"
    DISPUTE_LOST = "dispute_lost"


def send_refunds(refunds: Sequence[Refund]) -> None:
    """Enqueue sending each requested refund to Stripe."""
    _defer("send_refund", [{"refund_id": refund.pk} for refund in refunds])


def send_mails(mails: Sequence[tuple[Order, OrderMail]]) -> None:
    """Enqueue mails to buyers; each is written from the rows as they are when it is sent."""
    mails_as_json: list[JSONDict] = [
        {"order_id": order.pk, "template": template} for order, template in mails
    ]
    if len(mails_as_json) == 1:
        send_each_mail(mails_as_json)
    else:
        _defer(
            "send_mails",
            [{"wanted": list(batch)} for batch in batched(mails_as_json, MAILS_PER_JOB, strict=False)],
        )


def send_each_mail(mails: list[JSONDict]) -> None:
    """Enqueue one job for each mail, so that each is retried alone."""
    _defer("send_mail", mails)


def send_method_removed(user_id: int, last4: str) -> None:
    """Enqueue a mail that a payment method other than a card was not kept."""
    _defer("send_method_removed", [{"user_id": user_id, "last4": last4}])


def send_account_mail(
    template: str, email: str, user_id: int | None, details: dict[str, str] | None = None
) -> None:
    """Enqueue a mail about an account; ``template`` is a key of accounts.emails' dictionaries."""
    if template not in TEMPLATES and template not in NOTICES:
        raise LookupError(f"There is no mail {template}: add it to accounts/emails.py")
    mail: JSONDict = {"template": template, "email": email, "user_id": user_id}
    if details:
        mail["details"] = dict(details)
    _defer("send_account_mail", [mail])


def alert_staff(code: str, text: str) -> None:
    _defer("alert_staff", [{"code": code, "text": redact(text)}])


def alert_staff_hourly(code: str, text: str) -> None:
    """Alert staff at most once an hour for each code, from all processes together."""
    at = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_ALERT_HOUR, {"code": code, "at": at, "before": at - ALERT_INTERVAL})
        if cursor.fetchone():
            alert_staff(code, text)


def detach_cards(payment_method_ids: Sequence[str]) -> None:
    """Enqueue detaching cards at Stripe that were deleted or replaced here."""
    _defer("detach_card", [{"payment_method_id": method_id} for method_id in payment_method_ids])


def update_customer(user_id: int) -> None:
    """Enqueue sending a user's changed e-mail address or name to Stripe's customer."""
    _defer("update_customer", [{"user_id": user_id}])


def end_open_payments(user_id: int, cause: str = "too many cards were declined") -> None:
    """Enqueue canceling everything with which a user could still try cards."""
    _defer("end_open_payments", [{"user_id": user_id, "cause": cause}])


def _defer(task: str, arguments: list[JSONDict]) -> None:
    """Enqueue in bulk, as ``batch_defer`` does, but without two log records for each job.

    Database errors are raised as by any other statement: a lost connection is no bug, a deadlock is retried.
    """
    if not arguments:
        return
    deferrer = app.configure_task(f"payments.{task}")
    try:
        JOB_MANAGER.batch_defer_jobs([deferrer.make_new_job(**kwargs) for kwargs in arguments])
    except ConnectorException as error:
        with connection.wrap_database_errors:
            raise (error.__cause__ or error) from None
