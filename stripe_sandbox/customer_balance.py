"""A customer's balance, which invoices use up: https://docs.stripe.com/api/customer_balance_transactions."""

from stripe_sandbox import money, paging
from stripe_sandbox.customers import existing_customer, record_balance
from stripe_sandbox.endpoint_call import Call, Routes, assign, merge_metadata
from stripe_sandbox.errors import InvalidParameter, no_such
from stripe_sandbox.store import Obj


def create(call: Call) -> Obj:
    """Adjust a balance: a negative amount is a credit, a positive one a debt."""
    customer, params = existing_customer(call), call.params
    currency = money.check_currency(params["currency"])
    if customer["currency"] not in (None, currency):
        message = f"The customer's currency is {customer['currency']}; its balance can't be in {currency}."
        raise InvalidParameter(message, param="currency")
    with call.state.updating("customer.updated", customer):
        customer |= {"balance": customer["balance"] + params["amount"], "currency": currency}
    transaction = record_balance(call.state, customer, params["amount"])
    transaction["description"] = params.get("description")
    merge_metadata(transaction, params.get("metadata") or {})
    return transaction


def retrieve(call: Call) -> Obj:
    customer, name = existing_customer(call), call.ids["transaction"]
    transaction = call.state.store.customer_balance_transactions.get(name)
    if transaction is None or transaction["customer"] != customer["id"]:
        raise no_such("customer_balance_transaction", name, "id", in_path=True)
    return transaction


def update(call: Call) -> Obj:
    transaction = retrieve(call)
    assign(transaction, call.params, ["description", "metadata"])
    return transaction


def list_(call: Call) -> Obj:
    fields = call.params | {"customer": existing_customer(call)["id"]}
    return paging.page(
        call.state.store.customer_balance_transactions, call.path, fields, "customer", "invoice"
    )


ROUTES: Routes = {
    "POST /v1/customers/{id}/balance_transactions": create,
    "GET /v1/customers/{id}/balance_transactions": list_,
    "GET /v1/customers/{id}/balance_transactions/{transaction}": retrieve,
    "POST /v1/customers/{id}/balance_transactions/{transaction}": update,
}
