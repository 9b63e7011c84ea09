"""What a buyer writes into service_data: telephone numbers, IBANs and ids are kept, card numbers are refused."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from estuary.common.observability import redaction
from estuary.orders.models import Order
from estuary.payments.checkout.serializers import check_request
from estuary.payments.models import WebhookEvent
from stripe_sandbox import Sandbox
from tests.api.test_payments_bad_input import raw
from tests.flows import buying
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

# Each of these was taken for a card number: its digits pass Luhn's check.
HARMLESS = (
    {"phone": "+49 1512 3456787"},
    {"phone": "+4915123456787"},
    {"phone": "0049 1512 3456787"},
    {"phone": "+43 664 123456784"},
    {"phones": ["+43 (0) 664 123456784", "+55 (44) 11234-5671"]},
    {"iban": "GB29 NWBK 6016 1331 9268 19", "note": "to IT60 X054 2811 1010 0000 0123 456"},
    {"at": "2026-11-30 10:00:00.123456", "id": "42424242-4242-4242-8242-424242424242"},
    {"answers": [4, 3, 4, 3, 4, 4, 2, 1, 2, 1, 3, 5, 4, 5, 1, 1]},
    {"answers": "4, 3, 4, 3, 4, 4, 2, 1, 2, 1, 3, 5, 4, 5, 1, 1"},
    {"answers": "4,3,4,3,4,4,2,1,2,1,3,5,4,5,1,1"},
    {"answers": {"a": 4, "b": 3, "c": [[4, 3], [4, 4, 2, 1, 2, 1]], "d": ["3.5", "4.5", 1, 1]}},
    {"rooms": [4242, 4242, 4242, 4242], "text": "rooms 4242, 4242, 4242, 4242"},
    {"prices": "4242; 4242; 4242; 4242", "days": "4.2.2026, 4.2.2024, 2.4.2026"},
    {"parts": ["4242", "4242", "4242", "4242"], "mail": ["a42@b.example", 4242, "4242@b.example"]},
    {"seen": 1790000000123, "micros": 1790000000123456, "order": "ORD4242424242424242"},
)
CARDS = (
    "4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "4242.4242.4242.4242", "4242/4242/4242/4242",
    "4242\u00a04242\u00a04242\u00a04242", "4242\n4242\n4242\n4242", "٤٢٤٢ ٤٢٤٢ ٤٢٤٢ ٤٢٤٢",
    "４２４２４２４２４２４２４２４２",
    "4242,4242,4242,4242", "4242;4242;4242;4242", "answers 1, 2, 3, 4242424242424242, 4",
    "3782 822463 10005", "378282246310005", "5555 5555 5555 4444 12/27 123", "+49 1512 3456787, 4242424242424242",
    "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2", "%34242424242424242", "6200000000000005", "3056 930902 5904",
)  # fmt: skip


@pytest.mark.parametrize("service_data", HARMLESS)
def test_what_only_looks_like_a_card_number_is_kept_as_it_was_written(
    stripe: Sandbox, buyer: APIClient, service_data: dict[str, Any]
) -> None:
    order = buying.credits(buyer, "20.00", service_data=service_data)
    assert Order.objects.get(public_id=order["order_id"]).service_data == service_data
    buying.pay(stripe, order)
    assert buying.status_of(order) == "completed"


@pytest.mark.parametrize("card", CARDS)
def test_a_card_number_is_refused_and_the_error_says_what_to_do(
    stripe: Sandbox, buyer: APIClient, card: str
) -> None:
    for service_data in ({"note": card}, {"deep": [{"er": [card]}]}, {card: "name"}):
        for ascii_only in (True, False):
            body = {"is_credit_purchase": True, "amount": "20.00", "service_data": service_data}
            answer = raw(buyer, json.dumps(body, ensure_ascii=ascii_only))
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), card
            assert "letters before it" in str(answer.json())
            assert redaction.redact(card) != card
    assert not Order.objects.exists()


def test_a_number_of_a_card_is_refused_and_a_key_is_told_apart(stripe: Sandbox, buyer: APIClient) -> None:
    for value, sentence in ((4242424242424242, "card number"), ("whsec_abcdefgh", "key or a token")):
        problem = buying.refused(
            buyer, 400, "invalid_request", is_credit_purchase=True, amount="20.00", service_data={"n": value}
        )
        assert sentence in str(problem)


def test_an_event_keeps_a_telephone_number_and_no_card_number(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "20.00")
    intent = stripe.state.store.payment_intents.get(order["payment_intent_id"])
    assert intent is not None
    intent["description"] = (
        "Call +49 1512 3456787, ref. GB29 NWBK 6016 1331 9268 19; paid with 4242.4242.4242.4242"
    )
    intent["metadata"]["number"] = "٤٢٤٢ ٤٢٤٢ ٤٢٤٢ ٤٢٤٢"
    buying.pay(stripe, order)
    settle_everything(stripe)
    kept = WebhookEvent.objects.get(type="payment_intent.succeeded").payload["data"]["object"]
    assert (
        kept["description"] == "Call +49 1512 3456787, ref. GB29 NWBK 6016 1331 9268 19; paid with [redacted]"
    )
    assert kept["metadata"]["number"] == "[redacted]"


NUMBERS = st.one_of(st.integers(0, 9), st.integers(-(10**12), 10**12 - 1))


@given(st.lists(st.one_of(NUMBERS, st.lists(NUMBERS, max_size=8)), max_size=40))
@example([4, 3, 4, 3, 4, 4, 2, 1, 2, 1, 3, 5, 4, 5, 1, 1])
@example([[4242, 4242], [4242, 4242]])
def test_numbers_that_are_no_card_numbers_alone_are_none_together(answers: list[Any]) -> None:
    body = {"is_credit_purchase": True, "amount": "20.00", "service_data": {"answers": answers}}
    assert check_request(body)["service_data"] == {"answers": answers}
