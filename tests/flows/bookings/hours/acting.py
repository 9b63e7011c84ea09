"""The steps of a practitioner who reads and changes the own hours."""

from datetime import date, datetime
from typing import Any

from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import Service
from tests.factories import signed_in
from tests.flows.buying import Json

HOURS = "/api/v1/hours/"


def host(practitioner: Practitioner) -> APIClient:
    return signed_in(practitioner.user)


def read(me: APIClient) -> Json:
    answer = me.get(HOURS)
    assert answer.status_code == 200, answer.json()
    return dict(answer.json())


def window(starts: str, ends: str) -> Json:
    return {"starts": starts, "ends": ends}


def every_day(*windows: Json) -> list[Json]:
    return [{"weekday": day, "windows": list(windows)} for day in range(7)]


def put_week(me: APIClient, week: Any, *, version: str | None = None) -> Any:
    return me.put(HOURS, {"version": read(me)["version"] if version is None else version, "week": week})


def day_url(day: date | str) -> str:
    return f"{HOURS}exceptions/{day}/"


def put_day(me: APIClient, day: date, *windows: Json, version: str = "") -> Any:
    return me.put(day_url(day), {"version": version, "windows": list(windows)})


def done(answer: Any) -> Json:
    assert answer.status_code == 200, answer.json()
    return dict(answer.json())


def refusal(answer: Any) -> tuple[int, str]:
    problem = answer.json()
    assert len(problem["detail"].split()) > 4, problem
    return answer.status_code, problem["code"]


def starts_on(buyer: APIClient, service: Service, day: date) -> list[str]:
    """Return the free starts of a day on the practitioner's clock, such as 09:00."""
    zone = service.practitioner.time_zone
    params: dict[str, str | int] = {"from": day.isoformat(), "days": 1, "time_zone": zone}
    shown = buyer.get(f"/api/v1/services/{service.pk}/slots/", params).json()["slots"]
    return [f"{datetime.fromisoformat(slot['start_datetime']):%H:%M}" for slot in shown]
