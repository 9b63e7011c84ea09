"""What must happen after a commit, enqueued inside it: calls to Stripe and mails, as jobs of the same database.

A job is a nudge: the rows are the truth, and the sweep finds whatever a lost job left undone.
"""

from collections.abc import Sequence
from datetime import timedelta
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

# A job costs more than a mail, so that a batch of events has few. When a worker dies over one, so many come twice.
MAILS_PER_JOB = 20
ALERT_INTERVAL = timedelta(hours=1)
CLAIM_ALERT_HOUR = """
    INSERT INTO payments_hourlyalert (code, alerted_at) VALUES (%(code)s, %(at)s)
    ON CONFLICT (code) DO UPDATE SET alerted_at = %(at)s WHERE payments_hourlyalert.alerted_at <= %(before)s
    RETURNING code"""
# The app's own enqueues over other connections in a worker that runs jobs, outside of our transaction, and waits there
# for an event loop that may never answer a thread of another.
JOB_MANAGER = JobManager(DjangoConnector(alias=DEFAULT_DB_ALIAS))


def send_refunds(refunds: Sequence[Refund]) -> None:
    """Have each requested refund sent to Stripe once this transaction is committed."""
    _defer("send_refund", [{"refund_id": refund.pk} for refund in refunds])


def send_mails(mails: Sequence[tuple[Order, str]]) -> None:
    """Have the buyers told; the mail is written from the rows as they are when it is sent."""
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
    """Have each of these mails sent, and sent again when that fails, without the others."""
    _defer("send_mail", mails)


def send_method_removed(user_id: int, last4: str) -> None:
    """Have a user told that a payment method which is no card was not kept."""
    _defer("send_method_removed", [{"user_id": user_id, "last4": last4}])


def send_account_mail(
    template: str, email: str, user_id: int | None, details: dict[str, str] | None = None
) -> None:
    """Have a mail about an account written and sent; ``template`` is a key of accounts.emails' dictionaries."""
    if template not in TEMPLATES and template not in NOTICES:
        raise LookupError(f"Nobody writes the mail {template}: add it to accounts/emails.py")
    mail: JSONDict = {"template": template, "email": email, "user_id": user_id}
    if details:
        mail["details"] = dict(details)
    _defer("send_account_mail", [mail])


def alert_staff(code: str, text: str) -> None:
    _defer("alert_staff", [{"code": code, "text": redact(text)}])


def alert_staff_hourly(code: str, text: str) -> None:
    """Alert staff of what may happen often: once an hour for each code, by however many processes."""
    at = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_ALERT_HOUR, {"code": code, "at": at, "before": at - ALERT_INTERVAL})
        if cursor.fetchone():
            alert_staff(code, text)


def detach_cards(payment_method_ids: Sequence[str]) -> None:
    """Have cards that were deleted or replaced here detached at Stripe too."""
    _defer("detach_card", [{"payment_method_id": method_id} for method_id in payment_method_ids])


def update_customer(user_id: int) -> None:
    """Have Stripe's customer follow a user whose e-mail address or name was changed."""
    _defer("update_customer", [{"user_id": user_id}])


def end_open_payments(user_id: int, cause: str = "too many cards were declined") -> None:
    """Have everything ended that a user could still try cards with."""
    _defer("end_open_payments", [{"user_id": user_id, "cause": cause}])


def _defer(task: str, arguments: list[JSONDict]) -> None:
    """Enqueue in bulk, as ``batch_defer`` does but for the two log records that it makes of each job.

    What the database says is raised as from any other statement: a lost connection is no bug, a deadlock is retried.
    """
    if not arguments:
        return
    deferrer = app.configure_task(f"payments.{task}")
    try:
        JOB_MANAGER.batch_defer_jobs([deferrer.make_new_job(**kwargs) for kwargs in arguments])
    except ConnectorException as error:
        with connection.wrap_database_errors:
            raise (error.__cause__ or error) from None
