"""Denial of inventory: fresh accounts hold what a practitioner sells, again and again, and pay for none of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Reservation
from estuary.catalog.availability import free_slots
from estuary.catalog.calendar import CalendarEntry
from estuary.catalog.models import Service, ServiceType
from estuary.common import clock
from estuary.config.environment import Environment
from estuary.orders.models import Order
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.factories import make_practitioner, make_service, make_sessions, make_user
from tests.flows.buying import CREATE, Json, buy_credits, order_of, pay_only, status_of
from tests.flows.invariants import assert_invariants
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNTS, BUNDLE = 12, 10
HOARDER, ELSEWHERE = "203.0.113.66", "198.51.100.7"


@pytest.fixture(autouse=True)
def as_in_production(settings: Settings, stripe: Sandbox) -> Iterator[None]:
    """The limits that a shop has when nothing is said about them."""
    fields = Environment.model_fields
    for name in ("users_per_address", "holds_per_newcomer", "holds_per_buyer", "unpaid_holds_per_day"):
        if field := fields.get(f"estuary_{name}"):
            setattr(settings, name.upper(), field.default)
    yield
    assert_invariants(stripe)


@pytest.fixture
def ana() -> Practitioner:
    return make_practitioner("Ana Ribeiro")


@pytest.fixture
def massage(ana: Practitioner) -> Service:
    return make_service(ServiceType.SESSION, ana)


@pytest.fixture
def bundle(ana: Practitioner, massage: Service) -> Service:
    return make_service(ServiceType.BUNDLE, ana, bundle_of=massage, bundle_quantity=BUNDLE)


def someone(address: str = HOARDER) -> APIClient:
    """A fresh account, at an address."""
    client = APIClient(REMOTE_ADDR=address)
    client.force_authenticate(make_user())
    return client


def slots(massage: Service) -> list[datetime]:
    """Return the free times of two weeks, one after the other."""
    at = clock.now()
    first = (at + timedelta(days=3)).date()
    starts: list[datetime] = []
    for slot in free_slots(massage, first_day=first, days=14, at=at):
        if not starts or slot.starts_at >= starts[-1] + timedelta(minutes=massage.duration_min or 0):
            starts.append(slot.starts_at)
    return starts


def items(times: list[datetime]) -> Json:
    return {"items": [{"start_datetime": start.isoformat()} for start in times]}


def at(start: datetime) -> Json:
    return {"start_datetime": start.isoformat()}


def ask(client: APIClient, service: Service, scheduling: Json | None = None, **body: Any) -> Any:
    wish = {"scheduling_data": scheduling} if scheduling else {}
    return client.post(CREATE, {"service_id": str(service.pk)} | wish | body)


def placed(answer: Any) -> Json:
    assert answer.status_code == 201, answer.json()
    return dict(answer.json())


def held() -> int:
    """Count the seats and slots that nobody has paid for."""
    return Reservation.objects.filter(status="held").count()


def deadline(order: Json) -> datetime:
    return order_of(order).expires_at


def test_twelve_fresh_accounts_leave_nearly_all_times_to_others(massage: Service, bundle: Service) -> None:
    offered = slots(massage)
    accounts = [someone() for _ in range(ACCOUNTS)]
    for number, account in enumerate(accounts):
        ask(account, bundle, items(offered[number * BUNDLE : (number + 1) * BUNDLE]))
    assert CalendarEntry.objects.count() <= 15
    assert len(slots(massage)) >= len(offered) - 15
    served = [ask(someone(ELSEWHERE), massage, at(start)) for start in slots(massage)[:3]]
    assert [answer.status_code for answer in served] == [201, 201, 201]


def test_an_unpaid_order_holds_three_times_however_many_it_names(massage: Service, bundle: Service) -> None:
    times = slots(massage)[:BUNDLE]
    placed(ask(someone(), bundle, items(times)))
    assert held() == CalendarEntry.objects.count() == 3
    assert ask(someone(ELSEWHERE), massage, at(times[0])).json()["code"] == "slot_taken"
    placed(ask(someone(ELSEWHERE), massage, at(times[-1])))


def test_an_unpaid_package_holds_three_dates_whatever_is_in_it(ana: Practitioner) -> None:
    workshops = [make_service(ServiceType.WORKSHOP, make_practitioner()) for _ in range(5)]
    dates = [make_sessions(workshop, capacity=1)[0] for workshop in workshops]
    package = make_service(ServiceType.PACKAGE, ana, holds=workshops)
    wish = {
        "items": [{"service_id": str(date.service_id), "service_session_id": str(date.pk)} for date in dates]
    }
    placed(ask(someone(), package, wish))
    for date in dates:
        date.refresh_from_db()
    assert sum(date.taken for date in dates) == held() == 3


def test_a_newcomer_holds_one_thing(stripe: Sandbox, massage: Service) -> None:
    newcomer, times = someone(), slots(massage)
    first = placed(ask(newcomer, massage, at(times[0])))
    another = make_service(ServiceType.SESSION, make_practitioner())
    refusal = ask(newcomer, another, at(slots(another)[0]))
    assert (refusal.status_code, refusal.json()["code"]) == (409, "hold_limit_reached")
    assert refusal.json()["order_id"] == first["order_id"]
    pay_only(stripe, first)
    settle_everything(stripe)
    placed(ask(newcomer, another, at(slots(another)[0])))
    third = make_service(ServiceType.SESSION, make_practitioner())
    placed(ask(newcomer, third, at(slots(third)[0])))


def test_accounts_of_one_address_at_the_same_moment_hold_no_more_than_one_after_the_other(
    massage: Service,
) -> None:
    times, accounts = slots(massage), [someone() for _ in range(ACCOUNTS)]

    def race(number: int) -> int:
        try:
            return int(ask(accounts[number], massage, at(times[number])).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(ACCOUNTS) as crowd:
        answers = list(crowd.map(race, range(ACCOUNTS)))
    assert (answers.count(201), held()) == (5, 5)
    placed(ask(someone(ELSEWHERE), massage, at(times[ACCOUNTS])))


def test_a_network_is_one_address_and_a_thousand_networks_of_one_site_are_not_a_thousand(
    massage: Service,
) -> None:
    times = slots(massage)
    for number in range(ACCOUNTS):
        ask(someone(f"2001:db8:7:1::{number + 1:x}"), massage, at(times[number]))
    assert held() == 5
    for number in range(ACCOUNTS, 60):
        ask(someone(f"2001:db8:7:{number:x}::1"), massage, at(times[number]))
    assert held() <= 20
    placed(ask(someone("2001:db8:9:1::1"), massage, at(times[-1])))


def test_an_address_full_of_newcomers_refuses_nobody_who_has_paid_before(
    stripe: Sandbox, massage: Service
) -> None:
    times, regular = slots(massage), someone()
    buy_credits(stripe, regular, "20.00")
    answers = [ask(someone(), massage, at(start)) for start in times[:8]]
    refusal = answers[-1]
    assert (refusal.status_code, refusal.json()["code"]) == (429, "address_hold_limit_reached")
    assert int(refusal["Retry-After"]) > 0
    placed(ask(regular, massage, at(times[9])))


CHANGES: list[Json] = [
    {"service_data": {"note": "another"}},
    {"currency": "eur"},
    {"payment_type": "checkout"},
    {"use_credits": True},
    {"save_payment_method": False},
    {"success_url": "http://localhost:8000/orders/"},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_changed_order_is_held_no_longer_than_the_one_that_it_replaces(
    massage: Service, change: Json
) -> None:
    hoarder, start = someone(), slots(massage)[0]
    first = placed(ask(hoarder, massage, at(start)))
    with time_machine.travel(clock.now() + timedelta(minutes=14)):
        second = placed(ask(hoarder, massage, at(start), **change))
        assert status_of(first) == "canceled"
        assert deadline(second) == deadline(first)


def test_a_page_of_stripe_holds_no_longer_than_what_it_replaces(massage: Service) -> None:
    hoarder, start = someone(), slots(massage)[0]
    first = placed(ask(hoarder, massage, at(start), payment_type="checkout"))
    with time_machine.travel(clock.now() + timedelta(minutes=10)):
        second = placed(ask(hoarder, massage, at(start), payment_type="checkout", service_data={"n": 1}))
        assert deadline(second) == deadline(first)
    with time_machine.travel(deadline(first) + timedelta(seconds=1)):
        assert overdue.expire_orders() == 1
        assert (status_of(second), held()) == ("canceled", 0)
        placed(ask(someone(ELSEWHERE), massage, at(start)))


def test_a_canceled_order_that_is_placed_anew_keeps_the_deadline_of_the_first(massage: Service) -> None:
    hoarder, start, begin = someone(), slots(massage)[0], clock.now()
    first = order = placed(ask(hoarder, massage, at(start)))
    for minute in (4, 9, 14):
        with time_machine.travel(begin + timedelta(minutes=minute)):
            assert hoarder.post(f"/api/v1/orders/{order['order_id']}/cancel/").status_code == 200
            order = placed(ask(hoarder, massage, at(start)))
            assert deadline(order) == deadline(first)


def test_the_same_time_by_another_service_keeps_the_deadline(massage: Service, bundle: Service) -> None:
    hoarder, start = someone(), slots(massage)[0]
    first = placed(ask(hoarder, massage, at(start)))
    with time_machine.travel(clock.now() + timedelta(minutes=14)):
        hoarder.post(f"/api/v1/orders/{first['order_id']}/cancel/")
        assert deadline(placed(ask(hoarder, bundle, items([start])))) == deadline(first)


def test_who_paid_too_late_and_has_the_money_back_is_no_hoarder(stripe: Sandbox, massage: Service) -> None:
    """The order had ended by then, but it was no hold for free: the next one has a deadline of its own."""
    buyer, start = someone(), slots(massage)[0]
    late = placed(ask(buyer, massage, at(start)))
    assert buyer.post(f"/api/v1/orders/{late['order_id']}/cancel/").status_code == 200
    intent = stripe.state.store.payment_intents.get(late["payment_intent_id"])
    assert intent is not None
    intent["status"] = "requires_payment_method"  # as if it had not been canceled there
    stripe.control.confirm(intent["id"])
    settle_everything(stripe)
    assert status_of(late) == "refunded"
    with time_machine.travel(clock.now() + timedelta(minutes=5)):
        again = placed(ask(buyer, massage, at(start)))
        assert deadline(again) > deadline(late)


def test_who_lets_holds_end_all_day_holds_nothing_more_that_day(massage: Service) -> None:
    hoarder, start, at_first = someone(), slots(massage)[0], clock.now()
    answers = []
    for number in range(8):
        with time_machine.travel(at_first + timedelta(minutes=16 * number)):
            overdue.expire_orders()
            answers.append(ask(hoarder, massage, at(start)))
    assert [answer.status_code for answer in answers] == [201] * 5 + [429] * 3
    assert answers[-1].json()["code"] == "too_many_unpaid_holds"
    assert int(answers[-1]["Retry-After"]) > 0
    with time_machine.travel(at_first + timedelta(minutes=130)):
        overdue.expire_orders()
        placed(ask(someone(ELSEWHERE), massage, at(start)))
    with time_machine.travel(at_first + timedelta(days=1, minutes=17)):
        overdue.expire_orders()
        placed(ask(hoarder, massage, at(start)))


def test_debits_at_their_banks_leave_room_for_another_thing_and_are_counted_all_the_same(
    stripe: Sandbox, massage: Service
) -> None:
    """A bank takes days, and its buyer may want another date meanwhile: five things in all, as anybody."""
    hoarder, times = someone(), slots(massage)
    for number in range(settings.HOLDS_PER_BUYER):
        order = placed(ask(hoarder, massage, at(times[number])))
        stripe.control.confirm(order["payment_intent_id"], method="us_bank_account")
        settle_everything(stripe)
        assert status_of(order) == "processing"
    refusal = ask(hoarder, massage, at(times[settings.HOLDS_PER_BUYER]))
    assert (refusal.status_code, refusal.json()["code"]) == (409, "hold_limit_reached")
    assert held() == settings.HOLDS_PER_BUYER


def test_a_newcomer_who_clicks_twice_gets_one_order_twice(massage: Service) -> None:
    """The second click is at work before the first has its order: neither is told to pay for something else first."""
    newcomer, start = someone(), at(slots(massage)[0])
    with ThreadPoolExecutor(2) as clicks:
        answers = list(clicks.map(lambda _: ask(newcomer, massage, start), range(2)))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.json()["order_id"] for answer in answers}) == 1


def test_confirming_and_asking_again_give_no_more_time(stripe: Sandbox, massage: Service) -> None:
    hoarder, start = someone(), slots(massage)[0]
    first = placed(ask(hoarder, massage, at(start)))
    until = deadline(first)
    with time_machine.travel(clock.now() + timedelta(minutes=14)):
        pay_only(stripe, first, "4000000000000002")
        settle_everything(stripe)
        assert placed(ask(hoarder, massage, at(start)))["order_id"] == first["order_id"]
        again = ask(hoarder, massage, at(start), again=first["order_id"])
        assert placed(again)["order_id"] == first["order_id"]
        assert deadline(first) == until


def test_credits_are_sold_to_who_holds_something(massage: Service) -> None:
    newcomer = someone()
    placed(ask(newcomer, massage, at(slots(massage)[0])))
    answer = newcomer.post(CREATE, {"is_credit_purchase": True, "amount": "20.00"})
    assert answer.status_code == 201


def test_a_course_is_held_whole_and_its_last_seats_are_not_all_one_address(ana: Practitioner) -> None:
    course = make_service(ServiceType.COURSE, ana)
    dates = make_sessions(course, 6, capacity=8)
    for _ in range(ACCOUNTS):
        ask(someone(), course)
    for date in dates:
        date.refresh_from_db()
    assert {date.taken for date in dates} == {5}
    placed(ask(someone(ELSEWHERE), course))


def test_orders_without_a_time_hold_nothing_and_are_not_counted(bundle: Service) -> None:
    for _ in range(8):
        placed(ask(someone(), bundle))
    assert (held(), Order.objects.count()) == (0, 8)
