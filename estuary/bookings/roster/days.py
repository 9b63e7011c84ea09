"""Which days of the roster are asked for: from now on, or from one day to another in the practitioner's zone."""

from datetime import date, datetime, time, timedelta
from typing import Any

from rest_framework import serializers

from estuary.accounts.models import Practitioner
from estuary.common import clock

DAYS_DEFAULT, DAYS_MAX = 28, 92
FIRST_YEAR, LAST_YEAR = 2000, 2100


class RosterFilter(serializers.Serializer[Any]):
    days = serializers.IntegerField(
        min_value=1,
        max_value=DAYS_MAX,
        default=DAYS_DEFAULT,
        help_text="how far to look ahead from now; not together with first_day",
    )
    first_day = serializers.DateField(
        required=False, help_text="in the practitioner's own time zone; in the past too"
    )
    last_day = serializers.DateField(
        required=False, help_text=f"included; without it, first_day alone. {DAYS_MAX} days at most"
    )

    def validate(self, params: dict[str, Any]) -> dict[str, Any]:
        first, last = params.get("first_day"), params.get("last_day")
        if first is None:
            if last is not None:
                raise serializers.ValidationError({"first_day": "Send the first day too."})
            return params
        if "days" in self.initial_data:
            raise serializers.ValidationError({"days": "Send either days or first_day."})
        last = last or first
        if first.year < FIRST_YEAR or last.year > LAST_YEAR:
            raise serializers.ValidationError({"first_day": f"Choose days from {FIRST_YEAR} to {LAST_YEAR}."})
        if not timedelta(0) <= last - first < timedelta(days=DAYS_MAX):
            raise serializers.ValidationError(
                {"last_day": f"Send the first day or a later one, and {DAYS_MAX} days at most."}
            )
        return params | {"last_day": last}


def chosen_range(params: dict[str, Any], practitioner: Practitioner) -> tuple[datetime, datetime]:
    """Return the moments between which meetings are asked for."""
    if first := params.get("first_day"):
        return _midnight(first, practitioner), _midnight(params["last_day"] + timedelta(days=1), practitioner)
    begin = clock.now()
    return begin, begin + timedelta(days=params["days"])


def _midnight(day: date, practitioner: Practitioner) -> datetime:
    return datetime.combine(day, time(0), practitioner.zone)
