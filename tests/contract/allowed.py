"""What Stripe really does although its types or its document say otherwise, each with the reason."""

from collections.abc import Mapping
from typing import Any

Keys = Mapping[tuple[str, str], str]

LEGACY = "of the time before payment intents; still in Stripe's charges, declared nowhere"
RESTORED = "null or a constant in Stripe's answers and in the SDK's types, missing from the document"
NEWER = "declared by the SDK, whose version is newer than the document's"
UNFOUND = "in Stripe's document; the SDK's class of found objects leaves it out"
OBSERVED = "seen in Stripe's answers in 2026, declared nowhere"
ENDIVE = "came with 2026-09-30.endive, after the document's version"

# Keys of an answer that Stripe sends and the SDK's annotations lack: (`object` or parent's key, key).
UNTYPED_ANSWER_KEYS: Keys = {
    ("charge", "destination"): LEGACY,
    ("charge", "dispute"): LEGACY,
    ("charge", "order"): LEGACY,
    ("payment_intent", "shared_payment_granted_token"): OBSERVED,
    ("payment_method", "shared_payment_granted_token"): OBSERVED,
    ("search_result", "total_count"): UNFOUND,
    ("search_result", "url"): UNFOUND,
}
# Keys that may be null by Stripe's document, and not by the SDK's annotations.
UNTYPED_NULLS: Keys = {("search_result", "next_page"): "null on the last page"}

# Keys of an answer that Stripe sends and its OpenAPI document lacks.
UNDOCUMENTED_ANSWER_KEYS: Keys = {
    **UNTYPED_ANSWER_KEYS,
    ("charge", "source"): RESTORED,
    ("payment_intent", "source"): RESTORED,
    ("product", "type"): RESTORED,
    ("payment_intent", "allowed_payment_method_types"): ENDIVE,
    ("setup_intent", "allowed_payment_method_types"): ENDIVE,
    ("checkout.session", "allowed_payment_method_types"): ENDIVE,
    ("dispute", "network_reason_code"): NEWER,
    ("evidence_details", "submission_method"): NEWER,
    ("payment_intent", "payment_record"): NEWER,
    ("refund", "customer"): NEWER,
    ("refund", "customer_account"): NEWER,
    ("refund", "payment_method"): NEWER,
    ("card", "electronic_commerce_indicator"): NEWER,
    ("card", "transaction_link_id"): NEWER,
    ("card", "network"): NEWER,
    ("card", "issuer"): NEWER,
}

# Values of an enumeration that came after the document's version.
NEWER_VALUES: Mapping[str, str] = {"appeal_needs_response": NEWER, "appeal_under_review": NEWER}

# Parameters that came after the document's version, by their name.
NEWER_PARAMS: Mapping[str, str] = {"allowed_payment_method_types": ENDIVE}

# Endpoints of Stripe's document that its SDK has no call for.
WITHOUT_SDK: Mapping[str, str] = {
    "POST /v1/charges/{charge}/refunds": "older than POST /v1/refunds, and the same",
    "POST /v1/charges/{charge}/refunds/{refund}": "older than POST /v1/refunds/{refund}, and the same",
}

# What a browser sends with a publishable key and neither the SDK nor the document names.
CLIENT_PARAMS: Mapping[str, str] = {
    "client_secret": "stands for the secret key on what one payment may do",
    "key": "the publishable key, sent in the form by Stripe.js",
}


def is_listed(listed: Keys, value: Mapping[str, Any], path: str, key: str) -> bool:
    """Say whether a key is in a list, by the object that has it or by where that object stands."""
    owners = (str(value.get("object")), path.rsplit(".", 1)[-1].split("[", maxsplit=1)[0])
    return any((owner, key) in listed for owner in owners)
