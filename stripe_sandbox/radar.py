"""Radar: early fraud warnings of card issuers, and reviews of payments.

https://docs.stripe.com/disputes/prevention/early-fraud-warnings, https://docs.stripe.com/radar/reviews
"""

from stripe_sandbox import paging
from stripe_sandbox.endpoint_call import Call, Routes
from stripe_sandbox.errors import InvalidParameter, InvalidState
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

_FRAUD_TYPES = (
    "card_never_received fraudulent_card_application made_with_counterfeit_card made_with_lost_card "
    "made_with_stolen_card misc unauthorized_use_of_card"
)
FRAUD_TYPES = _FRAUD_TYPES.split()


def warn(state: SandboxState, charge: Obj, fraud_type: str = "made_with_stolen_card") -> Obj:
    """Record the issuer's warning about a charge; there is one at most."""
    if fraud_type not in FRAUD_TYPES:
        message = f"Invalid fraud_type: must be one of {', '.join(FRAUD_TYPES)}"
        raise InvalidParameter(message, param="fraud_type")
    if any(warning["charge"] == charge["id"] for warning in state.store.early_fraud_warnings):
        raise InvalidState(f"The issuer has warned about {charge['id']} already.")
    warning = state.store.early_fraud_warnings.add(
        {
            "id": state.ids.new("issfr"),
            "object": "radar.early_fraud_warning",
            "actionable": not charge["refunded"] and not charge["disputed"],
            "charge": charge["id"],
            "created": state.now,
            "fraud_type": fraud_type,
            "livemode": False,
            "payment_intent": charge["payment_intent"],
        }
    )
    state.emit("radar.early_fraud_warning.created", warning)
    return warning


def open_review(state: SandboxState, intent: Obj, charge: Obj, reason: str = "rule") -> Obj:
    """Place a payment in review, as a rule of Radar or staff do."""
    if intent["review"]:
        raise InvalidState(f"{intent['id']} is or was in review already: {intent['review']}.")
    review = state.store.reviews.add(
        {
            "id": state.ids.new("prv"),
            "object": "review",
            "billing_zip": charge["billing_details"]["address"]["postal_code"],
            "charge": charge["id"],
            "closed_reason": None,
            "created": state.now,
            "ip_address": None,
            "ip_address_location": None,
            "livemode": False,
            "open": True,
            "opened_reason": reason,
            "payment_intent": intent["id"],
            "reason": reason,
            "session": None,
        }
    )
    intent["review"] = charge["review"] = review["id"]
    state.emit("review.opened", review)
    return review


def close_review(state: SandboxState, review: Obj, reason: str) -> Obj:
    """Close a review: `approved`, or with the refund or the dispute of its payment."""
    if not review["open"]:
        raise InvalidState(f"The review {review['id']} has already been closed.")
    review |= {"open": False, "closed_reason": reason, "reason": reason}
    state.emit("review.closed", review)
    return review


def follow_charge(state: SandboxState, charge: Obj, reason: str) -> None:
    """End what a full refund or a dispute answers: the warning asks for nothing more, the review is closed."""
    for warning in state.store.early_fraud_warnings:
        if warning["charge"] == charge["id"]:
            with state.updating("radar.early_fraud_warning.updated", warning):
                warning["actionable"] = False
    review = state.store.reviews.get(charge["review"])
    if review and review["open"]:
        close_review(state, review, reason)


def retrieve_warning(call: Call) -> Obj:
    return call.target(call.state.store.early_fraud_warnings)


def list_warnings(call: Call) -> Obj:
    table = call.state.store.early_fraud_warnings
    return paging.page(table, call.path, call.params, "charge", "payment_intent")


def retrieve_review(call: Call) -> Obj:
    return call.target(call.state.store.reviews)


def list_reviews(call: Call) -> Obj:
    """Return the open reviews only, as Stripe does."""
    return paging.page(
        call.state.store.reviews, call.path, call.params, keep=lambda review: bool(review["open"])
    )


def approve(call: Call) -> Obj:
    return close_review(call.state, retrieve_review(call), "approved")


ROUTES: Routes = {
    "GET /v1/radar/early_fraud_warnings": list_warnings,
    "GET /v1/radar/early_fraud_warnings/{id}": retrieve_warning,
    "GET /v1/reviews": list_reviews,
    "GET /v1/reviews/{id}": retrieve_review,
    "POST /v1/reviews/{id}/approve": approve,
}
