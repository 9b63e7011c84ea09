"""Refusals as the real API was seen to word them in 2026: status, code, parameter, what is attached."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.sandbox.shop import AUTOMATIC, intent, paid, session


def refusal(action: Callable[[], object]) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        action()
    return caught.value


def seen(error: stripe.InvalidRequestError) -> tuple[int | None, str | None, str | None]:
    return error.http_status, error.code, error.param


def attached(error: stripe.InvalidRequestError, kind: str = "payment_intent") -> str | None:
    assert isinstance(error.json_body, dict)
    obj: dict[str, Any] | None = error.json_body["error"].get(kind)
    return obj["id"] if obj else None


def hold(api: stripe.StripeClient) -> stripe.PaymentIntent:
    return paid(api, capture_method="manual")


@pytest.mark.parametrize(
    ("amount", "code", "param"),
    [
        (0, "parameter_invalid_integer", "amount"),
        (-5, None, "amount_to_capture"),
        (2001, "amount_too_large", None),
    ],
)
def test_captures_of_too_little_and_too_much(
    api: stripe.StripeClient, amount: int, code: str | None, param: str | None
) -> None:
    held = hold(api)
    error = refusal(lambda: api.v1.payment_intents.capture(held.id, {"amount_to_capture": amount}))
    assert (seen(error), attached(error)) == ((400, code, param), held.id)
    assert api.v1.payment_intents.retrieve(held.id).status == "requires_capture"


def test_captures_of_what_is_captured(api: stripe.StripeClient) -> None:
    held = hold(api)
    api.v1.payment_intents.capture(held.id, {"amount_to_capture": 500})
    for captured, words in (
        (held.id, "remainder of the authorized"),
        (paid(api).id, "already been captured"),
    ):
        error = refusal(lambda: api.v1.payment_intents.capture(captured))  # noqa: B023
        assert seen(error) == (400, "payment_intent_unexpected_state", None)
        assert words in str(error.user_message) and attached(error) == captured


def test_another_customers_card(api: stripe.StripeClient, customer: str) -> None:
    other = api.v1.customers.create().id
    foreign_card = api.v1.payment_methods.attach("pm_card_visa", {"customer": other}).id
    cases: list[tuple[dict[str, Any], str | None, str]] = [
        ({"customer": customer}, None, "payment_method"),
        ({}, "parameter_missing", "source"),
    ]
    for params, code, param in cases:
        payment = intent(api, **params)
        error = refusal(lambda: api.v1.payment_intents.confirm(payment.id, {"payment_method": foreign_card}))  # noqa: B023
        assert (seen(error), attached(error)) == ((400, code, param), payment.id)
        new = refusal(lambda: intent(api, payment_method=foreign_card, **params))  # noqa: B023
        assert (seen(new), attached(new)) == ((400, code, param), None)
    saving = {"automatic_payment_methods": AUTOMATIC, "payment_method": foreign_card}
    error = refusal(lambda: api.v1.setup_intents.create(saving))  # type: ignore[arg-type]
    assert seen(error) == (400, None, "payment_method")


def test_changing_what_is_paid(api: stripe.StripeClient) -> None:
    payment = paid(api)
    error = refusal(lambda: api.v1.payment_intents.update(payment.id, {"amount": 100}))
    assert seen(error) == (400, "payment_intent_unexpected_state", "amount")
    assert attached(error) == payment.id


def test_refunds_of_nothing_of_holds_and_of_declines(api: stripe.StripeClient) -> None:
    unknown = refusal(lambda: api.v1.refunds.create({"charge": "ch_none"}))
    assert seen(unknown) == (404, "resource_missing", "id")
    held = refusal(lambda: api.v1.refunds.create({"payment_intent": hold(api).id}))
    assert seen(held) == (400, None, None)
    assert "You must cancel the PaymentIntent" in str(held.user_message)
    payment = intent(api)
    with pytest.raises(stripe.CardError):
        api.v1.payment_intents.confirm(payment.id, {"payment_method": "pm_card_chargeDeclined"})
    failed = api.v1.charges.list({"payment_intent": payment.id}).data[0]
    error = refusal(lambda: api.v1.refunds.create({"charge": failed.id}))
    assert str(error.user_message) == (
        f"This PaymentIntent ({payment.id}) does not have a successful charge to refund."
    )


def test_canceling_a_refund(api: stripe.StripeClient) -> None:
    refund = api.v1.refunds.create({"payment_intent": paid(api).id})
    error = refusal(lambda: api.v1.refunds.cancel(refund.id))
    assert seen(error) == (400, None, None)
    assert str(error.user_message) == "Canceling this refund is unsupported."


def test_a_setup_that_is_over(api: stripe.StripeClient) -> None:
    intents = api.v1.setup_intents
    options: Any = {"automatic_payment_methods": AUTOMATIC}
    done = intents.create(options | {"payment_method": "pm_card_visa", "confirm": True})
    gone = intents.create(options | {"payment_method": "pm_card_visa"})
    intents.cancel(gone.id)
    bare = intents.create(options)
    intents.cancel(bare.id)
    card: Any = {"payment_method": "pm_card_visa"}
    for action, words in (
        (lambda: intents.confirm(done.id), "because it has already succeeded."),
        (lambda: intents.confirm(gone.id), "because it has been canceled."),
        (lambda: intents.confirm(bare.id), "because it's missing a payment method."),
        (lambda: intents.cancel(done.id), "because it has a status of succeeded."),
        (lambda: intents.cancel(gone.id), "because it is already canceled."),
        (lambda: intents.update(done.id, card), "because it has already succeeded."),
        (lambda: intents.update(gone.id, card), "because it has been canceled."),
    ):
        error = refusal(action)
        assert seen(error) == (400, "setup_intent_unexpected_state", None)
        assert words in str(error.user_message)
        assert attached(error, "setup_intent") in (done.id, gone.id, bare.id)
    assert intents.update(done.id, {"description": "late"}).description == "late"


def test_what_is_no_email_address(api: stripe.StripeClient, customer: str) -> None:
    wrong = "not-an-email"
    for action, param in (
        (lambda: api.v1.customers.create({"email": wrong}), "email"),
        (lambda: api.v1.customers.update(customer, {"email": wrong}), "email"),
        (lambda: intent(api, receipt_email=wrong), "receipt_email"),
        (lambda: session(api, customer_email=wrong), "customer_email"),
        (
            lambda: api.v1.payment_methods.create(
                {"type": "card", "card": {"token": "tok_visa"}, "billing_details": {"email": wrong}}
            ),
            "billing_details[email]",
        ),
    ):
        assert seen(refusal(action)) == (400, "email_invalid", param)
    assert api.v1.customers.update(customer, {"email": ""}).email is None


def test_statement_descriptors_of_cards_and_long_ones(api: stripe.StripeClient) -> None:
    text, long = "statement_descriptor", "x" * 23
    card = refusal(lambda: intent(api, statement_descriptor="YOGA"))
    assert seen(card) == (400, None, text) and "`card`" in str(card.user_message)
    page = refusal(lambda: session(api, payment_intent_data={"statement_descriptor": "YOGA"}))
    assert seen(page) == (400, None, f"payment_intent_data[{text}]")
    bank = intent(api, allowed_payment_method_types=["us_bank_account"], statement_descriptor="YOGA")
    assert bank.statement_descriptor == "YOGA"
    for action, param in (
        (lambda: intent(api, statement_descriptor_suffix=long), f"{text}_suffix"),
        (lambda: api.v1.products.create({"name": "Yoga", "statement_descriptor": long}), text),
        (
            lambda: session(api, payment_intent_data={"statement_descriptor_suffix": long}),
            f"payment_intent_data[{text}_suffix]",
        ),
    ):
        error = refusal(action)
        assert seen(error) == (400, None, param) and "at most 22 characters" in str(error.user_message)
