"""Sending a mail once, with a row of what became of it.

A worker that dies after the server took a mail, and before the row says so, sends it again. Both have one Message-ID,
so a mailbox that sees both may show one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F

from estuary.accounts.models import ERASED_DOMAIN, User
from estuary.bookings.models import Booking
from estuary.common import clock
from estuary.common.observability.redaction import redact
from estuary.notifications.layout import Content, write_mail
from estuary.orders.models import Order
from estuary.payments.errors import NotOwner
from estuary.payments.models import SentMail, StripeAccount
from estuary.payments.models.mails import COPY

MAX_ERROR = 300
UNCLAIMED = (
    "This database is a copy. Mails about what it copied leave once it is claimed (stripe_account --claim)."
)


@dataclass(frozen=True, slots=True)
class Addressed:
    """What a mail is about and whom it goes to; ``starts_at`` is the time that it tells of."""

    key: str
    kind: str
    user: User
    order: Order | None = None
    booking: Booking | None = None
    starts_at: datetime | None = None
    requested_by_id: int | None = None


def send_once(mail: Addressed, write: Callable[[], Content | None], connection: Any = None) -> bool:
    """Write and send a mail unless that was done already; return whether it was sent now.

    ``write`` is called when the mail is sent, so it reads the rows as they are then; None means that the mail has no
    use any more. What the mail server raises is recorded and raised again, for a later try. Raises NotOwner in a copy.
    """
    row, _ = SentMail.objects.get_or_create(key=mail.key, defaults=_columns(mail))
    if row.is_over:
        return False
    _refuse_in_copy(row)
    content = write()
    to = recipients(mail.user)
    if content is None or not to:
        outcome = SentMail.Status.OBSOLETE if content is None else SentMail.Status.NOBODY
        _record(row, status=outcome, address="")
        return False
    message = write_mail(to, content)
    message.extra_headers["Message-ID"] = f"<{mail.key}@{domain()}>"
    try:
        _send(message, connection)
    except Exception as error:
        reason = redact(f"{type(error).__name__}: {error}")[:MAX_ERROR]
        _record(row, status=SentMail.Status.FAILED, address=to[0], error=reason)
        raise
    _record(row, status=SentMail.Status.SENT, address=to[0], error="", sent_at=clock.now())
    return True


def act_of(key: str, order: Order) -> str:
    """Return which act a mail about an order tells of, such as ``move-7``; empty if its key names none."""
    act, _, owner = key.partition(COPY)[0].rpartition("-")
    return act if owner == str(order.pk) else ""


def id_in(act: str, kind: str) -> str:
    """Return what the name of an act has after its kind: ``7`` of ``move-7``; empty for an act of another kind."""
    return act.removeprefix(f"{kind}-") if act.startswith(f"{kind}-") else ""


def recipients(user: User) -> list[str]:
    """Return a user's address; nobody, so that nothing is sent, once the user is erased."""
    return [] if not user.email or user.email.endswith(ERASED_DOMAIN) else [user.email]


def domain() -> str:
    """Return the host that the ids of our mails and of calendar entries end with."""
    return urlsplit(settings.FRONTEND_URL).hostname or "localhost"


def _refuse_in_copy(row: SentMail) -> None:
    """Raise NotOwner for a mail to a guest of the shop of which this database is a copy: its links lead here."""
    copy = StripeAccount.find_copy()
    if copy is None:
        return
    about = row.order.created_at if row.order else row.user.date_joined if row.user else clock.now()
    if copy.belongs_to_original(about):
        _record(row, status=SentMail.Status.FAILED, error=UNCLAIMED)
        raise NotOwner(
            "This database is a copy: nobody of the original is written to.", for_operators=UNCLAIMED
        )


def _columns(mail: Addressed) -> dict[str, Any]:
    return {
        "kind": mail.kind,
        "user_id": mail.user.pk,
        "order_id": mail.order.pk if mail.order else None,
        "booking_id": mail.booking.pk if mail.booking else None,
        "starts_at": mail.starts_at,
        "requested_by_id": mail.requested_by_id,
    }


def _record(row: SentMail, **columns: Any) -> None:
    SentMail.objects.filter(pk=row.pk).update(attempts=F("attempts") + 1, **columns)


def _send(message: EmailMultiAlternatives, connection: Any) -> None:
    if connection is None:
        message.send()
    else:
        connection.send_messages([message])
