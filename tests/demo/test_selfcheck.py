"""A self-check that can't fail shows nothing."""

import json

import httpx
import pytest

from demo.selfcheck.estuary import Estuary
from demo.selfcheck.failure import SelfCheckFailed, describe_response
from demo.selfcheck.money import money_agrees
from demo.selfcheck.scenario import STEPS, run_purchases
from demo.selfcheck.shop import Purchase, Shop
from demo.selfcheck.stripe import Browser, Dashboard


def shop_that_answers(status: int, body: object) -> Shop:
    """A shop whose servers both answer every request with the same."""
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
    http = httpx.Client(base_url="http://shop.example", transport=transport)
    return Shop(Estuary(http), Browser(http, "pk_test"), Dashboard(http, "sk_test"))


def test_each_row_fails_by_itself_and_says_why_when_nothing_works() -> None:
    problem = {"code": "unavailable", "detail": "The database does not answer."}
    lines: list[str] = []
    report = run_purchases(shop_that_answers(503, problem), lines.append)

    assert (
        len(report.failed) == len(report.rows) == len(STEPS) + 2
    )  # the hold is taken first; the money comes last
    assert all(row.handed_over for row in report.failed)
    assert lines[0] == "buying credits by intent"
    assert "unavailable: The database does not answer." in report.rows[1].handed_over


def test_a_row_that_needs_another_says_so() -> None:
    with pytest.raises(SelfCheckFailed, match="needs the row “session”"):
        shop_that_answers(200, {}).purchase_named("session")


@pytest.mark.parametrize(
    ("charged", "reported", "agrees"),
    [
        (3500, "35.00", True),
        (3501, "35.00", False),
        (3500, "34.99", False),
        (3500, "0", False),
    ],
)
def test_money_that_differs_by_a_cent_is_found(charged: int, reported: str, agrees: bool) -> None:
    charge = {"paid": True, "payment_intent": "pi_1", "amount_captured": charged, "amount_refunded": 500}
    order = {
        "amount_due": reported,
        "completed_at": "2026-11-01T10:00:00Z",
        "refunds": [{"status": "succeeded", "to_card": "5.00"}, {"status": "failed", "to_card": "9.00"}],
    }
    shop = shop_that_answers(200, {"data": [charge], "has_more": False, **order})
    shop.purchases["workshop"] = Purchase(shop.estuary, "ord_1", "pi_1", {})
    if agrees:
        assert "35.00 taken − 5.00 returned = 30.00 USD" in money_agrees(shop)
    else:
        with pytest.raises(SelfCheckFailed, match="pi_1"):
            money_agrees(shop)


def test_an_answer_is_told_in_one_line() -> None:
    request = httpx.Request("POST", "http://shop.example/v1/payment_intents/pi_1/confirm")
    body = json.dumps({"error": {"message": "Your card was declined."}})
    answer = httpx.Response(402, text=body, request=request)
    assert (
        describe_response(answer)
        == "POST /v1/payment_intents/pi_1/confirm answered 402: Your card was declined."
    )
