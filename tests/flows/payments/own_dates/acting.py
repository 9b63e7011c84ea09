"""The steps of a practitioner who keeps dates of workshops and courses."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from rest_framework.test import APIClient

from estuary.catalog.models import Service, ServiceSession
from estuary.common import clock
from tests.flows.buying import Json

SERVICES, DATES = "/api/v1/roster/services/", "/api/v1/roster/sessions/"


def in_days(days: int, hour: int = 18) -> datetime:
    """A time to come in UTC, when nobody gives 1-on-1 sessions."""
    return datetime.combine(clock.now().date() + timedelta(days=days), time(hour), UTC)


def date_body(service: Service, starts_at: datetime | None = None, **more: Any) -> Json:
    start = (starts_at or in_days(30)).isoformat()
    return {"service_id": str(service.pk), "start_datetime": start, "capacity": 8, **more}


def add(host: APIClient, service: Service, starts_at: datetime | None = None, **more: Any) -> list[Json]:
    answer = host.post(DATES, date_body(service, starts_at, **more))
    assert answer.status_code == 201, answer.json()
    return list(answer.json()["results"])


def url_of(date: Json | ServiceSession) -> str:
    return f"{DATES}{date.pk if isinstance(date, ServiceSession) else date['id']}/"


def look(host: APIClient, date: Json | ServiceSession) -> Json:
    answer = host.get(url_of(date))
    assert answer.status_code == 200, answer.json()
    return dict(answer.json())


def change(host: APIClient, date: Json | ServiceSession, **values: Any) -> Any:
    """Change a date as somebody does who has just looked at it."""
    return host.patch(url_of(date), {"version": look(host, date)["version"], **values})


def problem(answer: Any, status: int, code: str) -> Json:
    content = dict(answer.json())
    assert (answer.status_code, content["code"]) == (status, code), content
    assert len(content["detail"].split()) > 4, content
    return content
