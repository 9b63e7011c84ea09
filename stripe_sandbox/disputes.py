"""Disputes: https://docs.stripe.com/disputes and https://docs.stripe.com/api/disputes."""

from stripe_sandbox import balance, paging, radar
from stripe_sandbox.endpoint_call import Call, Routes, assign
from stripe_sandbox.errors import InvalidParameter, InvalidState
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

_EVIDENCE = (
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure "
    "cancellation_rebuttal customer_communication customer_email_address customer_name customer_purchase_ip "
    "customer_signature duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id "
    "product_description receipt refund_policy refund_policy_disclosure refund_refusal_explanation "
    "service_date service_documentation shipping_address shipping_carrier shipping_date "
    "shipping_documentation shipping_tracking_number uncategorized_file uncategorized_text"
)
EVIDENCE = _EVIDENCE.split()
REASON_CODES = {"fraudulent": "10.4", "product_not_received": "13.1"}
_REASONS = (
    "bank_cannot_process check_returned credit_not_processed customer_initiated debit_not_authorized "
    "duplicate fraudulent general incorrect_account_details insufficient_funds product_not_received "
    "product_unacceptable subscription_canceled unrecognized"
)
REASONS = _REASONS.split()
DUE_AFTER_S = 9 * 24 * 3600
APPEALED = ("appeal_needs_response", "appeal_under_review")
OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review", *APPEALED)
DECIDED_AFTER_S = 5
# What the test mode makes of a text of evidence.
DECISIONS = {"winning_evidence": "won", "losing_evidence": "lost"}
ESCALATION = "escalate_inquiry_evidence"
OUTCOMES = ("won", "lost", "warning_closed")
UNDER_REVIEW = ("under_review", "warning_under_review")
INQUIRIES = ("warning_needs_response", "warning_under_review", "warning_closed")
WON_BY_SELLER = ("won", "warning_closed")


def open_dispute(
    state: SandboxState,
    charge: Obj,
    *,
    reason: str = "fraudulent",
    inquiry: bool = False,
    amount: int | None = None,
) -> Obj:
    """Dispute a charge, in full or in part. A chargeback withdraws the money; an inquiry does not.

    One charge may have several disputes, which together never exceed the captured amount: captured 100, disputed 60,
    so at most 40 more.
    """
    if reason not in REASONS:
        raise InvalidParameter(f"Invalid reason: must be one of {', '.join(REASONS)}", param="reason")
    disputed = sum(one["amount"] for one in disputes_of(state, charge) if one["status"] not in WON_BY_SELLER)
    disputable = charge["amount_captured"] - disputed
    amount = disputable if amount is None else amount
    if charge["status"] != "succeeded" or disputable <= 0:
        raise InvalidState(f"Charge {charge['id']} cannot be disputed: it is not paid, or already disputed.")
    if not 0 < amount <= disputable:
        raise InvalidParameter(f"Invalid amount: at most {disputable} can be disputed.", param="amount")
    dispute = state.store.disputes.add(_new_dispute(state, charge, reason, inquiry, amount))
    with state.updating("charge.updated", charge):
        charge |= {"disputed": True, "dispute": dispute["id"]}
    if not inquiry:
        _move_money(state, dispute, -1)
    state.emit("charge.dispute.created", dispute)
    if not inquiry:
        state.emit("charge.dispute.funds_withdrawn", dispute)
    radar.follow_charge(state, charge, "disputed")
    return dispute


def disputes_of(state: SandboxState, charge: Obj) -> list[Obj]:
    return [dispute for dispute in state.store.disputes if dispute["charge"] == charge["id"]]


def escalate(state: SandboxState, dispute: Obj) -> Obj:
    """Turn an inquiry into a chargeback: the money is withdrawn, and a new deadline begins."""
    if dispute["status"] not in INQUIRIES:
        raise InvalidState(f"Only an inquiry can become a chargeback; this dispute is {dispute['status']}.")
    with state.updating("charge.dispute.updated", dispute):
        dispute |= {"status": "needs_response", "is_charge_refundable": False}
        dispute["evidence_details"]["due_by"] = state.now + DUE_AFTER_S
        dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
        _move_money(state, dispute, -1)
    state.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def appeal(state: SandboxState, dispute: Obj) -> Obj:
    """Appeal a lost dispute; no money moves until the appeal is decided."""
    if dispute["status"] != "lost":
        raise InvalidState(f"Only a lost dispute can be appealed; this one is {dispute['status']}.")
    with state.updating("charge.dispute.updated", dispute):
        dispute["status"] = "appeal_under_review"
    return dispute


def close_dispute(state: SandboxState, dispute: Obj, outcome: str) -> Obj:
    """Close a dispute: `won` reinstates the money, `lost` does not, `warning_closed` ends an inquiry."""
    if outcome not in OUTCOMES:
        raise InvalidParameter(f"Invalid outcome: must be one of {', '.join(OUTCOMES)}", param="outcome")
    if dispute["status"] not in OPEN:
        raise InvalidState(f"This dispute is already closed: {dispute['status']}.")
    inquiry = dispute["status"].startswith("warning_")
    if inquiry != (outcome == "warning_closed"):
        raise InvalidState("An inquiry ends as warning_closed, any other dispute as won or lost.")
    before = dispute["status"]
    dispute |= {"status": outcome, "is_charge_refundable": outcome != "lost"}
    if outcome == "won":
        _move_money(state, dispute, 1)
    state.emit("charge.dispute.updated", dispute, {"status": before})
    state.emit("charge.dispute.closed", dispute)
    if outcome == "won":
        state.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def retrieve(call: Call) -> Obj:
    return call.target(call.state.store.disputes)


def update(call: Call) -> Obj:
    """Take evidence; some texts decide the dispute a moment later, as in Stripe's test mode."""
    dispute, params, state = retrieve(call), call.params, call.state
    if dispute["status"] not in OPEN:
        raise InvalidState("This dispute is already closed.")
    with state.updating("charge.dispute.updated", dispute):
        assign(dispute, params, ["metadata"])
        if params.get("evidence"):
            dispute["evidence"] |= {k: v or None for k, v in params["evidence"].items()}
            dispute["evidence_details"]["has_evidence"] = True
            if params.get("submit", True):
                _submit(dispute)
    if dispute["status"] in UNDER_REVIEW:
        state.timers.after(DECIDED_AFTER_S, lambda: _decide_by_evidence(state, dispute))
    return dispute


def _decide_by_evidence(state: SandboxState, dispute: Obj) -> None:
    text = dispute["evidence"]["uncategorized_text"]
    if dispute["status"] == "under_review" and text in DECISIONS:
        close_dispute(state, dispute, DECISIONS[text])
    elif dispute["status"] == "warning_under_review" and text == ESCALATION:
        escalate(state, dispute)


def close(call: Call) -> Obj:
    dispute = retrieve(call)
    outcome = "warning_closed" if dispute["status"].startswith("warning_") else "lost"
    return close_dispute(call.state, dispute, outcome)


def list_(call: Call) -> Obj:
    return paging.page(call.state.store.disputes, call.path, call.params, "charge", "payment_intent")


def _submit(dispute: Obj) -> None:
    warning = dispute["status"].startswith("warning_")
    dispute["status"] = "warning_under_review" if warning else "under_review"
    details = dispute["evidence_details"]
    details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}


def _move_money(state: SandboxState, dispute: Obj, sign: int) -> None:
    fee = balance.DISPUTE_FEE if sign < 0 else 0
    category = "dispute" if sign < 0 else "dispute_reversal"
    text = f"Chargeback {'withdrawal' if sign < 0 else 'reversal'} for {dispute['charge']}"
    transaction = balance.record(
        state, "adjustment", category, sign * dispute["amount"], dispute, fee=fee, text=text
    )
    dispute["balance_transactions"] = [*dispute["balance_transactions"], transaction]


def _new_dispute(state: SandboxState, charge: Obj, reason: str, inquiry: bool, amount: int) -> Obj:
    code = REASON_CODES.get(reason, "12.1")
    brand = charge["payment_method_details"].get("card", {}).get("brand", "visa")
    details = {"brand": brand, "case_type": "inquiry" if inquiry else "chargeback", "network": brand}
    return {
        "id": state.ids.new("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": state.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys(EVIDENCE) | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": state.now + DUE_AFTER_S,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": code,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"card": details | {"network_reason_code": code}, "type": "card"},
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


ROUTES: Routes = {
    "GET /v1/disputes": list_,
    "GET /v1/disputes/{id}": retrieve,
    "POST /v1/disputes/{id}": update,
    "POST /v1/disputes/{id}/close": close,
}
