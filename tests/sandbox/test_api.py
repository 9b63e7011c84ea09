"""The API's manners: keys, parameters, lists, expansion, idempotency."""

import base64

import pytest
import stripe

from stripe_sandbox import Sandbox
from stripe_sandbox.auth import OWN_PUBLISHABLE_KEY, OWN_SECRET_KEY
from stripe_sandbox.inprocess import client
from tests.sandbox.shop import intent, paid

BEARER = {"Authorization": "Bearer sk_test_1234567890"}


@pytest.mark.parametrize(
    "key", ["", "sk_live_1234567890abcdef", "sk_test_1", "nonsense_key_1234", "pk_live_1234567890"]
)
def test_wrong_keys_are_refused_and_never_shown_whole(sandbox: Sandbox, key: str) -> None:
    answer = sandbox.request("GET", "/v1/customers", {"Authorization": f"Bearer {key}"} if key else {})
    assert (answer.status, answer.json()["error"]["type"]) == (401, "invalid_request_error")
    assert not key or key not in answer.body.decode()


def test_basic_authentication_works_as_curl_sends_it(sandbox: Sandbox) -> None:
    basic = base64.b64encode(b"sk_test_1234567890:").decode()
    assert sandbox.request("GET", "/v1/customers", {"Authorization": f"Basic {basic}"}).status == 200


def test_a_revoked_key_is_refused_from_then_on(sandbox: Sandbox) -> None:
    sandbox.control.revoke_key("sk_test_1234567890")
    answer = sandbox.request("GET", "/v1/customers", BEARER)
    assert (answer.status, answer.json()["error"]["code"]) == (401, "api_key_expired")


def test_answers_carry_stripes_headers(sandbox: Sandbox) -> None:
    version = {"Stripe-Version": "2026-10-28.endive", "Idempotency-Key": "k1"}
    answer = sandbox.request("POST", "/v1/customers", BEARER | version)
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == "2026-10-28.endive"
    assert answer.headers["Idempotency-Key"] == "k1"
    assert "Idempotent-Replayed" not in answer.headers


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"amount=100&currency=usd&colour=red", "parameter_unknown", "colour"),
        (b"amount=100&currency=usd&shipping[name]=A&shipping[address][moon]=1", "parameter_unknown",
         "shipping[address][moon]"),
        (b"currency=usd", "parameter_missing", "amount"),
        (b"amount=12.5&currency=usd", "parameter_invalid_integer", "amount"),
        (b"amount=1e400&currency=usd", "parameter_invalid_integer", "amount"),
        (b"amount=&currency=usd", "parameter_invalid_integer", "amount"),
        (b"amount=100&currency=usd&customer=", "parameter_invalid_empty", "customer"),
        (b"amount=100&currency=usd&customer=cus_none", "resource_missing", "customer"),
        (b"amount=100&currency=usd&confirm=perhaps", None, "confirm"),
        (b"amount=100&currency=usd&capture_method=never", None, "capture_method"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_named(sandbox: Sandbox, body: bytes, code: str | None, param: str) -> None:
    answer = sandbox.request("POST", "/v1/payment_intents", BEARER, body)
    error = answer.json()["error"]
    assert (answer.status, error.get("code"), error.get("param")) == (400, code, param)


@pytest.mark.parametrize("metadata", [{"k" * 41: "v"}, {"k": "v" * 501}, {f"k{i}": "v" for i in range(51)}])
def test_metadata_has_limits(api: stripe.StripeClient, metadata: dict[str, str]) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"[Mm]etadata"):
        api.v1.customers.create({"metadata": metadata})


def test_what_is_not_there_is_a_404(api: stripe.StripeClient, sandbox: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.retrieve("pi_none")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    assert str(caught.value.user_message) == "No such payment_intent: 'pi_none'"
    assert sandbox.request("GET", "/v1/nothing", BEARER).status == 404


def test_lists_page_by_cursor_in_both_directions(api: stripe.StripeClient) -> None:
    customer_ids = [api.v1.customers.create({"email": f"{i}@example.com"}).id for i in range(7)]
    first = api.v1.customers.list({"limit": 3})
    assert [c.id for c in first.data] == customer_ids[:3:-1] and first.has_more
    second = api.v1.customers.list({"limit": 3, "starting_after": first.data[-1].id})
    assert [c.id for c in second.data] == customer_ids[3:0:-1] and second.has_more
    back = api.v1.customers.list({"limit": 2, "ending_before": second.data[-1].id})
    assert [c.id for c in back.data] == [customer_ids[3], customer_ids[2]] and back.has_more
    assert [c.id for c in api.v1.customers.list({"limit": 3}).auto_paging_iter()] == customer_ids[::-1]
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.customers.list({"starting_after": "cus_none"})


@pytest.mark.parametrize(("limit", "clamped"), [(0, 1), (-1, 1), (101, 100)])
def test_a_limit_out_of_range_is_clamped(api: stripe.StripeClient, limit: int, clamped: int) -> None:
    for _ in range(102):
        api.v1.customers.create()
    assert len(api.v1.customers.list({"limit": limit}).data) == clamped


def test_lists_filter_by_time_and_owner(sandbox: Sandbox, api: stripe.StripeClient, customer: str) -> None:
    old = intent(api, customer=customer).id
    sandbox.control.advance(100)
    new = intent(api).id
    since = int(sandbox.clock.now()) - 50
    assert [i.id for i in api.v1.payment_intents.list({"created": {"gte": since}}).data] == [new]
    assert [i.id for i in api.v1.payment_intents.list({"customer": customer}).data] == [old]


def test_expansion_goes_deep_and_refuses_what_it_does_not_know(
    api: stripe.StripeClient, customer: str
) -> None:
    payment = paid(api, customer=customer)
    listed = api.v1.payment_intents.list(
        {"expand": ["data.customer", "data.latest_charge.balance_transaction"]}
    )
    item = listed.data[0]
    assert isinstance(item.customer, stripe.Customer) and isinstance(item.latest_charge, stripe.Charge)
    assert isinstance(item.latest_charge.balance_transaction, stripe.BalanceTransaction)
    for path in ("amount", "nonsense", "data.customer", "latest_charge.amount"):
        with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
            api.v1.payment_intents.retrieve(payment.id, {"expand": [path]})
    deep = "latest_charge.payment_intent.latest_charge.payment_intent.customer"
    with pytest.raises(stripe.InvalidRequestError, match="cannot expand more than 4 levels"):
        api.v1.payment_intents.retrieve(payment.id, {"expand": [deep]})
    with pytest.raises(stripe.InvalidRequestError, match=r"try expanding 'data\.customer' instead"):
        api.v1.payment_intents.list({"expand": ["customer"]})


def test_expansion_is_checked_before_anything_is_done(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded") as caught:
        api.v1.customers.retrieve("cus_none", {"expand": ["nonsense"]})
    assert caught.value.http_status == 400
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        api.v1.customers.create({"expand": ["nonsense"]}, {"idempotency_key": "typo"})
    assert api.v1.customers.list().data == []
    assert api.v1.customers.create({}, {"idempotency_key": "typo"}).id


def test_what_is_embedded_may_be_expanded_too(api: stripe.StripeClient, customer: str) -> None:
    payment = paid(api, customer=customer)
    expanded = api.v1.payment_intents.retrieve(
        payment.id,
        {
            "expand": [
                "latest_charge.payment_method_details",
                "shipping",
                "payment_method_options.card",
                "review",
            ]
        },
    )
    assert isinstance(expanded.latest_charge, stripe.Charge)
    plain = api.v1.charges.retrieve(expanded.latest_charge.id)
    assert expanded.latest_charge.payment_method_details == plain.payment_method_details
    assert (expanded.shipping, expanded.review) == (None, None)
    names = ["address", "discount", "tax", "cash_balance", "invoice_credit_balance", "sources", "tax_ids"]
    details = api.v1.customers.retrieve(customer, {"expand": names})
    assert (details.address, details.discount) == (None, None)
    assert details.tax is not None and details.tax.automatic_tax == "unrecognized_location"
    assert (
        details.cash_balance is not None and details.cash_balance.settings.reconciliation_mode == "automatic"
    )
    assert details.sources is not None and details.sources.data == []
    assert api.v1.customers.retrieve(customer).to_dict().keys().isdisjoint({"tax", "cash_balance", "sources"})


@pytest.mark.parametrize(
    "version", ["2099-01-01", "2024-13-45", "2026-11-25.endive", "2026-05-27", "yesterday"]
)
def test_a_version_that_stripe_never_released_is_refused(sandbox: Sandbox, version: str) -> None:
    answer = sandbox.request("GET", "/v1/customers", BEARER | {"Stripe-Version": version})
    assert answer.status == 400 and version in answer.json()["error"]["message"]
    body = f"url=https://shop.example/hook&enabled_events[]=*&api_version={version}".encode()
    assert sandbox.request("POST", "/v1/webhook_endpoints", BEARER, body).status == 400


@pytest.mark.parametrize("version", ["2020-08-27", "2024-06-20", "2026-05-27.dahlia", "2026-10-28.endive"])
def test_a_version_that_stripe_released_is_taken(sandbox: Sandbox, version: str) -> None:
    assert sandbox.request("GET", "/v1/customers", BEARER | {"Stripe-Version": version}).status == 200


def test_nothing_of_the_sandboxs_own_leaves_it(
    sandbox: Sandbox, api: stripe.StripeClient, customer: str
) -> None:
    paid(api, customer=customer, setup_future_usage="off_session")
    for path in (
        "payment_methods?customer=" + customer,
        "payment_intents",
        "charges",
        "events",
        "webhook_endpoints",
    ):
        body = sandbox.request("GET", f"/v1/{path}", BEARER).body
        assert b'"_' not in body and b"whsec_" not in body and b"4242424242424242" not in body


def test_the_same_key_gives_the_same_answer_once(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "order-1-intent-1"}
    fields = {"amount": 2000, "currency": "usd"}
    first = api.v1.payment_intents.create(fields, options)  # type: ignore[arg-type]
    again = api.v1.payment_intents.create(fields, options)  # type: ignore[arg-type]
    assert first.id == again.id
    assert again.last_response and again.last_response.headers
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert sandbox.requests[-1].replayed
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        api.v1.payment_intents.create(fields | {"amount": 1}, options)  # type: ignore[arg-type]
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        api.v1.customers.create({}, options)
    assert len(api.v1.payment_intents.list().data) == 1


def test_a_decline_is_remembered_and_a_typing_mistake_is_not(api: stripe.StripeClient) -> None:
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            api.v1.payment_intents.create(
                {"amount": 500, "currency": "usd", "payment_method": "pm_card_chargeDeclined",
                 "confirm": True, "return_url": "https://shop.example"}, {"idempotency_key": "declined"},
            )  # fmt: skip
    assert len(api.v1.charges.list().data) == 1
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.payment_intents.create({"amount": 500, "currency": "us"}, {"idempotency_key": "typo"})
    assert api.v1.payment_intents.create({"amount": 500, "currency": "usd"}, {"idempotency_key": "typo"})


def test_keys_are_forgotten_after_a_day(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    first = api.v1.customers.create({}, {"idempotency_key": "k"})
    sandbox.control.advance(24 * 3600 + 1)
    assert api.v1.customers.create({}, {"idempotency_key": "k"}).id != first.id


def test_a_key_in_flight_is_a_conflict(sandbox: Sandbox) -> None:
    sandbox.faults.add("slow", "POST /v1/customers", seconds=5)
    key = BEARER | {"Idempotency-Key": "k"}
    slow = sandbox.request("POST", "/v1/customers", key)
    assert slow.delay_s == 5
    early = sandbox.request("POST", "/v1/customers", key)
    assert (early.status, early.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    sandbox.control.advance(6)
    assert sandbox.request("POST", "/v1/customers", key).json() == slow.json()


def test_the_same_seed_and_clock_make_the_same_world() -> None:
    from stripe_sandbox import Ids, ManualClock

    def play_once() -> bytes:
        sandbox = Sandbox(webhook_secret="whsec_x", clock=ManualClock(), ids=Ids(seed=1))
        paid(client(sandbox), "pm_card_createDispute")
        return b"".join(delivery.body for delivery in sandbox.take_deliveries())

    import re

    # The SDK's own keys are random; everything else is the sandbox's.
    played = {re.sub(rb'"idempotency_key": "[^"]*"', b"", play_once()) for _ in range(2)}
    assert len(played) == 1


def test_a_publishable_key_of_nobody_is_refused_as_stripe_does() -> None:
    def status(sandbox: Sandbox, key: str) -> int:
        path = "/v1/payment_intents/pi_x?client_secret=pi_x_secret_x"
        answer = sandbox.request("GET", path, {"Authorization": f"Bearer {key}"})
        if answer.status == 401:
            assert answer.json()["error"]["type"] == "invalid_request_error"
            assert answer.json()["error"]["message"].startswith("Invalid API Key provided: pk_test_****")
        return answer.status

    own_sandbox = Sandbox(publishable_key="pk_test_of_this_account")
    assert [status(own_sandbox, key) for key in ("pk_test_of_this_account", "pk_test_of_another_one")] == [
        404,
        401,
    ]
    for secret, expected in ((OWN_SECRET_KEY, [404, 401]), ("sk_test_of_somebody_else", [404, 404])):
        sandbox = Sandbox()
        sandbox.request("GET", "/v1/account", {"Authorization": f"Bearer {secret}"})
        assert [status(sandbox, key) for key in (OWN_PUBLISHABLE_KEY, "pk_test_of_another_one")] == expected
