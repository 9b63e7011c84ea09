"""Where a hosted page sends the buyer afterwards: addresses of our own origin, in any language."""

import pytest
from rest_framework.test import APIClient

from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.buying import posts

pytestmark = pytest.mark.django_db(transaction=True)

ENCODED = {
    "http://localhost:8000/gr%C3%B6%C3%9Fe/?f%C3%BCr=m%C3%A4rz#d%C3%A4nk": "http://localhost:8000/größe/?für=märz#dänk",
    "http://localhost:8000/%E3%81%82%E3%82%8A%E3%81%8C%E3%81%A8%E3%81%86/": "http://localhost:8000/ありがとう/",
    "http://localhost:8000/paid/?email=maya@estuary.example#@maya": (
        "http://localhost:8000/paid/?email=maya@estuary.example#@maya"
    ),
    "http://localhost:8000/@maya/": "http://localhost:8000/@maya/",
    "http://localhost:8000/paid/?of=50%25&id={CHECKOUT_SESSION_ID}": (
        "http://localhost:8000/paid/?of=50%25&id={CHECKOUT_SESSION_ID}"
    ),
}


@pytest.mark.parametrize("encoded", ENCODED)
def test_letters_other_than_ascii_are_encoded_as_a_browser_does(
    stripe: Sandbox, buyer: APIClient, encoded: str
) -> None:
    address = ENCODED[encoded]
    body = {"payment_type": "checkout", "success_url": address, "cancel_url": address}
    order = buying.order_of(buying.credits(buyer, **body))
    [sent] = posts(stripe, "/v1/checkout/sessions")
    assert (order.success_url, order.cancel_url) == (encoded, encoded)
    assert encoded.partition("#")[0] in sent.params["success_url"]


@pytest.mark.parametrize(
    "address",
    [
        "http://löcalhost:8000/",
        "http://localhost。example:8000/",
        "http://localhost:８０００/",
        "http://localhost:8000/\u202efdp.exe",
        "http://localhost:8000@evil.example/",
        "http://maya@localhost:8000/",
        "http://evil.example\\@localhost:8000/",
        "http://evil.example/@localhost:8000/",
        "http://evil.example?@localhost:8000/",
        "//localhost:8000@evil.example/",
    ],
)
def test_a_letter_that_would_change_the_origin_or_the_reading_is_refused(
    stripe: Sandbox, buyer: APIClient, address: str
) -> None:
    answer = buyer.post(buying.CREATE, {"is_credit_purchase": True, "amount": "5.00", "success_url": address})
    assert answer.status_code == 400, answer.json()
    assert posts(stripe, "/v1/checkout/sessions") == []
