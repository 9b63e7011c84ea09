"""Entries of what was written to whom about the order."""

from collections.abc import Iterable, Sequence

from estuary.orders.models import Order
from estuary.payments.admin.timeline.entries import Entry, Source
from estuary.payments.mailing.samples import describe_kind
from estuary.payments.models import SentMail

RESULTS = {
    SentMail.Status.WAITING: "The mail “{name}” to {whom} waits to be sent.",
    SentMail.Status.SENT: "The mail “{name}” was sent to {whom}.",
    SentMail.Status.FAILED: "The mail “{name}” to {whom} could not be sent{why}.",
    SentMail.Status.NOBODY: "The mail “{name}” was not sent: there is nobody to write to any more.",
    SentMail.Status.OBSOLETE: "The mail “{name}” was not sent: it was of no use any more.",
}


def _mails(order: Order, mails: Sequence[SentMail]) -> Iterable[Entry]:
    for mail in mails:
        if mail.requested_by:
            again = f"{mail.requested_by} of staff had the mail “{describe_kind(mail.kind)}” sent again."
            yield Entry(mail.created_at, again, (mail.key,))
        sentence = RESULTS[SentMail.Status(mail.status)].format(
            name=describe_kind(mail.kind),
            whom=mail.address or (mail.user.email if mail.user else "nobody"),
            why=f": {mail.error.rstrip('.')}" if mail.error else "",
        )
        is_failed = mail.status == SentMail.Status.FAILED
        yield Entry(mail.sent_at or mail.created_at, sentence, (mail.key,), is_failed)


MAILS = Source("mails", lambda order: list(order.mails.all()), _mails)
