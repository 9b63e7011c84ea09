"""A restricted key may do what its owner allowed, and is told by name what it lacks, as Stripe does."""

from email.utils import parsedate_to_datetime

import pytest
import stripe

from stripe_sandbox import Sandbox
from stripe_sandbox.auth import permission_for
from stripe_sandbox.inprocess import client

KEY = "rk_test_restricted_key"


@pytest.mark.parametrize(
    ("request_line", "permission"),
    [
        ("GET /v1/customers", "customer_read"),
        ("POST /v1/payment_intents/pi_1/confirm", "payment_intent_write"),
        ("DELETE /v1/customers/cus_1", "customer_write"),
        ("GET /v1/checkout/sessions/cs_1", "checkout_session_read"),
        ("POST /v1/refunds", "charge_write"),
        ("GET /v1/webhook_endpoints", "webhook_read"),
    ],
)
def test_permissions_are_named_as_stripe_s_are(request_line: str, permission: str) -> None:
    assert permission_for(*request_line.split(" ")) == permission


def test_a_restricted_key_is_refused_by_the_name_of_what_it_lacks() -> None:
    sandbox = Sandbox()
    sandbox.control.restrict_key(KEY, "customer_write, charge_read")
    restricted = client(sandbox, KEY)
    assert restricted.v1.customers.create({"email": "a@example.com"}).id
    assert restricted.v1.customers.list().data
    assert restricted.v1.refunds.list().data == []
    with pytest.raises(stripe.PermissionError, match="'rak_charge_write' permission would allow") as refused:
        restricted.v1.refunds.create({"charge": "ch_1"})
    assert refused.value.http_status == 403
    assert KEY not in str(refused.value)
    assert client(sandbox).v1.payment_intents.list().data == []  # another key may do all


def test_each_answer_has_the_time_of_the_sandbox_s_clock() -> None:
    sandbox = Sandbox()
    sandbox.clock.advance(3600)
    answer = sandbox.request("GET", "/v1/customers", {"authorization": "Bearer sk_test_any_key_at_all"})
    assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == pytest.approx(
        sandbox.clock.now(), abs=2
    )
