"""What staff mistyped before there were limits is brought within them, a row at a time: few rows, if any, are beyond."""

from datetime import UTC, datetime, timedelta

from django.db import migrations
from django.db.models import F, Q

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 12, 31, tzinfo=UTC)
SESSION_MAX = timedelta(days=31)
MOST = {
    "duration_min": 24 * 60,
    "slot_step_min": 24 * 60,
    "free_cancel_hours": 366 * 24,
    "validity_days": 3660,
    "bundle_quantity": 100,
    "bundle_bonus": 100,
}
PRICES = {"idr": 999_999_999_999, "cop": 9_999_999_999, "inr": 999_999_999}
PRICE = 99_999_999
CAPACITY = 10_000


def clamp(apps, schema_editor):
    services = apps.get_model("catalog", "Service").objects
    for name, most in MOST.items():
        services.filter(**{f"{name}__gt": most}).update(**{name: most})
    for name in ("sale_starts_at", "sale_ends_at"):
        services.filter(**{f"{name}__lt": EARLIEST}).update(**{name: EARLIEST})
        services.filter(**{f"{name}__gt": LATEST}).update(**{name: LATEST})
    prices = apps.get_model("catalog", "ServicePrice").objects
    for currency, most in PRICES.items():
        prices.filter(currency=currency, amount_minor__gt=most).update(amount_minor=most)
    prices.exclude(currency__in=PRICES).filter(amount_minor__gt=PRICE).update(amount_minor=PRICE)
    _clamp_sessions(apps)


def _clamp_sessions(apps):
    """A capacity goes no lower than what is taken; a date is shortened, and one that nobody can mean goes to the edge."""
    sessions = apps.get_model("catalog", "ServiceSession").objects
    entries = apps.get_model("catalog", "CalendarEntry").objects
    sessions.filter(capacity__gt=CAPACITY, taken__lte=CAPACITY).update(capacity=CAPACITY)
    beyond = Q(starts_at__lt=EARLIEST) | Q(ends_at__gt=LATEST) | Q(ends_at__gt=F("starts_at") + SESSION_MAX)
    for number, session in enumerate(sessions.filter(beyond).order_by("pk")):
        if session.starts_at < EARLIEST:
            session.starts_at = EARLIEST + timedelta(hours=number)
        if session.starts_at >= LATEST:
            session.starts_at = LATEST - timedelta(hours=number + 1)
        session.ends_at = min(session.ends_at, session.starts_at + SESSION_MAX, LATEST)
        if session.ends_at <= session.starts_at:
            session.ends_at = session.starts_at + timedelta(hours=1)
        entry = entries.get(pk=session.calendar_entry_id)
        entry.during = type(entry.during)(session.starts_at, session.ends_at)
        entry.save(update_fields=["during"])
        session.save(update_fields=["starts_at", "ends_at"])


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_no_index_for_nothing")]

    operations = [migrations.RunPython(clamp, migrations.RunPython.noop)]
