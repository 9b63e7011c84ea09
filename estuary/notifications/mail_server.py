"""Whether the mail server takes our mails: a connection is opened and closed, and no mail is sent."""

from smtplib import SMTPException
from typing import Any

from django.core.mail import mailers

from estuary.common.observability.redaction import redact

TIMEOUT_S = 3


def find_mail_problem() -> str:
    """Return why mails can't be sent, such as a refused password; empty if they can."""
    backend: Any = mailers.default
    if not hasattr(backend, "host"):
        return ""
    backend.timeout = TIMEOUT_S
    try:
        backend.open()
    except (OSError, SMTPException) as error:
        return redact(f"{backend.host}:{backend.port}: {error}")
    finally:
        backend.close()
    return ""
