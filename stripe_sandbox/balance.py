"""The balance and its transactions: https://docs.stripe.com/api/balance_transactions."""

from collections import defaultdict

from stripe_sandbox import paging
from stripe_sandbox.endpoint_call import Call, Routes
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

AVAILABLE_AFTER_S = 2 * 24 * 3600
FEE_PER_MILLE, FEE_FIXED, DISPUTE_FEE = 29, 30, 1500


def record(
    state: SandboxState, kind: str, category: str, amount: int, source: Obj, *, fee: int = 0, text: str = ""
) -> Obj:
    """Add a transaction; `amount` is positive when money comes in, in minor units."""
    details = [{
        "amount": fee, "application": None, "currency": source["currency"],
        "description": "Stripe processing fees", "type": "stripe_fee",
    }]  # fmt: skip
    return state.store.balance_transactions.add(
        {
            "id": state.ids.new("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": state.now + AVAILABLE_AFTER_S,
            "balance_type": "payments",
            "created": state.now,
            "currency": source["currency"],
            "description": text or source.get("description"),
            "exchange_rate": None,
            "fee": fee,
            "fee_details": details if fee else [],
            "net": amount - fee,
            "reporting_category": category,
            "source": source["id"],
            "status": "pending",
            "type": kind,
        }
    )


def fee_of(amount: int) -> int:
    """Return Stripe's list price for a card payment: 2.9 % and 30."""
    return (amount * FEE_PER_MILLE + 500) // 1000 + FEE_FIXED


def retrieve(call: Call) -> Obj:
    available: dict[str, int] = defaultdict(int)
    pending: dict[str, int] = defaultdict(int)
    for transaction in call.state.store.balance_transactions:
        _mature(call.state, transaction)
        side = available if transaction["status"] == "available" else pending
        side[transaction["currency"]] += transaction["net"]
    currencies = sorted({call.state.settings.currency, *available, *pending})
    return {
        "object": "balance",
        "available": [_amount(currency, available[currency]) for currency in currencies],
        "livemode": False,
        "pending": [_amount(currency, pending[currency]) for currency in currencies],
        "refund_and_dispute_prefunding": {
            "available": [_amount(currency, 0) for currency in currencies],
            "pending": [_amount(currency, 0) for currency in currencies],
        },
    }


def retrieve_transaction(call: Call) -> Obj:
    transaction = call.target(call.state.store.balance_transactions)
    _mature(call.state, transaction)
    return transaction


def list_(call: Call) -> Obj:
    page = paging.page(
        call.state.store.balance_transactions, call.path, call.params, "currency", "source", "type"
    )
    for transaction in page["data"]:
        _mature(call.state, transaction)
    return page


def _mature(state: SandboxState, transaction: Obj) -> None:
    if transaction["available_on"] <= state.now:
        transaction["status"] = "available"


def _amount(currency: str, amount: int) -> Obj:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


ROUTES: Routes = {
    "GET /v1/balance": retrieve,
    "GET /v1/balance_transactions": list_,
    "GET /v1/balance_transactions/{id}": retrieve_transaction,
}
