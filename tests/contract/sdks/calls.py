"""One call of every endpoint that the sandbox offers, told once for the official SDKs of all languages."""

from typing import Any

from tests.contract.sdks.call import Call

CARD: dict[str, Any] = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2040", "cvc": "123"}
NO_REDIRECTS: dict[str, Any] = {"enabled": True, "allow_redirects": "never"}
BANK_ACCOUNT: dict[str, Any] = {
    "type": "us_bank_account",
    "us_bank_account": {
        "account_holder_type": "individual",
        "account_number": "000123456789",
        "routing_number": "110000000",
    },
    "billing_details": {"name": "Anna", "email": "anna@example.com"},
}
INTENT: dict[str, Any] = {"amount": 2000, "currency": "usd", "automatic_payment_methods": NO_REDIRECTS}
PAID = INTENT | {"payment_method": "pm_card_visa", "confirm": True}
HOLD = PAID | {
    "capture_method": "manual",
    "payment_method_options": {"card": {"request_incremental_authorization": "if_available"}},
}
LINE = {
    "quantity": 1,
    "price_data": {"currency": "usd", "unit_amount": 1500, "product_data": {"name": "Yoga"}},
}
PAGE = {"mode": "payment", "line_items": [LINE], "success_url": "https://shop.example/thanks"}

CUSTOMERS = [
    Call("POST /v1/customers", "customers.create", params={"email": "anna@example.com"}, save="customer"),
    Call("GET /v1/customers", "customers.list", params={"limit": 3, "expand": ["data.tax"]}),
    Call("GET /v1/customers/{id}", "customers.retrieve", ("$customer",), {"expand": ["cash_balance"]}),
    Call(
        "POST /v1/customers/{id}",
        "customers.update",
        ("$customer",),
        {"name": "Anna", "metadata": {"a": "b"}},
    ),
    Call("GET /v1/customers/search", "customers.search", params={"query": "email:'anna@example.com'"}),
    Call(
        "POST /v1/customers/{id}/balance_transactions",
        "customers.balance_transactions.create",
        ("$customer",),
        {"amount": -500, "currency": "usd"},
        save="credit",
        node="customers.createBalanceTransaction",
    ),
    Call(
        "GET /v1/customers/{id}/balance_transactions",
        "customers.balance_transactions.list",
        ("$customer",),
        node="customers.listBalanceTransactions",
    ),
    Call(
        "GET /v1/customers/{id}/balance_transactions/{transaction}",
        "customers.balance_transactions.retrieve",
        ("$customer", "$credit"),
        node="customers.retrieveBalanceTransaction",
    ),
    Call(
        "POST /v1/customers/{id}/balance_transactions/{transaction}",
        "customers.balance_transactions.update",
        ("$customer", "$credit"),
        {"description": "sorry"},
        node="customers.updateBalanceTransaction",
    ),
]

CASH = [
    Call(
        "POST /v1/test_helpers/customers/{id}/fund_cash_balance",
        "test_helpers.customers.fund_cash_balance",
        ("$customer",),
        {"amount": 1000, "currency": "usd"},
        save="transfer",
    ),
    Call(
        "GET /v1/customers/{id}/cash_balance",
        "customers.cash_balance.retrieve",
        ("$customer",),
        node="customers.retrieveCashBalance",
    ),
    Call(
        "POST /v1/customers/{id}/cash_balance",
        "customers.cash_balance.update",
        ("$customer",),
        {"settings": {"reconciliation_mode": "manual"}},
        node="customers.updateCashBalance",
    ),
    Call(
        "GET /v1/customers/{id}/cash_balance_transactions",
        "customers.cash_balance_transactions.list",
        ("$customer",),
        node="customers.listCashBalanceTransactions",
    ),
    Call(
        "GET /v1/customers/{id}/cash_balance_transactions/{transaction}",
        "customers.cash_balance_transactions.retrieve",
        ("$customer", "$transfer"),
        node="customers.retrieveCashBalanceTransaction",
    ),
]

SOURCES = [
    Call(
        "POST /v1/customers/{id}/sources",
        "customers.payment_sources.create",
        ("$customer",),
        {"source": "tok_visa"},
        save="source",
        node="customers.createSource",
    ),
    Call(
        "GET /v1/customers/{id}/sources",
        "customers.payment_sources.list",
        ("$customer",),
        {"object": "card"},
        node="customers.listSources",
    ),
    Call(
        "GET /v1/customers/{id}/sources/{source}",
        "customers.payment_sources.retrieve",
        ("$customer", "$source"),
        node="customers.retrieveSource",
    ),
    Call(
        "POST /v1/customers/{id}/sources/{source}",
        "customers.payment_sources.update",
        ("$customer", "$source"),
        {"name": "Anna"},
        node="customers.updateSource",
    ),
    Call(
        "DELETE /v1/customers/{id}/sources/{source}",
        "customers.payment_sources.delete",
        ("$customer", "$source"),
        node="customers.deleteSource",
    ),
]

METHODS = [
    Call(
        "POST /v1/payment_methods",
        "payment_methods.create",
        params={"type": "card", "card": {"token": "tok_visa"}},
        save="card",
    ),
    Call(
        "POST /v1/payment_methods/{id}/attach",
        "payment_methods.attach",
        ("$card",),
        {"customer": "$customer"},
    ),
    Call("GET /v1/payment_methods", "payment_methods.list", params={"customer": "$customer", "type": "card"}),
    Call("GET /v1/payment_methods/{id}", "payment_methods.retrieve", ("$card",), {"expand": ["customer"]}),
    Call("POST /v1/payment_methods/{id}", "payment_methods.update", ("$card",), {"metadata": {"a": "b"}}),
    Call(
        "GET /v1/customers/{id}/payment_methods",
        "customers.payment_methods.list",
        ("$customer",),
        node="customers.listPaymentMethods",
    ),
    Call(
        "GET /v1/customers/{id}/payment_methods/{payment_method}",
        "customers.payment_methods.retrieve",
        ("$customer", "$card"),
        node="customers.retrievePaymentMethod",
    ),
    Call("POST /v1/payment_methods/{id}/detach", "payment_methods.detach", ("$card",)),
    Call("POST /v1/tokens", "tokens.create", params={"card": CARD}, save="token"),
    Call("GET /v1/tokens/{id}", "tokens.retrieve", ("$token",)),
    Call(
        "POST /v1/test_helpers/confirmation_tokens",
        "test_helpers.confirmation_tokens.create",
        params={"payment_method": "pm_card_visa"},
        save="entered",
    ),
    Call("GET /v1/confirmation_tokens/{id}", "confirmation_tokens.retrieve", ("$entered",)),
]

PAYMENTS = [
    Call("POST /v1/payment_intents", "payment_intents.create", params=INTENT, save="intent"),
    Call("GET /v1/payment_intents", "payment_intents.list", params={"created": {"gte": 1}}),
    Call("GET /v1/payment_intents/{id}", "payment_intents.retrieve", ("$intent",)),
    Call("POST /v1/payment_intents/{id}", "payment_intents.update", ("$intent",), {"amount": 2100}),
    Call(
        "POST /v1/payment_intents/{id}/confirm",
        "payment_intents.confirm",
        ("$intent",),
        {"confirmation_token": "$entered", "expand": ["latest_charge.balance_transaction"]},
    ),
    Call("GET /v1/payment_intents/search", "payment_intents.search", params={"query": "status:'succeeded'"}),
    Call("POST /v1/payment_intents", "payment_intents.create", params=INTENT, save="unpaid"),
    Call("POST /v1/payment_intents/{id}/cancel", "payment_intents.cancel", ("$unpaid",)),
    Call("POST /v1/payment_intents", "payment_intents.create", params=HOLD, save="hold"),
    Call(
        "POST /v1/payment_intents/{id}/increment_authorization",
        "payment_intents.increment_authorization",
        ("$hold",),
        {"amount": 2500},
    ),
    Call("POST /v1/payment_intents/{id}/capture", "payment_intents.capture", ("$hold",)),
    Call("POST /v1/payment_intents", "payment_intents.create", params=PAID, save="paid"),
    Call("GET /v1/charges", "charges.list", params={"payment_intent": "$paid"}),
    Call("GET /v1/charges/{id}", "charges.retrieve", ("$paid.latest_charge",), {"expand": ["refunds"]}),
    Call("POST /v1/charges/{id}", "charges.update", ("$paid.latest_charge",), {"description": "Yoga"}),
    Call("GET /v1/charges/search", "charges.search", params={"query": "amount>100"}),
    Call(
        "POST /v1/payment_intents",
        "payment_intents.create",
        params=PAID | {"payment_method": "pm_card_visa_chargeDeclined"},
        refused=402,
    ),
]

AFTERWARDS = [
    Call(
        "POST /v1/refunds", "refunds.create", params={"payment_intent": "$paid", "amount": 500}, save="refund"
    ),
    Call("GET /v1/refunds", "refunds.list", params={"charge": "$paid.latest_charge"}),
    Call("GET /v1/refunds/{id}", "refunds.retrieve", ("$refund",), {"expand": ["charge"]}),
    Call("POST /v1/refunds/{id}", "refunds.update", ("$refund",), {"metadata": {"a": "b"}}),
    Call("POST /v1/refunds/{id}/cancel", "refunds.cancel", ("$refund",), refused=400),
    Call(
        "POST /v1/charges/{id}/refunds", "raw", ("$paid.latest_charge",), {"amount": 500}, save="other_refund"
    ),
    Call("GET /v1/charges/{id}/refunds", "raw", ("$paid.latest_charge",)),
    Call("GET /v1/charges/{id}/refunds/{refund}", "raw", ("$paid.latest_charge", "$other_refund")),
    Call(
        "POST /v1/charges/{id}/refunds/{refund}",
        "raw",
        ("$paid.latest_charge", "$other_refund"),
        {"metadata": {"a": "b"}},
    ),
    Call(
        "POST /v1/payment_intents",
        "payment_intents.create",
        params=PAID | {"payment_method": "pm_card_createDispute"},
        save="disputed",
    ),
    Call("GET /v1/disputes", "disputes.list", params={"payment_intent": "$disputed"}, save="disputes"),
    Call("GET /v1/disputes/{id}", "disputes.retrieve", ("$disputes.data.0.id",)),
    Call(
        "POST /v1/disputes/{id}",
        "disputes.update",
        ("$disputes.data.0.id",),
        {"evidence": {"uncategorized_text": "It was great"}, "submit": False},
    ),
    Call("POST /v1/disputes/{id}/close", "disputes.close", ("$disputes.data.0.id",)),
    Call(
        "POST /v1/payment_intents",
        "payment_intents.create",
        params=PAID | {"payment_method": "pm_card_createIssuerFraudRecord"},
        save="warned",
    ),
    Call(
        "GET /v1/radar/early_fraud_warnings",
        "radar.early_fraud_warnings.list",
        params={"payment_intent": "$warned"},
        save="warnings",
    ),
    Call(
        "GET /v1/radar/early_fraud_warnings/{id}",
        "radar.early_fraud_warnings.retrieve",
        ("$warnings.data.0.id",),
        {"expand": ["charge"]},
    ),
    # Opened by the dashboard before the walk begins: no call opens one.
    Call("GET /v1/reviews", "reviews.list", save="reviews"),
    Call("GET /v1/reviews/{id}", "reviews.retrieve", ("$reviews.data.0.id",)),
    Call("POST /v1/reviews/{id}/approve", "reviews.approve", ("$reviews.data.0.id",)),
    Call("GET /v1/balance", "balance.retrieve"),
    Call(
        "GET /v1/balance_transactions", "balance_transactions.list", params={"limit": 1}, save="transactions"
    ),
    Call("GET /v1/balance_transactions/{id}", "balance_transactions.retrieve", ("$transactions.data.0.id",)),
    Call("GET /v1/account", "accounts.retrieve_current"),
    Call("GET /v1/events", "events.list", params={"types": ["charge.refunded"]}, save="events"),
    Call("GET /v1/events/{id}", "events.retrieve", ("$events.data.0.id",)),
]

SETUPS = [
    Call(
        "POST /v1/setup_intents",
        "setup_intents.create",
        params={"customer": "$customer", "automatic_payment_methods": NO_REDIRECTS},
        save="setup",
    ),
    Call("GET /v1/setup_intents", "setup_intents.list", params={"customer": "$customer"}),
    Call("GET /v1/setup_intents/{id}", "setup_intents.retrieve", ("$setup",)),
    Call("POST /v1/setup_intents/{id}", "setup_intents.update", ("$setup",), {"description": "for later"}),
    Call(
        "POST /v1/setup_intents/{id}/confirm",
        "setup_intents.confirm",
        ("$setup",),
        {"payment_method": "pm_card_visa"},
    ),
    Call("GET /v1/setup_attempts", "setup_attempts.list", params={"setup_intent": "$setup"}),
    Call(
        "POST /v1/setup_intents",
        "setup_intents.create",
        params={"automatic_payment_methods": NO_REDIRECTS},
        save="abandoned",
    ),
    Call("POST /v1/setup_intents/{id}/cancel", "setup_intents.cancel", ("$abandoned",)),
    Call(
        "POST /v1/setup_intents",
        "setup_intents.create",
        params={
            "automatic_payment_methods": NO_REDIRECTS,
            "confirm": True,
            "payment_method_data": BANK_ACCOUNT,
            "mandate_data": {"customer_acceptance": {"type": "offline", "accepted_at": 1_790_000_000}},
        },
        save="debitable",
    ),
    Call("GET /v1/mandates/{id}", "mandates.retrieve", ("$debitable.mandate",)),
]

SALES = [
    Call(
        "POST /v1/products",
        "products.create",
        params={"name": "Yoga", "metadata": {"a": "b"}},
        save="product",
    ),
    Call("GET /v1/products", "products.list", params={"active": True}),
    Call("GET /v1/products/{id}", "products.retrieve", ("$product",)),
    Call("POST /v1/products/{id}", "products.update", ("$product",), {"description": "An hour of it"}),
    Call("GET /v1/products/search", "products.search", params={"query": "name~'yog'"}),
    Call(
        "POST /v1/prices",
        "prices.create",
        params={"product": "$product", "unit_amount": 1500, "currency": "usd"},
        save="price",
    ),
    Call("GET /v1/prices", "prices.list", params={"product": "$product"}),
    Call("GET /v1/prices/{id}", "prices.retrieve", ("$price",), {"expand": ["product"]}),
    Call("POST /v1/prices/{id}", "prices.update", ("$price",), {"nickname": "an hour"}),
    Call("GET /v1/prices/search", "prices.search", params={"query": "active:'true'"}),
    Call("POST /v1/products", "products.create", params={"name": "By mistake"}, save="mistake"),
    Call("DELETE /v1/products/{id}", "products.delete", ("$mistake",), node="products.del"),
    Call(
        "POST /v1/checkout/sessions",
        "checkout.sessions.create",
        params=PAGE | {"line_items": [LINE, {"price": "$price", "quantity": 2}]},
        save="session",
    ),
    Call("GET /v1/checkout/sessions", "checkout.sessions.list", params={"limit": 2}),
    Call(
        "GET /v1/checkout/sessions/{id}",
        "checkout.sessions.retrieve",
        ("$session",),
        {"expand": ["line_items.data.price.product"]},
    ),
    Call(
        "POST /v1/checkout/sessions/{id}", "checkout.sessions.update", ("$session",), {"metadata": {"a": "b"}}
    ),
    Call(
        "GET /v1/checkout/sessions/{id}/line_items",
        "checkout.sessions.line_items.list",
        ("$session",),
        node="checkout.sessions.listLineItems",
    ),
    Call("POST /v1/checkout/sessions/{id}/expire", "checkout.sessions.expire", ("$session",)),
    Call(
        "POST /v1/webhook_endpoints",
        "webhook_endpoints.create",
        params={"url": "https://shop.example/hook", "enabled_events": ["*"]},
        save="endpoint",
    ),
    Call("GET /v1/webhook_endpoints", "webhook_endpoints.list"),
    Call("GET /v1/webhook_endpoints/{id}", "webhook_endpoints.retrieve", ("$endpoint",)),
    Call("POST /v1/webhook_endpoints/{id}", "webhook_endpoints.update", ("$endpoint",), {"disabled": True}),
    Call(
        "DELETE /v1/webhook_endpoints/{id}",
        "webhook_endpoints.delete",
        ("$endpoint",),
        node="webhookEndpoints.del",
    ),
    Call("DELETE /v1/customers/{id}", "customers.delete", ("$customer",), node="customers.del"),
]

CALLS = [*CUSTOMERS, *CASH, *SOURCES, *METHODS, *PAYMENTS, *AFTERWARDS, *SETUPS, *SALES]
