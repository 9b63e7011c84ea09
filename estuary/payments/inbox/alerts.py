"""Alerts to staff of events that fail: once for each event, and once an hour for all events that Stripe fails."""

from datetime import timedelta

from django.conf import settings

from estuary.common import clock
from estuary.notifications import staff_alerts
from estuary.payments import outbox
from estuary.payments.errors import (
    NotOwner,
    StripeBusy,
    StripeRefused,
    StripeUnavailable,
    StripeUnreachable,
)
from estuary.payments.models import WebhookEvent

# Staff are alerted after so many failures. The fourth comes half a minute after the first: a brief fault is over.
ALERT_AFTER = 4
# An event for which Stripe is too busy, or does not answer, counts no failures.
ALERT_OF_BUSY_AFTER = timedelta(hours=1)
RETRY_NOTICE = (
    "It will be tried again, less and less often. Until it is settled, a paid order may not be fulfilled, or a"
    " refunded one may still count as paid."
)
STRIPE_FAILS_NOTICE = (
    "Stripe itself fails, and other events may wait for the same; you are alerted once an hour at most. Each is tried"
    " again every few minutes, for as long as it takes. Until then, a paid order may not be fulfilled, or a refunded"
    " one may still count as paid. If https://status.stripe.com shows no incident, ask Stripe's support about the"
    " object of this event"
)


def alert_of_failure(row: WebhookEvent, error: Exception, text: str, *, is_dead: bool) -> None:
    """Alert staff of an event that is dead or keeps failing; the caller has locked its row and redacted ``text``."""
    at = clock.now()
    page = f"{settings.FRONTEND_URL}/admin/payments/webhookevent/{row.pk}/change/"
    event = f"{row.type} {row.stripe_event_id}"
    if not is_dead and not _is_to_alert(row, error):
        return
    if isinstance(error, StripeRefused | StripeBusy | StripeUnreachable):
        is_alerted = outbox.alert_staff_hourly(
            "event_fails", f"{event} fails: {text}. {STRIPE_FAILS_NOTICE}: {page}"
        )
    else:
        is_alerted = True
        staff_alerts.alert_staff(
            "event_dead" if is_dead else "event_fails",
            f"{event} failed {row.attempts} times: {text}."
            f" {'It is not tried again.' if is_dead else RETRY_NOTICE} Remove the cause that the error names, then"
            f" press Replay at {page}",
        )
    if is_alerted:
        WebhookEvent.objects.filter(pk=row.pk).update(alerted_at=at)


def _is_to_alert(row: WebhookEvent, error: Exception) -> bool:
    """Return whether a failure is one of which staff are alerted, and have not been."""
    match error:
        case StripeBusy() | StripeUnreachable():
            lasts_long = row.received_at <= clock.now() - ALERT_OF_BUSY_AFTER
        case StripeUnavailable() | NotOwner():
            lasts_long = False
        case _:
            lasts_long = row.attempts >= ALERT_AFTER
    return lasts_long and not row.alerted_at
