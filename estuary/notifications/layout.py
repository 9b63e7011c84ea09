"""The layout of mails to buyers."""

from collections.abc import Sequence

from django.core.mail import EmailMessage


def write_mail(to: Sequence[str], first_name: str, subject: str, text: str) -> EmailMessage:
    """Return a mail with a greeting and our name; nobody gets it if ``to`` is empty."""
    body = f"Hello {first_name or 'there'},\n\n{text}\n\nEstuary\n"
    # A title or name may contain a line break, which a mail header must not.
    return EmailMessage(" ".join(subject.split()), body, to=to)
