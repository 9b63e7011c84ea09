"""What a shop looks for, and the rarer calls: searches, increments, confirmation tokens, balances of customers."""

from typing import Any

from tests.contract.shop import Shop, step

INCREMENTAL: Any = {"card": {"request_incremental_authorization": "if_available"}}


@step
def everything_is_searched(shop: Shop) -> None:
    api = shop.api
    api.customers.create(params={"email": "found@example.com", "name": "Found", "metadata": {"k": "v"}})
    shop.intent(payment_method="pm_card_visa", confirm=True, metadata={"order_id": "77"})
    product = api.products.create(params={"name": "Yoga for two", "active": True})
    api.prices.create(
        params={"product": product.id, "unit_amount": 900, "currency": "usd", "lookup_key": "for_two"}
    )
    query = "email:'found@example.com' AND -metadata['k']:null"
    api.customers.search(params={"query": query, "expand": ["total_count"]})
    page = api.payment_intents.search(params={"query": "status:'succeeded'", "limit": 1})
    api.payment_intents.search(
        params={"query": "status:'succeeded'", "limit": 1, "page": str(page.next_page)}
    )
    api.charges.search(
        params={"query": "payment_method_details.card.last4:'4242'", "expand": ["data.customer"]}
    )
    api.products.search(params={"query": "name~'yoga'"})
    api.prices.search(params={"query": "active:'true' AND lookup_key:'for_two'"})
    shop.refused(lambda: api.customers.search(params={"query": "colour:'blue'"}))
    shop.refused(lambda: api.payment_intents.search(params={"query": "nonsense"}))


@step
def an_authorization_is_raised(shop: Shop) -> None:
    held = shop.intent(
        payment_method="pm_card_visa",
        confirm=True,
        capture_method="manual",
        payment_method_options=INCREMENTAL,
    )
    shop.api.payment_intents.increment_authorization(
        held.id, params={"amount": 2500, "description": "and a mat"}
    )
    shop.refused(lambda: shop.api.payment_intents.increment_authorization(held.id, params={"amount": 2500}))
    shop.api.charges.retrieve(str(held.latest_charge))
    shop.api.payment_intents.capture(held.id)


@step
def what_a_buyer_entered_is_confirmed_by_the_server(shop: Shop) -> None:
    helpers = shop.api.test_helpers.confirmation_tokens
    shipping: Any = {"name": "Jenny Rosen", "address": {"line1": "510 Townsend St", "country": "US"}}
    token = helpers.create(
        params={
            "payment_method": "pm_card_visa",
            "return_url": "https://example.com/return",
            "setup_future_usage": "off_session",
            "shipping": shipping,
        }
    )
    shop.api.confirmation_tokens.retrieve(token.id)
    intent = shop.intent(customer=shop.customer())
    confirm: Any = {"confirmation_token": token.id}
    shop.api.payment_intents.confirm(intent.id, params=confirm)
    shop.api.confirmation_tokens.retrieve(token.id)
    shop.refused(lambda: shop.api.payment_intents.confirm(shop.intent().id, params=confirm))
    entered = helpers.create(
        params={
            "payment_method_data": {
                "type": "us_bank_account",
                "us_bank_account": {
                    "account_holder_type": "individual",
                    "account_number": "000123456789",
                    "routing_number": "110000000",
                },
                "billing_details": {"name": "Bob"},
            }
        }
    )
    shop.api.confirmation_tokens.retrieve(entered.id)
    shop.refused(lambda: shop.api.confirmation_tokens.retrieve("ctoken_unknown"))


@step
def the_attempts_of_a_setup_are_listed(shop: Shop) -> None:
    setup = shop.api.setup_intents.create(
        params={"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )
    card: Any = {"payment_method": "pm_card_chargeDeclined"}
    shop.refused(lambda: shop.api.setup_intents.confirm(setup.id, params=card))
    shop.api.setup_intents.confirm(setup.id, params={"payment_method": "pm_card_visa"})
    shop.api.setup_attempts.list(params={"setup_intent": setup.id, "limit": 5})


@step
def a_customer_has_credit(shop: Shop) -> None:
    balances = shop.api.customers.balance_transactions
    customer = shop.api.customers.create().id
    credit = balances.create(customer, params={"amount": -500, "currency": "usd", "description": "sorry"})
    balances.update(customer, credit.id, params={"metadata": {"order_id": "1"}})
    balances.retrieve(customer, credit.id)
    balances.list(customer, params={"limit": 1})
    shop.refused(lambda: balances.create(customer, params={"amount": 1, "currency": "eur"}))
    includes = ["cash_balance", "invoice_credit_balance", "sources", "subscriptions", "tax", "tax_ids"]
    shop.api.customers.retrieve(customer, params={"expand": includes})


@step
def a_card_is_saved_as_a_source(shop: Shop) -> None:
    sources = shop.api.customers.payment_sources
    customer = shop.api.customers.create().id
    card = sources.create(customer, params={"source": "tok_visa", "metadata": {"a": "b"}})
    sources.retrieve(customer, card.id)
    sources.update(customer, card.id, params={"name": "Jenny Rosen", "exp_year": "2041"})
    sources.list(customer, params={"limit": 3})
    shop.api.customers.retrieve(customer, params={"expand": ["sources", "default_source"]})
    shop.intent(customer=customer, payment_method=card.id, confirm=True)
    sources.delete(customer, card.id)
    shop.refused(lambda: sources.create(customer, params={"source": "tok_chargeDeclined"}))


@step
def money_comes_by_bank_transfer(shop: Shop) -> None:
    customer, api = shop.api.customers.create().id, shop.api
    for currency in ("usd", "eur", "gbp", "jpy"):
        api.test_helpers.customers.fund_cash_balance(
            customer, params={"amount": 1000, "currency": currency, "reference": "order 1"}
        )
    listed = api.customers.cash_balance_transactions.list(customer, params={"limit": 2})
    api.customers.cash_balance_transactions.retrieve(customer, listed.data[0].id)
    api.customers.cash_balance.update(customer, params={"settings": {"reconciliation_mode": "manual"}})
    api.customers.cash_balance.retrieve(customer)
    shop.refused(
        lambda: api.test_helpers.customers.fund_cash_balance(
            customer, params={"amount": 0, "currency": "usd"}
        )
    )


@step
def a_charge_is_asked_for_its_refunds(shop: Shop) -> None:
    charge = str(shop.paid().latest_charge)
    path, headers = f"/v1/charges/{charge}/refunds", shop.secret_headers
    refund = shop.call("POST", path, {"amount": "500"}, headers=headers)
    shop.call("POST", f"{path}/{refund['id']}", {"metadata": {"order_id": "1"}}, headers=headers)
    shop.call("GET", f"{path}/{refund['id']}", headers=headers)
    shop.call("GET", path, {"limit": "1"}, headers=headers)
    shop.call("GET", "/v1/charges/ch_unknown/refunds", headers=headers)


@step
def products_and_prices_change_and_go(shop: Shop) -> None:
    api = shop.api
    product = api.products.create(params={"name": "Pilates"})
    price = api.prices.create(params={"product": product.id, "unit_amount": 1500, "currency": "usd"})
    api.prices.update(price.id, params={"active": False, "nickname": "old", "metadata": {"a": "b"}})
    shop.refused(lambda: api.products.delete(product.id))
    api.products.delete(api.products.create(params={"name": "By mistake"}).id)
