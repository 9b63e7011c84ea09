"""Bodies that call dates off or move them: each names the preview of exactly what it asks for, so it is carried out."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.http import Http404

from estuary.common import clock
from estuary.common.errors import EstuaryError
from estuary.payments.dates.previews import ChangeRequest, Kind, days_request, preview_change
from tests.fuzz.world import Marketplace

ROSTER = "/api/v1/roster/"


def is_date_change(path: str) -> bool:
    return path.startswith(ROSTER) and path.endswith(("/call-off/", "/move/"))


class DateChanges:
    """Makes sensible requests of the practitioner, and names their previews."""

    def __init__(self, market: Marketplace, random: Random) -> None:
        self.market, self.random = market, random

    def with_preview(self, path: str, pk: Any, body: dict[str, Any]) -> dict[str, Any]:
        """Return the body with times that make sense, and with the preview as it is now, if there is one."""
        body = body | self._times(path)
        body.pop("end_datetime", None)
        try:
            return body | {"preview_id": preview_change(self._request(path, pk, body)).id}
        except (EstuaryError, Http404, ValueError, TypeError):
            return body

    def _times(self, path: str) -> dict[str, Any]:
        if path.endswith("/move/"):
            return {"start_datetime": self.market.hour_of_night().isoformat()}
        if "/days/" in path:
            first = clock.now().date() + timedelta(days=self.random.randrange(17, 60))
            last = first + timedelta(days=self.random.randrange(3))
            hours = {"start_time": "09:00"} if self.random.random() < 0.5 else {}
            return {"first_day": first.isoformat(), "last_day": last.isoformat(), **hours}
        return {}

    def _request(self, path: str, pk: Any, body: dict[str, Any]) -> ChangeRequest:
        host = self.market.host
        if "/days/" in path:
            days = [datetime.fromisoformat(body[name]).date() for name in ("first_day", "last_day")]
            hours = [body.get(name) for name in ("start_time", "end_time")]
            times = [datetime.strptime(hour, "%H:%M").time() if hour else None for hour in hours]  # noqa: DTZ007
            return days_request(host, days[0], days[1], times[0], times[1])
        if "/bookings/" in path:
            return ChangeRequest(kind=Kind.CALL_OFF, practitioner=host, booking_id=int(pk))
        if path.endswith("/move/"):
            starts_at = datetime.fromisoformat(body["start_datetime"])
            return ChangeRequest(kind=Kind.MOVE, practitioner=host, session_id=int(pk), starts_at=starts_at)
        return ChangeRequest(kind=Kind.CALL_OFF, practitioner=host, session_id=int(pk))
