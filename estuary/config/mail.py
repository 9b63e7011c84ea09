"""Mail settings: the SMTP server of EMAIL_URL, or the worker's log in development."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

CONSOLE = "estuary.notifications.console_mail.EmailBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"


def mailers(url: str) -> dict[str, Any]:
    """Turn ``smtp://user:password@host:587/?tls=1`` (``smtps://`` for TLS from the start) into Django's MAILERS."""
    if url in {"", "console:"}:
        return {"default": {"BACKEND": CONSOLE}}
    parts = urlsplit(url)
    options = {
        "host": parts.hostname or "localhost",
        "port": parts.port or (465 if parts.scheme == "smtps" else 587),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_ssl": parts.scheme == "smtps",
        "use_tls": parse_qs(parts.query).get("tls", ["0"])[0] == "1",
        "timeout": 10,
    }
    return {"default": {"BACKEND": SMTP, "OPTIONS": options}}
