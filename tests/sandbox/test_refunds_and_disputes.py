"""Money that goes back."""

import pytest
import stripe

from stripe_sandbox import Sandbox
from stripe_sandbox.errors import StripeError
from tests.sandbox.shop import intent, paid, types


def test_partial_refunds_add_up_and_no_more_than_was_paid_goes_back(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    payment = paid(api)
    types(sandbox)
    api.v1.refunds.create({"payment_intent": payment.id, "amount": 500, "metadata": {"refund_id": "r1"}})
    assert types(sandbox) == ["refund.created", "charge.refunded", "refund.updated", "charge.refund.updated"]
    with pytest.raises(
        stripe.InvalidRequestError, match=r"greater than unrefunded amount on charge \(\$15.00\)"
    ):
        api.v1.refunds.create({"payment_intent": payment.id, "amount": 1501})
    rest = api.v1.refunds.create({"payment_intent": payment.id})
    assert (rest.amount, rest.status) == (1500, "succeeded")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"payment_intent": payment.id})
    assert caught.value.code == "charge_already_refunded"
    assert payment.latest_charge and isinstance(payment.latest_charge, str)
    charge = api.v1.charges.retrieve(payment.latest_charge, {"expand": ["refunds"]})
    assert charge.refunded and charge.amount_refunded == 2000
    assert charge.refunds and [refund.amount for refund in charge.refunds.data] == [1500, 500]
    assert len(api.v1.refunds.list({"charge": charge.id}).data) == 2


def test_nothing_goes_back_of_what_never_came(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        api.v1.refunds.create({"payment_intent": intent(api).id})


@pytest.mark.parametrize(("currency", "step"), [("kwd", 10), ("tnd", 10), ("isk", 100), ("ugx", 100)])
def test_what_goes_back_and_what_is_captured_is_rounded_as_the_currency_must_be(
    api: stripe.StripeClient, currency: str, step: int
) -> None:
    payment = paid(api, amount=1_000_000, currency=currency)
    with pytest.raises(stripe.InvalidRequestError, match=f"multiple of {step}"):
        api.v1.refunds.create({"payment_intent": payment.id, "amount": 333_333})
    refund = api.v1.refunds.create({"payment_intent": payment.id, "amount": 333_300})
    assert (refund.amount, refund.status) == (333_300, "succeeded")
    held = paid(api, amount=1_000_000, currency=currency, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError, match=f"multiple of {step}"):
        api.v1.payment_intents.capture(held.id, {"amount_to_capture": 333_333})
    assert api.v1.payment_intents.capture(held.id, {"amount_to_capture": 333_300}).status == "succeeded"


def test_a_pending_refund_succeeds_or_fails_later(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    payment = paid(api, "pm_card_pendingRefund")
    refund = sandbox.control.refund(payment.id, amount=700)
    assert (refund["status"], refund["pending_reason"]) == ("pending", "processing")
    types(sandbox)
    assert sandbox.control.succeed_refund(refund["id"])["status"] == "succeeded"
    assert types(sandbox) == ["refund.updated", "charge.refund.updated"]


def test_a_refund_that_fails_gives_the_amount_back_to_the_charge(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    payment = paid(api, "pm_card_refundFail")
    refund = api.v1.refunds.create({"payment_intent": payment.id})
    types(sandbox)
    failed = sandbox.control.fail_refund(refund.id)
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert types(sandbox) == ["refund.updated", "charge.refund.updated", "refund.failed"]
    assert isinstance(payment.latest_charge, str)
    charge = api.v1.charges.retrieve(payment.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (0, False)


def test_refunds_end_by_themselves_when_asked_to() -> None:
    from stripe_sandbox import ManualClock
    from stripe_sandbox.inprocess import client

    sandbox = Sandbox(webhook_secret="whsec_x", clock=ManualClock(), automatic_after_s=30)
    api = client(sandbox)
    payment, refund = (
        paid(api, "pm_usBankAccount"),
        sandbox.control.refund(paid(api, "pm_card_refundFail").id),
    )
    sandbox.control.advance(31)
    assert api.v1.payment_intents.retrieve(payment.id).status == "succeeded"
    assert api.v1.refunds.retrieve(refund["id"]).status == "failed"


def test_a_dispute_takes_the_money_and_blocks_refunds_until_it_is_won(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    payment = paid(api)
    types(sandbox)
    dispute = sandbox.control.dispute(payment.id)
    assert types(sandbox) == ["charge.updated", "charge.dispute.created", "charge.dispute.funds_withdrawn"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"payment_intent": payment.id})
    assert caught.value.code == "charge_disputed"
    assert sandbox.control.close_dispute(dispute["id"], "won")["status"] == "won"
    assert types(sandbox) == [
        "charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_reinstated",
    ]  # fmt: skip
    assert api.v1.refunds.create({"payment_intent": payment.id}).status == "succeeded"


def test_a_card_disputes_by_itself_and_an_inquiry_only_asks(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    paid(api, "pm_card_createDispute")
    assert "charge.dispute.created" in types(sandbox)
    inquiry = sandbox.control.dispute(paid(api).id, inquiry=True)
    assert sandbox.control.close_dispute(inquiry["id"], "warning_closed")["status"] == "warning_closed"
    assert "charge.dispute.funds_withdrawn" not in types(sandbox)


def test_a_charge_is_disputed_in_parts_that_never_exceed_it(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    payment = paid(api)  # of 2000
    won, lost = (sandbox.control.dispute(payment.id, amount=part) for part in (1500, 500))
    with pytest.raises(StripeError):
        sandbox.control.dispute(payment.id, amount=1)
    sandbox.control.close_dispute(won["id"], "won")
    sandbox.control.close_dispute(lost["id"], "lost")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"payment_intent": payment.id, "amount": 1})
    assert caught.value.code == "charge_disputed"
    assert sandbox.control.dispute(payment.id)["amount"] == 1500


def test_an_inquiry_may_become_a_chargeback_and_a_lost_one_be_appealed(
    sandbox: Sandbox, api: stripe.StripeClient
) -> None:
    payment = paid(api)
    inquiry = sandbox.control.dispute(payment.id, inquiry=True)
    types(sandbox)
    escalated = sandbox.control.escalate_dispute(inquiry["id"])
    assert (escalated["status"], escalated["is_charge_refundable"]) == ("needs_response", False)
    assert types(sandbox) == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    assert [moved["amount"] for moved in escalated["balance_transactions"]] == [-2000]
    sandbox.control.close_dispute(inquiry["id"], "lost")
    assert sandbox.control.appeal_dispute(inquiry["id"])["status"] == "appeal_under_review"
    won = sandbox.control.close_dispute(inquiry["id"], "won")
    assert [moved["amount"] for moved in won["balance_transactions"]] == [-2000, 2000]


def test_evidence_decides_a_dispute(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    dispute = sandbox.control.dispute(paid(api).id)
    decided = api.v1.disputes.update(dispute["id"], {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert decided.status == "under_review"
    sandbox.control.advance(10)
    assert api.v1.disputes.retrieve(dispute["id"]).status == "won"
    other = sandbox.control.dispute(paid(api).id)
    assert api.v1.disputes.close(other["id"]).status == "lost"


def test_the_balance_is_the_sum_of_its_transactions(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    payment = paid(api)
    sandbox.control.refund(payment.id, amount=500)
    assert api.v1.balance.retrieve().pending[0].amount == 2000 - 88 - 500
    sandbox.control.advance(3 * 24 * 3600)
    assert api.v1.balance.retrieve().available[0].amount == 2000 - 88 - 500
