"""Django's reports of errors (its debug page, its mails to admins), without anything that must not be written down."""

from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from estuary.common.observability.redaction import redact


class RedactingReporter(ExceptionReporter):
    """Redacts the finished report: the message, the variables of each frame, the request."""

    def get_traceback_html(self) -> SafeString:
        return mark_safe(redact(super().get_traceback_html()))  # noqa: S308 escaped already

    def get_traceback_text(self) -> SafeString:
        return mark_safe(redact(super().get_traceback_text()))  # noqa: S308 plain text


class RedactingFilter(SafeExceptionReporterFilter):
    """Hides by name what has no shape to know it by: passwords, cookies, sessions, addresses with passwords in them."""

    def get_safe_settings(self) -> dict[str, Any]:
        hidden = {"DATABASES", "DATABASE_URL", "MAILERS"}
        return {
            name: self.cleansed_substitute if name in hidden else value
            for name, value in super().get_safe_settings().items()
        }

    def is_active(self, request: HttpRequest | None) -> bool:
        """Never off, not even on a laptop with debug pages."""
        return True
