"""What the real API was seen to answer in 2026: keys, names, the order of events."""

from typing import Any

import pytest
import stripe

from stripe_sandbox import Sandbox
from tests.sandbox.shop import AUTOMATIC, intent, paid, session, types


def test_objects_carry_the_keys_of_2026(api: stripe.StripeClient, customer: str) -> None:
    payment: Any = paid(api, customer=customer, expand=["latest_charge", "payment_method"])
    assert payment.managed_payments.to_dict() == {"enabled": False}
    assert (payment.shared_payment_granted_token, payment.payment_record) == (None, None)
    assert payment.payment_method.shared_payment_granted_token is None
    assert payment.payment_method.radar_options.to_dict() == {}
    details = payment.latest_charge.payment_method_details.card
    assert (details.electronic_commerce_indicator, details.transaction_link_id) == (None, None)
    saving: Any = api.v1.setup_intents.create({"automatic_payment_methods": AUTOMATIC})  # type: ignore[arg-type]
    page: Any = session(api)
    assert [one.managed_payments.enabled for one in (saving, page)] == [False, False]


def test_intents_of_an_older_version_name_their_allowed_types_too(api: stripe.StripeClient) -> None:
    fields: Any = {"amount": 500, "currency": "usd"}
    payment: Any = api.v1.payment_intents.create(fields, {"stripe_version": "2026-05-27.dahlia"})
    assert payment.allowed_payment_method_types is None


def test_a_refund_names_its_customer_and_its_method(api: stripe.StripeClient, customer: str) -> None:
    payment = paid(api, customer=customer)
    refund: Any = api.v1.refunds.create(
        {"payment_intent": payment.id, "expand": ["payment_method", "customer"]}
    )
    assert (refund.customer.id, refund.payment_method.id) == (customer, payment.payment_method)
    assert refund.customer_account is None


@pytest.mark.parametrize(
    ("method", "advice", "network_code"),
    [
        ("pm_card_chargeDeclined", "try_again_later", "01"),
        ("pm_card_chargeDeclinedInsufficientFunds", "try_again_later", "51"),
        ("pm_card_chargeDeclinedExpiredCard", "do_not_try_again", "54"),
    ],
)
def test_a_decline_has_the_networks_code_and_stripes_advice(
    api: stripe.StripeClient, method: str, advice: str, network_code: str
) -> None:
    payment = intent(api)
    with pytest.raises(stripe.CardError) as caught:
        api.v1.payment_intents.confirm(payment.id, {"payment_method": method})
    error: Any = caught.value.error
    assert (error.advice_code, error.network_decline_code) == (advice, network_code)
    failed: Any = api.v1.payment_intents.retrieve(payment.id, {"expand": ["latest_charge"]})
    assert failed.last_payment_error.payment_method_type == "card"
    outcome = failed.latest_charge.outcome
    assert (outcome.network_decline_code, outcome.network_advice_code) == (network_code, None)


def test_a_card_of_a_token_is_unchecked_until_it_is_attached_or_charged(
    api: stripe.StripeClient, customer: str
) -> None:
    def checked(method_id: str) -> str | None:
        card = api.v1.payment_methods.retrieve(method_id).card
        assert card and card.checks
        return card.checks.cvc_check

    for use in (
        lambda name: api.v1.payment_methods.attach(name, {"customer": customer}),
        lambda name: paid(api, name),
    ):
        method = api.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
        assert checked(method.id) == "unchecked"
        use(method.id)
        assert checked(method.id) == "pass"


def test_a_card_that_disputes_at_once_is_disputed_before_the_payment_succeeds(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    paid(api, "pm_card_createDispute")
    came = types(sandbox)
    order = ["charge.succeeded", "charge.dispute.created", "payment_intent.succeeded"]
    assert [kind for kind in came if kind in order] == order


def test_evidence_is_under_review_before_it_decides(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    def submit(dispute_id: str, text: str) -> list[str]:
        evidence: Any = {"evidence": {"uncategorized_text": text}}
        seen = [api.v1.disputes.update(dispute_id, evidence).status]
        sandbox.control.advance(10)
        return [*seen, api.v1.disputes.retrieve(dispute_id).status]

    disputes = [sandbox.control.dispute(paid(api).id)["id"] for _ in range(3)]
    inquiry = sandbox.control.dispute(paid(api).id, inquiry=True)["id"]
    assert submit(disputes[0], "winning_evidence") == ["under_review", "won"]
    assert submit(disputes[1], "losing_evidence") == ["under_review", "lost"]
    assert submit(disputes[2], "It was great") == ["under_review", "under_review"]
    assert submit(inquiry, "escalate_inquiry_evidence") == ["warning_under_review", "needs_response"]


def test_an_off_session_payment_that_needs_a_challenge_makes_no_charge(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    payment = intent(api)
    with pytest.raises(stripe.CardError) as caught:
        api.v1.payment_intents.confirm(
            payment.id, {"payment_method": "pm_card_authenticationRequired", "off_session": True}
        )
    assert caught.value.code == "authentication_required"
    assert api.v1.charges.list().data == []
    assert api.v1.payment_intents.retrieve(payment.id).latest_charge is None
    assert types(sandbox) == ["payment_intent.created", "payment_intent.payment_failed"]


def test_a_new_customers_default_card_may_be_a_tests_name(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    customer = api.v1.customers.create({"invoice_settings": {"default_payment_method": "pm_card_visa"}})
    cards = api.v1.customers.payment_methods.list(customer.id).data
    assert customer.invoice_settings and customer.invoice_settings.default_payment_method == cards[0].id
    assert [types(sandbox), len(cards)] == [["customer.created", "payment_method.attached"], 1]
    default_card = api.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}}).id
    both = api.v1.customers.create(
        {"payment_method": default_card, "invoice_settings": {"default_payment_method": default_card}}
    )
    assert both.invoice_settings and both.invoice_settings.default_payment_method == default_card
    unattached_card = api.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}}).id
    with pytest.raises(stripe.InvalidRequestError, match="must be attached"):
        api.v1.customers.create({"invoice_settings": {"default_payment_method": unattached_card}})


def test_a_tests_name_can_be_looked_at(api: stripe.StripeClient) -> None:
    seen = api.v1.payment_methods.retrieve("pm_card_mastercard")
    assert seen.id != "pm_card_mastercard" and seen.card and seen.card.brand == "mastercard"


@pytest.mark.parametrize(
    ("name", "country"), [("br", "BR"), ("jp", "JP"), ("ie", "IE"), ("mx", "MX"), ("at", "AT"), ("us", "US")]
)
def test_cards_of_other_countries_have_names(api: stripe.StripeClient, name: str, country: str) -> None:
    charge: Any = paid(api, f"pm_card_{name}", expand=["latest_charge"]).latest_charge
    assert charge.payment_method_details.card.country == country


def test_tokens_of_disputed_cards_have_the_brand_in_their_name(api: stripe.StripeClient) -> None:
    for token, disputes in (("tok_visa_createDispute", 1), ("tok_createMultipleDisputes", 2)):
        method = api.v1.payment_methods.create({"type": "card", "card": {"token": token}})
        rows = api.v1.disputes.list({"payment_intent": paid(api, method.id).id}).data
        assert (len(rows), sum(one.amount for one in rows)) == (disputes, 2000)


def test_methods_without_a_customer_are_not_listed(api: stripe.StripeClient, customer: str) -> None:
    api.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    api.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    assert api.v1.payment_methods.list().data == []
    assert len(api.v1.payment_methods.list({"customer": customer}).data) == 1


def test_off_session_needs_no_return_url(api: stripe.StripeClient) -> None:
    fields: Any = {"amount": 500, "currency": "usd", "payment_method": "pm_card_visa"}
    assert (
        api.v1.payment_intents.create(fields | {"confirm": True, "off_session": True}).status == "succeeded"
    )
    waiting = api.v1.payment_intents.create(fields | {"confirm": False, "off_session": False})
    assert waiting.status == "requires_confirmation"
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        api.v1.payment_intents.create(fields | {"confirm": True})
