"""allauth's mails go the way of all others: as a job, enqueued in the transaction that wants them."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter

from estuary.accounts.emails import FOLDER
from estuary.payments import outbox


class QueuedMailAdapter(DefaultAccountAdapter):
    """Sends nothing within a request: a mail server that is slow or down never keeps anybody from an account."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Have a mail sent by the worker; of its context only the user is kept."""
        user = context.get("user")
        outbox.send_account_mail(template_prefix.removeprefix(FOLDER), email, user.pk if user else None)
