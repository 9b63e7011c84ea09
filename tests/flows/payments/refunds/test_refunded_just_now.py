"""A part is refunded without a key and the answer is lost: the same request again refunds nothing a second time."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.common import clock
from estuary.payments.models import Refund
from estuary.payments.refunds.repeats import REPEAT_WINDOW
from stripe_sandbox import Sandbox
from tests.factories import REFUNDING, make_staff, signed_in
from tests.flows import buying
from tests.flows.buying import Json
from tests.flows.test_crowds import all_at_once
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

PART = {"amount": "20.00", "reason": "Ill"}


def ask(staff: APIClient, order: Json, key: str = "", **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return staff.post(f"/api/v1/orders/{order['order_id']}/refunds/", body, headers=headers)


@pytest.fixture
def order(stripe: Sandbox, buyer: APIClient) -> Json:
    return buying.buy_credits(stripe, buyer, "100.00")


def returned(stripe: Sandbox) -> list[int]:
    settle_everything(stripe)
    return [refund["amount"] for refund in stripe.state.store.refunds]


@pytest.mark.parametrize("fault", ["", "timeout_after", "timeout_before"])
def test_the_same_part_again_is_refused_with_the_first_refund(
    stripe: Sandbox, staff: APIClient, order: Json, fault: str
) -> None:
    if fault:
        stripe.faults.add(fault, "POST /v1/refunds")
    first = ask(staff, order, **PART)
    assert first.status_code == 201
    again = ask(staff, order, **PART)
    assert (again.status_code, again.json()["code"]) == (409, "refunded_just_now")
    assert again.json()["refund_id"] == first.json()["refund_id"]
    assert again.json()["refunded_at"] == first.json()["created_at"]
    assert returned(stripe) == [2_000]


def test_the_same_part_of_more_than_half_is_refused_with_the_first_refund(
    stripe: Sandbox, staff: APIClient, order: Json
) -> None:
    first = ask(staff, order, amount="60.00")
    again = ask(staff, order, amount="60.00")
    assert (again.status_code, again.json()["refund_id"]) == (409, first.json()["refund_id"])


def test_who_means_it_refunds_once_more_and_only_once(stripe: Sandbox, staff: APIClient, order: Json) -> None:
    first = ask(staff, order, **PART).json()["refund_id"]
    second = ask(staff, order, **PART, again=first)
    assert second.status_code == 201
    third = ask(staff, order, **PART, again=first)
    assert (third.status_code, third.json()["refund_id"]) == (409, second.json()["refund_id"])
    assert ask(staff, order, "a key", **PART).status_code == 201
    assert ask(staff, order, "a key", **PART)["Idempotency-Replayed"] == "true"
    with time_machine.travel(clock.now() + REPEAT_WINDOW + timedelta(seconds=1), tick=True):
        again = signed_in(User.objects.get(is_staff=True))
        assert ask(again, order, **PART).status_code == 201
    assert returned(stripe) == [2_000] * 4


def test_another_part_another_reason_and_another_person_are_not_the_same(
    stripe: Sandbox, staff: APIClient, order: Json
) -> None:
    colleague = signed_in(make_staff("Tariq Press", *REFUNDING))
    answers = [
        ask(staff, order, **PART),
        ask(staff, order, **PART | {"amount": "21.00"}),
        ask(staff, order, **PART | {"reason": "Late"}),
        ask(colleague, order, **PART),
    ]
    assert [answer.status_code for answer in answers] == [201] * 4


def test_of_many_at_once_one_refunds(stripe: Sandbox, staff: APIClient, order: Json) -> None:
    statuses = all_at_once((lambda: ask(staff, order, **PART).status_code) for _ in range(6))
    assert sorted(statuses) == [201, *[409] * 5]
    assert Refund.objects.count() == 1


def test_again_names_a_refund_of_this_order(
    stripe: Sandbox, staff: APIClient, order: Json, other: APIClient
) -> None:
    foreign = ask(staff, buying.buy_credits(stripe, other, "30.00"), amount="1.00").json()["refund_id"]
    for wrong in (foreign, "ref_of_nobody"):
        answer = ask(staff, order, **PART, again=wrong)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
