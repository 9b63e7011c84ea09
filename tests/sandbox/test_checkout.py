"""Checkout Sessions, through the controls and through the page."""

from typing import Any
from urllib.parse import urlencode

import pytest
import stripe

from stripe_sandbox import Response, Sandbox
from tests.sandbox.shop import session, types

CARD = {
    "choice": "new",
    "email": "anna@example.com",
    "number": "4242 4242 4242 4242",
    "expiry": "12 / 34",
    "cvc": "123",
}


def submit(sandbox: Sandbox, url: str | None, **fields: str) -> Response:
    path = str(url).removeprefix(sandbox.settings.public_url)
    return sandbox.request("POST", path, body=urlencode(CARD | fields).encode())


def test_paying_makes_the_intent_and_completes_the_session(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    checkout = session(api, payment_intent_data={"metadata": {"order_id": "1"}}, metadata={"order_id": "1"})
    assert (checkout.payment_intent, checkout.payment_status, checkout.amount_total) == (None, "unpaid", 3000)
    sandbox.control.pay_checkout(checkout.id)
    assert types(sandbox) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
        "charge.updated",
    ]
    current = api.v1.checkout.sessions.retrieve(checkout.id, {"expand": ["payment_intent", "line_items"]})
    assert isinstance(current.payment_intent, stripe.PaymentIntent)
    assert current.payment_intent.metadata.to_dict() == {"order_id": "1"}
    assert (current.status, current.payment_status, current.url) == ("complete", "paid", None)
    assert current.line_items and current.line_items.data[0].quantity == 2
    assert current.customer_details and current.customer_details.email == "buyer@example.com"


def test_the_page_shows_the_order_and_pays_it(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    checkout = session(api, customer_email="anna@example.com")
    shown = sandbox.request("GET", str(checkout.url).removeprefix(sandbox.settings.public_url))
    assert shown.status == 200 and b"Yoga" in shown.body and b"$30.00" in shown.body
    assert b"https://shop.example/basket" in shown.body
    answer = submit(sandbox, checkout.url)
    assert (answer.status, answer.headers["Location"]) == (
        303,
        f"https://shop.example/thanks?id={checkout.id}",
    )


def test_the_page_escapes_what_the_shop_calls_its_goods(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    price = {"currency": "usd", "unit_amount": 900, "product_data": {"name": "<script>alert(1)</script> $x"}}
    checkout = session(api, line_items=[{"price_data": price, "quantity": 1}])
    shown = sandbox.request("GET", str(checkout.url).removeprefix(sandbox.settings.public_url))
    assert b"<script>alert" not in shown.body and b"&lt;script&gt;alert(1)&lt;/script&gt; $x" in shown.body


def test_a_decline_is_said_in_plain_words_and_the_page_stays(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    checkout = session(api)
    declined = submit(sandbox, checkout.url, number="4000000000009995")
    assert declined.status == 402 and b"Your card has insufficient funds." in declined.body
    assert b"4000000000009995" not in declined.body
    mistyped = submit(sandbox, checkout.url, expiry="soon")
    assert mistyped.status == 402 and b"MM / YY" in mistyped.body
    assert submit(sandbox, checkout.url).status == 303
    assert api.v1.checkout.sessions.retrieve(checkout.id).payment_status == "paid"
    assert len(api.v1.payment_intents.list().data) == 1


def test_the_page_asks_for_3d_secure(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    checkout = session(api)
    challenge = submit(sandbox, checkout.url, number="4000002760003184").headers["Location"]
    assert b"Complete" in sandbox.request("GET", challenge).body
    failed = sandbox.request("POST", challenge, body=b"outcome=fail").headers["Location"]
    assert b"unable to authenticate" in sandbox.request("GET", failed).body
    challenge = submit(sandbox, checkout.url, number="4000002760003184").headers["Location"]
    done = sandbox.request("POST", challenge, body=b"outcome=complete").headers["Location"]
    assert done == f"https://shop.example/thanks?id={checkout.id}"
    assert sandbox.request("GET", challenge.replace("secret_", "secret_x")).status == 404


def test_a_saved_card_pays_on_the_page_and_nobody_elses_does(
    sandbox: Sandbox, api: stripe.StripeClient, customer: str
) -> None:
    mine = api.v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
    other = api.v1.customers.create({}).id
    foreign_card = api.v1.payment_methods.attach("pm_card_visa", {"customer": other}).id
    checkout = session(api, customer=customer, saved_payment_method_options={
        "allow_redisplay_filters": ["always", "unspecified"]})  # fmt: skip
    assert submit(sandbox, checkout.url, choice=foreign_card).status == 400
    assert submit(sandbox, checkout.url, choice=mine).status == 303


def test_a_bank_payment_completes_the_session_unpaid_and_settles_later(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    for settle, event, status in [
        (sandbox.control.settle, "checkout.session.async_payment_succeeded", "paid"),
        (sandbox.control.fail_settlement, "checkout.session.async_payment_failed", "unpaid"),
    ]:
        checkout = sandbox.control.pay_checkout(session(api).id, method="us_bank_account")
        assert (checkout["status"], checkout["payment_status"]) == ("complete", "unpaid")
        types(sandbox)
        settle(checkout["payment_intent"])
        assert event in types(sandbox)
        assert api.v1.checkout.sessions.retrieve(checkout["id"]).payment_status == status


def test_a_session_expires_by_itself_and_takes_its_intent_along(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    checkout = session(api, expires_at=int(sandbox.clock.now()) + 1800)
    sandbox.control.pay_checkout(checkout.id, card="4000000000000002")
    types(sandbox)
    sandbox.control.advance(1801)
    assert types(sandbox) == ["payment_intent.canceled", "checkout.session.expired"]
    assert api.v1.checkout.sessions.retrieve(checkout.id).status == "expired"
    assert submit(sandbox, checkout.url).status == 410


def test_an_intent_of_checkout_ends_only_with_its_session(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    checkout = sandbox.control.pay_checkout(session(api).id, card="4000000000000002")
    with pytest.raises(stripe.InvalidRequestError, match="Checkout Session"):
        api.v1.payment_intents.cancel(checkout["payment_intent"])
    api.v1.checkout.sessions.expire(checkout["id"])
    assert api.v1.payment_intents.retrieve(checkout["payment_intent"]).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        api.v1.checkout.sessions.expire(checkout["id"])


def test_setup_mode_saves_a_card(sandbox: Sandbox, api: stripe.StripeClient, customer: str) -> None:
    checkout = api.v1.checkout.sessions.create(
        {
            "mode": "setup",
            "customer": customer,
            "currency": "usd",
            "success_url": "https://shop.example/cards",
        }
    )
    done = sandbox.control.pay_checkout(checkout.id)
    assert (done["status"], done["payment_status"]) == ("complete", "no_payment_required")
    assert len(api.v1.customers.payment_methods.list(customer).data) == 1


def test_what_a_session_needs_is_asked_for(api: stripe.StripeClient, sandbox: Sandbox) -> None:
    now = int(sandbox.clock.now())
    refused: list[tuple[dict[str, Any], str]] = [
        ({"line_items": []}, "line item"),
        ({"success_url": "javascript:alert(1)"}, "Not a valid URL"),
        ({"expires_at": now + 60}, "at least 30 minutes"),
        ({"expires_at": now + 100_000}, "less than 24 hours"),
        ({"payment_method_types": ["card"]}, "unknown parameter"),
    ]
    for params, words in refused:
        with pytest.raises(stripe.InvalidRequestError, match=words):
            session(api, **params)


SIZES: Any = {
    "key": "size",
    "label": {"type": "custom", "custom": "Size"},
    "type": "dropdown",
    "dropdown": {"options": [{"label": "Small", "value": "s"}, {"label": "Medium", "value": "m"}]},
}
PIN: Any = {
    "key": "pin",
    "label": {"type": "custom", "custom": "Door <code>"},
    "type": "numeric",
    "numeric": {"minimum_length": 4, "maximum_length": 4},
}
NOTE: Any = {"key": "note", "label": {"type": "custom", "custom": "Note"}, "type": "text", "optional": True}


def test_the_page_asks_what_the_shop_wants_to_know(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    checkout = session(api, custom_fields=[SIZES, PIN, NOTE], phone_number_collection={"enabled": True})
    shown = sandbox.request("GET", str(checkout.url).removeprefix(sandbox.settings.public_url)).body.decode()
    assert all(
        words in shown for words in ("Size", "Medium", "Door &lt;code&gt;", "Note (optional)", "Phone number")
    )
    good = {"field_size": "m", "field_pin": "1234", "phone": "+15555550123"}
    for wrong, words in (
        ({"field_size": "xl"}, b"Choose one of the options of Size."),
        ({"field_size": ""}, b"Size is missing."),
        ({"field_pin": "12"}, b"between 4 and 4 characters"),
        ({"field_pin": "12a4"}, b"digits only"),
        ({"phone": ""}, b"Enter a phone number."),
    ):
        refused = submit(sandbox, checkout.url, **good | wrong)
        assert refused.status == 400 and words in refused.body
    assert submit(sandbox, checkout.url, **good).status == 303
    done = api.v1.checkout.sessions.retrieve(checkout.id)
    fields: list[Any] = done.custom_fields
    answered = {field.key: (getattr(field, field.type).value, field.optional) for field in fields}
    assert answered == {"size": ("m", False), "pin": ("1234", False), "note": (None, True)}
    assert done.customer_details and done.customer_details.phone == "+15555550123"


def test_the_controls_answer_for_the_buyer(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    fields = [SIZES, PIN]
    done = sandbox.control.pay_checkout(session(api, custom_fields=fields).id, custom_fields={"size": "m"})
    assert [field[field["type"]]["value"] for field in done["custom_fields"]] == ["m", "1111"]


def test_custom_fields_have_limits(api: stripe.StripeClient) -> None:
    refused: list[tuple[list[Any], str]] = [
        ([NOTE, SIZES, PIN, NOTE | {"key": "more"}], "custom_fields"),
        ([NOTE, NOTE], "custom_fields[1][key]"),
        ([NOTE | {"key": "not so"}], "custom_fields[0][key]"),
        ([SIZES | {"dropdown": {"options": []}}], "custom_fields[0][dropdown]"),
        ([NOTE | {"label": {"type": "custom", "custom": "x" * 51}}], "custom_fields[0][label][custom]"),
    ]
    for fields, param in refused:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            session(api, custom_fields=fields)
        assert caught.value.param == param
