"""A purchase whose answer was lost, sent again without a key: nobody pays twice, and who means it can buy again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.catalog.models import Service, ServicePrice, ServiceSession, ServiceType
from estuary.common import clock
from estuary.common.api.rates import Rate
from estuary.orders.models import Order
from estuary.payments.checkout import repeats, start_payment
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_service, make_sessions, signed_in
from tests.flows import buying
from tests.flows.buying import CHALLENGED, CREATE, FINE, Json, pay
from tests.flows.payments.gateway.test_calls_to_stripe import lost
from tests.flows.payments.test_idempotency import send
from tests.flows.test_crowds import tabs_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

CONFIRM = "POST /v1/payment_intents/*/confirm"
AFTER_TEN_MINUTES = repeats.REPEAT_WINDOW + timedelta(seconds=5)


def later(wait: timedelta) -> Any:
    return time_machine.travel(clock.now() + wait, tick=True)


def a_bundle(ana: Practitioner) -> Json:
    session = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=session, bundle_quantity=2)
    return {"service_id": str(bundle.pk)}


def a_workshop(ana: Practitioner) -> Json:
    workshop = make_service(ServiceType.WORKSHOP, ana)
    seat = make_sessions(workshop, capacity=1)[0]
    return {"service_id": str(workshop.pk), "scheduling_data": {"service_session_id": str(seat.pk)}}


def a_session(ana: Practitioner) -> Json:
    session = make_service(ServiceType.SESSION, ana)
    return {
        "service_id": str(session.pk),
        "scheduling_data": {"start_datetime": a_free_slot(session).isoformat()},
    }


def some_credits(ana: Practitioner) -> Json:
    return {"is_credit_purchase": True, "amount": "20.00"}


def half_by_credits(ana: Practitioner) -> Json:
    return a_bundle(ana) | {"use_credits": True}


THINGS = pytest.mark.parametrize(
    "thing",
    [some_credits, a_bundle, a_workshop, a_session, half_by_credits],
    ids=lambda thing: thing.__name__,
)


def charges(stripe: Sandbox) -> int:
    """How many payments went through since the card was saved."""
    return sum(bool(charge["paid"]) for charge in stripe.state.store.charges) - 1


def lose_the_answer(stripe: Sandbox, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "killed":
        monkeypatch.setattr(start_payment, "_settle_payment", lost)
    elif how == "500":
        stripe.faults.add("error_saved", CONFIRM, effect=True)
    else:
        stripe.faults.add(how, CONFIRM)


@pytest.mark.exhaustive(one_in=4)
@THINGS
@pytest.mark.parametrize("how", ["timeout_after", "cut", "500", "killed"])
def test_while_the_first_is_unknown_the_retry_finds_it_and_answers_with_it(
    stripe: Sandbox,
    buyer: APIClient,
    ana: Practitioner,
    card: str,
    monkeypatch: pytest.MonkeyPatch,
    thing: Any,
    how: str,
) -> None:
    body = thing(ana) | {"payment_method_id": card}
    buyer.raise_request_exception = False
    with monkeypatch.context() as patch:
        lose_the_answer(stripe, how, patch)
        first = buyer.post(CREATE, body)
    assert first.status_code == (500 if how == "killed" else 503)
    order = Order.objects.latest("pk")
    if how != "killed":
        assert first.json()["order_id"] == order.public_id
        assert "charged twice" in first.json()["detail"]
    again = buyer.post(CREATE, body)
    assert (again.status_code, again.json()["order_id"]) == (201, order.public_id), again.json()
    assert (again.json()["status"], again.json()["payment_status"]) == ("completed", "succeeded")
    settle_everything(stripe)
    third = buying.refused(buyer, 409, "bought_just_now", **body)
    assert (third["order_id"], charges(stripe)) == (order.public_id, 1)


@pytest.mark.exhaustive(one_in=3)
@THINGS
@pytest.mark.parametrize("how", ["timeout_after", "answered"])
def test_once_the_first_is_known_the_retry_is_told_of_it(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, card: str, thing: Any, how: str
) -> None:
    """Its news came by the webhook meanwhile, or only our own answer was lost on its way to the browser."""
    body = thing(ana) | {"payment_method_id": card}
    if how != "answered":
        stripe.faults.add(how, CONFIRM)
    assert buyer.post(CREATE, body).status_code == (201 if how == "answered" else 503)
    settle_everything(stripe)
    order = Order.objects.latest("pk")
    problem = buying.refused(buyer, 409, "bought_just_now", **body)
    assert (order.status, problem["order_id"]) == ("completed", order.public_id)
    assert order.completed_at and problem["bought_at"] == order.completed_at.isoformat().replace(
        "+00:00", "Z"
    )
    assert (charges(stripe), Order.objects.count()) == (1, 2)


def test_again_or_a_fresh_key_buys_once_more_and_each_only_once(
    stripe: Sandbox, buyer: APIClient, card: str
) -> None:
    body = {"is_credit_purchase": True, "amount": "20.00", "payment_method_id": card}
    first = buying.create(buyer, **body)
    second = buying.create(buyer, **body, again=first["order_id"])
    assert second["order_id"] != first["order_id"]
    # The answer of that one may be lost as well: what was meant once more is not meant twice more.
    problem = buying.refused(buyer, 409, "bought_just_now", **body, again=first["order_id"])
    assert problem["order_id"] == second["order_id"]
    assert send(buyer, body, "a fresh key").json()["order_id"] not in {first["order_id"], second["order_id"]}
    settle_everything(stripe)
    assert (buying.balance(buyer), charges(stripe)) == ("70.00", 3)


def test_a_lost_answer_of_once_more_is_found_by_its_retry(
    stripe: Sandbox, buyer: APIClient, card: str
) -> None:
    body = {"is_credit_purchase": True, "amount": "20.00", "payment_method_id": card}
    first = buying.create(buyer, **body)
    body |= {"again": first["order_id"]}
    stripe.faults.add("cut", CONFIRM)
    unknown = buyer.post(CREATE, body)
    assert unknown.status_code == 503
    retry = buying.create(buyer, **body)
    assert retry["order_id"] == unknown.json()["order_id"] != first["order_id"]
    settle_everything(stripe)
    assert (buying.balance(buyer), charges(stripe)) == ("50.00", 2)


def test_an_order_of_the_browser_s_that_a_saved_card_then_paid_counts_as_well(
    stripe: Sandbox, buyer: APIClient, card: str
) -> None:
    order = buying.credits(buyer, "20.00")
    body = {"is_credit_purchase": True, "amount": "20.00", "payment_method_id": card}
    assert buying.create(buyer, **body)["order_id"] == order["order_id"]
    assert buying.refused(buyer, 409, "bought_just_now", **body)["order_id"] == order["order_id"]
    settle_everything(stripe)


def test_after_ten_minutes_the_same_is_bought_again(
    stripe: Sandbox, buyer: APIClient, maya: User, card: str
) -> None:
    body = {"is_credit_purchase": True, "amount": "20.00", "payment_method_id": card}
    buying.create(buyer, **body)
    with later(AFTER_TEN_MINUTES):
        buying.create(signed_in(maya), **body)
    settle_everything(stripe)
    assert charges(stripe) == 2


def test_another_card_is_the_same_purchase_and_another_amount_is_not(
    stripe: Sandbox, buyer: APIClient, card: str
) -> None:
    pay(stripe, buying.credits(buyer, "1.00"), "5555555555554444")
    [other] = [one["id"] for one in buying.cards(buyer) if one["id"] != card]
    first = buying.credits(buyer, "20.00", payment_method_id=card)
    body = {"is_credit_purchase": True, "amount": 20, "payment_method_id": other}
    assert buying.refused(buyer, 409, "bought_just_now", **body)["order_id"] == first["order_id"]
    buying.credits(buyer, "30.00", payment_method_id=card)
    settle_everything(stripe)


def test_what_credits_cover_alone_is_not_taken_twice(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, subtests: Any
) -> None:
    buying.buy_credits(stripe, buyer, "500.00")
    for thing in (a_bundle, a_workshop):
        with subtests.test(thing.__name__):
            body = thing(ana) | {"use_credits": True}
            first, left = buying.create(buyer, **body), buying.balance(buyer)
            assert (first["status"], first["amount_due"]) == ("completed", "0.00")
            problem = buying.refused(buyer, 409, "bought_just_now", **body)
            assert (problem["order_id"], buying.balance(buyer)) == (first["order_id"], left)
    again = buying.create(buyer, **a_bundle(ana), use_credits=True)
    assert again["status"] == "completed"


def test_credits_that_the_first_has_used_up_are_not_asked_of_the_card(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    """100 in credits pay for the first; a retry would find 0 left and send the buyer to pay 100 by card."""
    body = a_bundle(ana) | {"use_credits": True}
    price = ServicePrice.objects.get(service=body["service_id"], currency="usd").amount_minor
    buying.buy_credits(stripe, buyer, f"{price / 100:.2f}")
    first = buying.create(buyer, **body)
    assert (first["status"], buying.balance(buyer)) == ("completed", "0.00")
    problem = buying.refused(buyer, 409, "bought_just_now", **body)
    assert problem["order_id"] == first["order_id"]


def test_a_price_too_small_for_a_card_is_known_to_be_paid(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    """The retry alone would be refused as below the minimum, for the first has spent the credits."""
    buying.buy_credits(stripe, buyer, "0.50")
    session = make_service(ServiceType.SESSION, ana, usd=30)
    bundle = make_service(ServiceType.BUNDLE, ana, usd=30, bundle_of=session, bundle_quantity=1)
    body = {"service_id": str(bundle.pk), "use_credits": True}
    first = buying.create(buyer, **body)
    problem = buying.refused(buyer, 409, "bought_just_now", **body)
    assert (problem["order_id"], buying.balance(buyer)) == (first["order_id"], "0.20")


@pytest.mark.parametrize("change", ["repriced", "withdrawn", "begun", "card removed"])
def test_what_has_changed_since_the_first_hides_it_from_nobody(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, card: str, change: str
) -> None:
    body = a_workshop(ana) | {"payment_method_id": card}
    stripe.faults.add("timeout_after", CONFIRM)
    unknown = buyer.post(CREATE, body)
    wait = timedelta(0)
    if change == "repriced":
        ServicePrice.objects.update(amount_minor=12345)
    elif change == "withdrawn":
        Service.objects.update(active=False)
    elif change == "card removed":
        assert buyer.delete(f"{buying.METHODS}{card}/").status_code == 204
    else:
        wait = ServiceSession.objects.get().starts_at + timedelta(minutes=1) - clock.now()
    with later(wait):
        answer = signed_in(maya).post(CREATE, body)
        assert (answer.status_code, answer.json()["order_id"]) == (201, unknown.json()["order_id"]), (
            answer.json()
        )
        assert answer.json()["status"] == "completed"
        problem = buying.refused(signed_in(maya), 409, "bought_just_now", **body)
        assert problem["order_id"] == unknown.json()["order_id"]
    settle_everything(stripe)
    assert charges(stripe) == 1


@pytest.mark.parametrize("swept", [True, False], ids=["the hold was ended", "nothing ran"])
def test_a_retry_after_the_hold_finds_what_was_paid(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, card: str, swept: bool
) -> None:
    body = a_workshop(ana) | {"payment_method_id": card}
    stripe.faults.add("timeout_after", CONFIRM)
    unknown = buyer.post(CREATE, body).json()["order_id"]
    with later(timedelta(hours=1)):
        if swept:
            overdue.expire_orders()
        answer = signed_in(maya).post(CREATE, body)
        assert answer.json()["order_id"] == unknown
        assert answer.status_code == (409 if swept else 201)
        settle_everything(stripe)
    assert (charges(stripe), Order.objects.get(public_id=unknown).status) == (1, "completed")


def test_a_decline_may_be_tried_again_at_once(stripe: Sandbox, buyer: APIClient, card: str) -> None:
    setup = buyer.post(f"{buying.METHODS}setup/").json()
    stripe.control.confirm_setup(setup["setup_intent_id"], card=buying.ATTACHES_THEN_DECLINES)
    settle_everything(stripe)
    [declining] = [one["id"] for one in buying.cards(buyer) if one["id"] != card]
    body = {"is_credit_purchase": True, "amount": "20.00"}
    first = buying.refused(buyer, 402, "card_declined", **body, payment_method_id=declining)
    buying.refused(buyer, 402, "card_declined", **body, payment_method_id=declining)
    paid = buying.create(buyer, **body, payment_method_id=card)
    assert (paid["order_id"], paid["status"]) == (first["order_id"], "completed")
    settle_everything(stripe)


def test_a_challenge_whose_answer_was_lost_is_handed_to_the_browser_as_it_is(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.credits(buyer, "10.00")
    stripe.control.confirm(order["payment_intent_id"], card=CHALLENGED)
    stripe.control.complete_challenge(order["payment_intent_id"])
    settle_everything(stripe)
    card = buying.cards(buyer)[0]["id"]
    stripe.faults.add("timeout_after", CONFIRM)
    body = {"is_credit_purchase": True, "amount": "20.00", "payment_method_id": card}
    unknown = buyer.post(CREATE, body)
    again = buying.create(buyer, **body)
    assert (again["order_id"], again["payment_status"]) == (unknown.json()["order_id"], "requires_action")
    confirms = [sent for sent in stripe.requests if sent.path.endswith("/confirm")]
    assert len(confirms) == 1
    stripe.control.complete_challenge(again["payment_intent_id"])
    settle_everything(stripe)
    assert buying.refused(buyer, 409, "bought_just_now", **body)["order_id"] == again["order_id"]
    assert buying.balance(buyer) == "30.00"


@pytest.mark.parametrize("tender", ["card", "credits"])
def test_many_tabs_at_once_without_a_key_buy_once(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, settings: Settings, tender: str
) -> None:
    settings.PAYMENT_LIMIT = Rate.parse("1000/10m")
    buying.buy_credits(stripe, buyer, "900.00")
    body = a_bundle(ana)
    body |= (
        {"use_credits": True} if tender == "credits" else {"payment_method_id": buying.cards(buyer)[0]["id"]}
    )

    def ask(tab: APIClient) -> tuple[int, str]:
        try:
            answer = tab.post(CREATE, body)
            return answer.status_code, answer.json().get("order_id", "")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, tabs_of(maya, 8)))
    assert {status for status, _ in answers} <= {201, 409, 503}
    settle_everything(stripe)
    assert Order.objects.filter(status="completed", type="direct").count() == 1
    assert len({name for status, name in answers if status == 201}) <= 1


def test_the_browser_s_own_road_asks_nothing(stripe: Sandbox, buyer: APIClient) -> None:
    """Where the browser confirms, creating takes no money: the same again is another order, as it always was."""
    orders = [buying.credits(buyer, "20.00")]
    pay(stripe, orders[0])
    orders.append(buying.credits(buyer, "20.00"))
    pay(stripe, orders[1], FINE)
    assert (orders[0]["order_id"] != orders[1]["order_id"], buying.balance(buyer)) == (True, "40.00")


def test_again_names_an_order_of_one_s_own_for_the_same_thing(
    stripe: Sandbox, buyer: APIClient, other: APIClient, ana: Practitioner, card: str
) -> None:
    foreign_order_id = buying.credits(other, "5.00")["order_id"]
    body = a_bundle(ana) | {"payment_method_id": card}
    for again in (foreign_order_id, "ord_00000000000000000000", "nonsense"):
        buying.refused(buyer, 404, "not_found", **body, again=again)
    credits = Order.objects.filter(user__email__startswith="maya").latest("pk").public_id
    problem = buying.refused(buyer, 400, "invalid_request", **body, again=credits)
    assert problem["errors"]["again"]
    for again in ("", 7, [foreign_order_id], {"order": foreign_order_id}, None):
        assert buyer.post(CREATE, body | {"again": again}).status_code == 400
    assert charges(stripe) == 0
