"""Money that customers sent by bank transfer, not yet put toward a payment: https://docs.stripe.com/api/cash_balance."""

from typing import Any

from stripe_sandbox import money, paging
from stripe_sandbox.customers import existing_customer
from stripe_sandbox.endpoint_call import Call, Routes
from stripe_sandbox.errors import InvalidParameter, no_such
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

# The transfer of each currency, and what is known of its sender.
TRANSFERS: dict[str, Obj] = {
    "usd": {"type": "us_bank_transfer", "us_bank_transfer": {"network": "ach", "sender_name": None}},
    "eur": {
        "type": "eu_bank_transfer",
        "eu_bank_transfer": {"bic": None, "iban_last4": None, "sender_name": None},
    },
    "gbp": {
        "type": "gb_bank_transfer",
        "gb_bank_transfer": {"account_number_last4": None, "sender_name": None, "sort_code": None},
    },
    "jpy": {
        "type": "jp_bank_transfer",
        "jp_bank_transfer": {"sender_bank": None, "sender_branch": None, "sender_name": None},
    },
    "mxn": {"type": "mx_bank_transfer"},
}


def retrieve(call: Call) -> Obj:
    return cash_balance_of(call.state, existing_customer(call))


def update(call: Call) -> Obj:
    customer = existing_customer(call)
    mode = call.params.get("settings", {}).get("reconciliation_mode")
    if mode:
        customer["_cash_mode"] = None if mode == "merchant_default" else mode
    return cash_balance_of(call.state, customer)


def fund(call: Call) -> Obj:
    """Pretend that money arrived, as Stripe's test helper does."""
    state, customer, amount = call.state, existing_customer(call), call.params["amount"]
    currency = money.check_currency(call.params["currency"])
    if amount < 1:
        message = "This value must be greater than or equal to 1."
        raise InvalidParameter(message, code="parameter_invalid_integer", param="amount")
    if currency not in TRANSFERS:
        raise InvalidParameter(f"Bank transfers are in {', '.join(TRANSFERS)}.", param="currency")
    cash = customer.setdefault("_cash", {})
    cash[currency] = cash.get(currency, 0) + amount
    reference: Any = call.params.get("reference")
    transaction = state.store.cash_balance_transactions.add(
        {
            "id": state.ids.new("ccsbtxn"),
            "object": "customer_cash_balance_transaction",
            "created": state.now,
            "currency": currency,
            "customer": customer["id"],
            "customer_account": None,
            "ending_balance": cash[currency],
            "funded": {"bank_transfer": TRANSFERS[currency] | {"reference": reference}},
            "livemode": False,
            "net_amount": amount,
            "type": "funded",
        }
    )
    state.emit("customer_cash_balance_transaction.created", transaction)
    state.emit("cash_balance.funds_available", cash_balance_of(state, customer))
    return transaction


def list_transactions(call: Call) -> Obj:
    fields = call.params | {"customer": existing_customer(call)["id"]}
    return paging.page(call.state.store.cash_balance_transactions, call.path, fields, "customer")


def retrieve_transaction(call: Call) -> Obj:
    customer, name = existing_customer(call), call.ids["transaction"]
    transaction = call.state.store.cash_balance_transactions.get(name)
    if transaction is None or transaction["customer"] != customer["id"]:
        raise no_such("customer_cash_balance_transaction", name, "transaction", in_path=True)
    return transaction


def cash_balance_of(state: SandboxState, customer: Obj) -> Obj:
    """Return what `expand[]=cash_balance` asks for."""
    mode = customer.get("_cash_mode")
    return {
        "object": "cash_balance",
        "available": dict(customer["_cash"]) if customer.get("_cash") else None,
        "customer": customer["id"],
        "customer_account": None,
        "livemode": False,
        "settings": {"reconciliation_mode": mode or "automatic", "using_merchant_default": mode is None},
    }


INCLUDES = {("customer", "cash_balance"): cash_balance_of}
ROUTES: Routes = {
    "GET /v1/customers/{id}/cash_balance": retrieve,
    "POST /v1/customers/{id}/cash_balance": update,
    "GET /v1/customers/{id}/cash_balance_transactions": list_transactions,
    "GET /v1/customers/{id}/cash_balance_transactions/{transaction}": retrieve_transaction,
    "POST /v1/test_helpers/customers/{id}/fund_cash_balance": fund,
}
