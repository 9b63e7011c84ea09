"""What charges, refunds, disputes and the balance model of https://docs.stripe.com/api/charges and the like."""

from stripe_sandbox.disputes import EVIDENCE
from stripe_sandbox.parameters.table import CREATED, PAGE, SEARCH, SHIPPING, Table, parameters

PARAMETERS: dict[str, Table] = {
    "GET /v1/charges": parameters(obeyed=f"customer payment_intent transfer_group {CREATED} {PAGE}"),
    "GET /v1/charges/{id}": parameters(),
    "POST /v1/charges/{id}": parameters(
        obeyed="customer",
        echoed=f"description fraud_details{{user_report}} metadata receipt_email {SHIPPING} transfer_group",
    ),
    "POST /v1/refunds": parameters(
        obeyed="amount charge payment_intent",
        echoed="metadata reason",
        default="refund_application_fee=false reverse_transfer=false",
    ),
    "GET /v1/refunds": parameters(obeyed=f"charge payment_intent {CREATED} {PAGE}"),
    "GET /v1/charges/search": parameters(obeyed=SEARCH),
    "GET /v1/charges/{id}/refunds": parameters(obeyed=PAGE),
    "POST /v1/charges/{id}/refunds": parameters(
        obeyed="amount",
        echoed="metadata reason",
        default="refund_application_fee=false reverse_transfer=false",
    ),
    "GET /v1/charges/{id}/refunds/{refund}": parameters(),
    "POST /v1/charges/{id}/refunds/{refund}": parameters(echoed="metadata"),
    "GET /v1/refunds/{id}": parameters(),
    "POST /v1/refunds/{id}": parameters(echoed="metadata"),
    "POST /v1/refunds/{id}/cancel": parameters(),
    "GET /v1/disputes": parameters(obeyed=f"charge payment_intent {CREATED} {PAGE}"),
    "GET /v1/disputes/{id}": parameters(),
    "POST /v1/disputes/{id}": parameters(
        obeyed="submit", echoed=f"evidence{{{' '.join(EVIDENCE)}}} metadata"
    ),
    "POST /v1/disputes/{id}/close": parameters(),
    "GET /v1/radar/early_fraud_warnings": parameters(obeyed=f"charge payment_intent {CREATED} {PAGE}"),
    "GET /v1/radar/early_fraud_warnings/{id}": parameters(),
    "GET /v1/reviews": parameters(obeyed=f"{CREATED} {PAGE}"),
    "GET /v1/reviews/{id}": parameters(),
    "POST /v1/reviews/{id}/approve": parameters(),
    "GET /v1/balance": parameters(),
    "GET /v1/balance_transactions": parameters(obeyed=f"currency source type {CREATED} {PAGE}"),
    "GET /v1/balance_transactions/{id}": parameters(),
}
