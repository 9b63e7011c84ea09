"""The examples of the OpenAPI document are real: this shop's answers to the very requests that the document shows.

After a change of the API, ``ESTUARY_RECORD_EXAMPLES=1`` in the environment of this test writes them anew.
"""

import json
import os
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common import clock
from estuary.config.openapi import clear_cached_document
from estuary.config.openapi_examples import RECORDED, recorded_exchanges
from estuary.documents.issuing import issue_due_documents
from stripe_sandbox import Sandbox
from tests.factories import (
    REFUNDING,
    a_free_slot,
    make_practitioner,
    make_service,
    make_sessions,
    make_staff,
    make_user,
    signed_in,
)
from tests.flows import buying
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1/"
LONGEST_LIST = 2

type Json = dict[str, Any]


class Recorder:
    """Sends requests to the API, and keeps each exchange under its operation in the document."""

    def __init__(self, document: Json) -> None:
        self.exchanges: dict[str, list[Json]] = {}
        self._paths = {
            re.compile("^" + re.sub(r"\{\w+\}", "[^/]+", path) + "$"): path for path in document["paths"]
        }

    def send(self, client: APIClient, method: str, path: str, summary: str, body: Json | None = None) -> Json:
        answer = (
            getattr(client, method.lower())(API + path, body)
            if body
            else getattr(client, method.lower())(API + path)
        )
        bare = (API + path).partition("?")[0]
        # Fixed paths before those with ids: methods/default/ is no card.
        template = min((t for p, t in self._paths.items() if p.match(bare)), key=lambda t: t.count("{"))
        is_json = "json" in answer.get("Content-Type", "")
        content: Json = answer.json() if answer.content and is_json else {}
        exchange: Json = {"summary": summary, "status": answer.status_code}
        exchange |= ({"request": body} if body else {}) | (
            {"response": shortened(content)} if content else {}
        )
        self.exchanges.setdefault(f"{method} {template}", []).append(exchange)
        return content


def shortened(value: Any) -> Any:
    """Return an answer with its lists cut."""
    if isinstance(value, dict):
        return {key: shortened(inner) for key, inner in value.items()}
    return [shortened(inner) for inner in value[:LONGEST_LIST]] if isinstance(value, list) else value


PATTERNS = {
    r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)": "a time",
    r"\d{4}-\d\d-\d\d": "a day",
    r"R-\d{4}-\d{6}": "a receipt",
    r"[a-z]+\d+@estuary\.example": "an e-mail address",
    r"\d+": "an id",
    r"[a-z]+_[A-Za-z0-9]{6,}": "an id of Stripe's or ours",
    r"pi_\w+_secret_\w+|seti_\w+_secret_\w+": "a secret",
    r"https?://\S+": "an address",
    r"s-\d+|host-\d+": "a slug",
    r"[0-9a-f]{8}-[0-9a-f-]{27}": "a request",
}

# Inside a sentence: the number of an order, and "Thu, Dec 10, 2026, 9:00 PM".
IN_PROSE = re.compile(r"\bord_\w+|\b[A-Z][a-z]{2}, [A-Z][a-z]{2} \d+, \d{4}(?:, \d+:\d\d [AP]M)?")


def kind_of(value: Any) -> Any:
    """Return a value with its ids, times and secrets replaced by what they are; all else must be equal."""
    if isinstance(value, dict):
        return {key: "a year" if key == "exp_year" else kind_of(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [kind_of(inner) for inner in value]
    if isinstance(value, str):
        for pattern, kind in PATTERNS.items():
            if re.fullmatch(pattern, value):
                return kind
        return IN_PROSE.sub("…", value)
    return value


def play(recorder: Recorder, stripe: Sandbox) -> None:
    """Use every endpoint once, as a buyer, a practitioner and staff do."""
    ana = make_practitioner("Ana Ribeiro")
    massage = make_service(ServiceType.SESSION, ana, usd=9000, name="Deep massage")
    yoga = make_service(ServiceType.SESSION, ana, name="Yoga for one")
    workshop = make_service(ServiceType.WORKSHOP, ana, usd=3500, name="Sound bath at dusk")
    [date] = make_sessions(workshop, capacity=8)
    package = make_service(
        ServiceType.PACKAGE, ana, holds=[massage, yoga, workshop], usd=12000, name="The reset week"
    )
    browse(recorder, str(workshop.pk), str(massage.pk))
    buyer = signed_in(make_user("Maya Lindqvist"))
    buy(recorder, stripe, buyer, str(workshop.pk), str(package.pk))
    manage_cards(recorder, buyer)
    use_bookings(recorder, buyer, a_free_slot(massage).isoformat())
    recorder.send(signed_in(ana.user), "GET", "roster/", "Whom a practitioner meets")
    keep_dates(recorder, signed_in(ana.user), workshop, date)
    keep_in_touch(recorder, ana, buyer, str(date.pk))
    change_dates(recorder, stripe, buyer, date, yoga)
    change_hours(recorder, signed_in(make_practitioner("Bela Novak").user))
    use_account(recorder, User.objects.create_user("nora@example.com", first_name="Nora", last_name="Lind"))


def browse(recorder: Recorder, workshop: str, massage: str) -> None:
    public = APIClient()
    recorder.send(public, "GET", "payments/config/", "The public settings")
    recorder.send(public, "GET", "pages/imprint/", "Who runs the shop")
    recorder.send(public, "GET", "services/", "What is offered")
    recorder.send(public, "GET", f"services/{workshop}/", "A workshop")
    recorder.send(public, "GET", f"services/{workshop}/sessions/", "The dates of a workshop")
    recorder.send(public, "GET", f"services/{massage}/slots/", "The free times of a session")


def buy(recorder: Recorder, stripe: Sandbox, buyer: APIClient, workshop: str, package: str) -> None:
    create = "payments/create/"
    wrong: Json = {"service_id": workshop, "payment_type": "intent", "amount": 30.0}
    recorder.send(buyer, "POST", create, "The price has changed", wrong)
    body: Json = {
        "service_id": workshop,
        "payment_type": "intent",
        "amount": 35.0,
        "service_data": {"note": "I am left-handed."},
    }
    order = recorder.send(buyer, "POST", create, "A workshop with one date, paid in the browser", body)
    buying.pay_only(stripe, order)
    recorder.send(
        buyer, "POST", f"orders/{order['order_id']}/sync/", "The return page asks before the webhook came"
    )
    settle_everything(stripe)
    credits: Json = {
        "is_credit_purchase": True, "amount": 100.0, "credit_amount": 100.0, "payment_type": "checkout",
        "success_url": "http://localhost:8000/thanks/", "cancel_url": "http://localhost:8000/credits/",
    }  # fmt: skip
    paid = recorder.send(buyer, "POST", create, "Credits, paid on a hosted page", credits)
    buying.pay(stripe, paid)
    recorder.send(buyer, "GET", f"orders/{order['order_id']}/", "A completed order")
    recorder.send(buyer, "GET", "orders/", "Your orders, newest first")
    recorder.send(buyer, "GET", "credits/", "Your credits")
    bought = buying.create(buyer, service_id=package)
    buying.pay(stripe, bought)
    unpaid = buying.credits(buyer, "20.00")
    recorder.send(buyer, "POST", f"orders/{unpaid['order_id']}/cancel/", "An order that nobody will pay")
    staff = signed_in(make_staff("Sam Okafor", *REFUNDING))
    refund: Json = {"amount": 40.0, "reason": "Goodwill"}
    recorder.send(staff, "POST", f"orders/{paid['order_id']}/refunds/", "Staff refund a part", refund)
    settle_everything(stripe)
    recorder.send(staff, "GET", f"orders/{paid['order_id']}/refunds/", "The refunds of an order")
    issue_due_documents()
    recorder.send(buyer, "GET", f"orders/{order['order_id']}/receipt/", "The receipt of an order")
    recorder.send(buyer, "GET", f"orders/{unpaid['order_id']}/receipt/pdf/", "An order without a receipt")
    note = f"orders/{order['order_id']}/credit-notes/CN-2026-000001/pdf/"
    recorder.send(buyer, "GET", note, "There is no such credit note")


def manage_cards(recorder: Recorder, buyer: APIClient) -> None:
    recorder.send(buyer, "POST", "payments/methods/setup/", "A card is to be saved without paying")
    listed = recorder.send(buyer, "GET", "payments/methods/", "Your saved cards")
    [card] = listed["payment_methods"]
    recorder.send(
        buyer,
        "POST",
        "payments/methods/default/",
        "A card becomes the default",
        {"payment_method_id": card["id"]},
    )
    recorder.send(buyer, "DELETE", f"payments/methods/{card['id']}/", "A card is deleted")
    recorder.send(buyer, "DELETE", "payments/methods/999999/", "There is no such card")


def use_bookings(recorder: Recorder, buyer: APIClient, start: str) -> None:
    listed = recorder.send(buyer, "GET", "bookings/", "What you have booked")
    package = next(booking for booking in listed["results"] if booking["children"])
    part = package["children"][0]["id"]
    recorder.send(buyer, "GET", f"bookings/{package['id']}/", "A package with its parts")
    recorder.send(
        buyer, "POST", f"bookings/{part}/schedule/", "A part gets its time", {"start_datetime": start}
    )
    group_part = package["children"][2]["id"]
    recorder.send(
        buyer, "GET", f"bookings/{group_part}/sessions/", "The dates to which a booking can be scheduled"
    )
    later = (datetime.fromisoformat(start) + timedelta(days=1)).isoformat()
    recorder.send(buyer, "GET", f"bookings/{part}/slots/?days=2", "The times to which a booking can be moved")
    recorder.send(
        buyer, "POST", f"bookings/{part}/move/", "A booking gets another time", {"start_datetime": later}
    )
    recorder.send(buyer, "GET", f"bookings/{part}/cancel/", "What a cancellation would return")
    recorder.send(buyer, "POST", f"bookings/{part}/cancel/", "A part is canceled")


def use_account(recorder: Recorder, nora: User) -> None:
    client = signed_in(nora)
    recorder.send(client, "GET", "account/", "Your account")
    named = {"billing_name": "Lind & Co", "billing_address": "Storgatan 1\n111 22 Stockholm"}
    recorder.send(client, "PATCH", "account/", "Receipts name a company", named)
    recorder.send(client, "PATCH", "account/", "A name has a line break", {"name": "Nora\nLind"})
    recorder.send(client, "GET", "account/data/", "The password was not entered just now")
    recorder.send(client, "POST", "account/erasure/", "The password was not entered just now")


def keep_dates(recorder: Recorder, host: APIClient, workshop: Service, date: ServiceSession) -> None:
    """Add dates of two weeks, change one, and delete it; a seat that is booked stays."""
    recorder.send(host, "GET", "roster/services/", "A practitioner's workshops and courses")
    start = date.starts_at + timedelta(days=3)
    new = {"service_id": str(workshop.pk), "start_datetime": start.isoformat(), "capacity": 8, "weeks": 2}
    added = recorder.send(host, "POST", "roster/sessions/", "The same time of two weeks", new)["results"]
    recorder.send(host, "POST", "roster/sessions/", "The calendar is taken", new)
    recorder.send(host, "GET", f"roster/sessions/?service_id={workshop.pk}", "Its dates to come")
    path = f"roster/sessions/{added[0]['id']}/"
    version = recorder.send(host, "GET", path, "A date")["version"]
    recorder.send(host, "PATCH", path, "Two seats more", {"version": version, "capacity": 10})
    recorder.send(host, "DELETE", path, "A date that nobody booked is deleted")
    recorder.send(host, "DELETE", f"roster/sessions/{date.pk}/", "One that was booked is not")


def keep_in_touch(recorder: Recorder, ana: Practitioner, buyer: APIClient, date: str) -> None:
    """Write to guests, and make, read and stop a calendar feed."""
    host = signed_in(ana.user)
    recorder.send(host, "GET", "roster/?first_day=2026-11-02&last_day=2026-11-08", "A week that is over")
    message = {"text": "Please bring a towel."}
    booking = Booking.objects.filter(practitioner=ana, session_id=int(date), status="confirmed").values_list(
        "pk"
    )[0][0]
    recorder.send(host, "POST", f"roster/bookings/{booking}/message/", "A guest is written to", message)
    recorder.send(host, "POST", f"roster/sessions/{date}/message/", "All guests are written to", message)
    recorder.send(host, "GET", "roster/feed/", "There is no calendar feed")
    recorder.send(host, "POST", "roster/feed/", "A calendar feed is made")
    recorder.send(host, "DELETE", "roster/feed/", "The calendar feed is stopped")
    recorder.send(buyer, "DELETE", "roster/feed/", "A buyer has no calendar feed")
    recorder.send(APIClient(), "GET", "calendar/calkey_of_nobody.ics", "An address that ended")


def change_dates(
    recorder: Recorder, stripe: Sandbox, buyer: APIClient, date: ServiceSession, lesson: Service
) -> None:
    """Move a date that a guest then declines, call it off, and call off a booking and days."""
    host = signed_in(date.service.practitioner.user)

    def change(what: str, path: str, data: Json) -> Json:
        query = "?" + urlencode(data) if data else ""
        preview = recorder.send(host, "GET", path + query, f"What {what} would do")
        body = {"preview_id": preview["preview_id"], "message": "I am ill, and sorry.", **data}
        answer = recorder.send(host, "POST", path, what[0].upper() + what[1:], body)
        settle_everything(stripe)
        return answer

    change("moving a date", f"roster/sessions/{date.pk}/move/", {"start_datetime": later(date.starts_at)})
    moved = next(one for one in buying.bookings(buyer) if one["decline_until"])["id"]
    recorder.send(buyer, "GET", f"bookings/{moved}/decline/", "What declining the new time returns")
    recorder.send(buyer, "POST", f"bookings/{moved}/decline/", "A guest can't come to the new time")
    settle_everything(stripe)
    change_state = change("calling a date off", f"roster/sessions/{date.pk}/call-off/", {})
    recorder.send(host, "GET", f"roster/changes/{change_state['change_id']}/", "A change that is done")
    recorder.send(host, "GET", "roster/changes/", "What you have called off or moved")
    slot = a_free_slot(lesson)
    buying.pay(stripe, buying.service(buyer, lesson, start_datetime=slot.isoformat()))
    booking = Booking.objects.get(starts_at=slot, status="confirmed").pk
    change("calling a booking off", f"roster/bookings/{booking}/call-off/", {})
    days = {"first_day": slot.date().isoformat(), "last_day": slot.date().isoformat()}
    change("calling days off", "roster/days/call-off/", days)
    recorder.send(host, "POST", "roster/days/open/", "Days are open again", days)
    afternoon = days | {"start_time": "13:00", "end_time": "18:00"}
    change("calling off an afternoon", "roster/days/call-off/", afternoon)


def change_hours(recorder: Recorder, host: APIClient) -> None:
    """Read the hours, replace the week, and give a date other hours and its weekly ones back."""
    hours = recorder.send(host, "GET", "hours/", "When a practitioner works")
    morning = {"starts": "09:00", "ends": "12:00"}
    week = [{"weekday": 0, "windows": [morning, {"starts": "18:00", "ends": "24:00"}]}]
    body = {"version": hours["version"], "week": week}
    recorder.send(host, "PUT", "hours/", "Monday alone, in the morning and in the evening", body)
    day = f"hours/exceptions/{later(clock.now())[:10]}/"
    recorder.send(host, "PUT", day, "A morning alone", {"version": "", "windows": [morning]})
    recorder.send(host, "DELETE", day, "The weekly hours again")


def later(moment: datetime) -> str:
    return (moment + timedelta(hours=1)).isoformat()


def document_of(public: APIClient) -> Json:
    clear_cached_document()
    return dict(public.get("/api/schema/", {"format": "json"}).json())


def test_every_example_is_what_the_api_answers(stripe: Sandbox, public: APIClient) -> None:
    recorder = Recorder(document_of(public))
    play(recorder, stripe)
    if os.environ.get("ESTUARY_RECORD_EXAMPLES"):
        RECORDED.write_text(json.dumps(recorder.exchanges, indent=2, ensure_ascii=False) + "\n")
        recorded_exchanges.cache_clear()
    assert kind_of(recorder.exchanges) == kind_of(recorded_exchanges())


def test_no_example_holds_only_on_the_day_it_was_recorded() -> None:
    dated = re.findall(r"[^\"]*\b20\d\d\b[^\"]*", json.dumps(kind_of(recorded_exchanges())))
    assert dated == []


def test_every_operation_of_the_document_has_one(public: APIClient) -> None:
    document = document_of(public)
    lacking = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            bodies = [*operation["responses"].values(), operation.get("requestBody", {})]
            media = [each for body in bodies for each in body.get("content", {}).values()]
            if not any("examples" in each for each in media):
                lacking.add(f"{method.upper()} {path}")
    assert lacking == set()
    created = document["paths"]["/api/v1/payments/create/"]["post"]
    [sent] = created["requestBody"]["content"].values()
    assert {example["value"]["payment_type"] for example in sent["examples"].values()} == {
        "intent",
        "checkout",
    }
