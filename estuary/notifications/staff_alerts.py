"""Alerts to staff: one mail each, sent by the worker. An alert's code and text stand where it is raised."""

from django.conf import settings
from django.core.mail import send_mail

from estuary.common.observability.redaction import redact
from estuary.common.process.job_queue import enqueue


def alert_staff(code: str, text: str) -> None:
    enqueue("payments.alert_staff", [{"code": code, "text": redact(text)}])


def send_staff_alert(code: str, text: str) -> None:
    """Write to staff (ESTUARY_STAFF_MAIL); without an address, only the log has the alert."""
    if settings.STAFF_MAIL:
        send_mail(f"[Estuary alert] {code}", text + "\n", None, [settings.STAFF_MAIL])
