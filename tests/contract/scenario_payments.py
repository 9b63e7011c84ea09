"""Payments in every state: what a shop's server and a buyer's browser ask of Stripe."""

from typing import Any

from tests.contract.shop import Shop, step

SHIPPING: Any = {
    "name": "Jenny Rosen",
    "phone": "+15555550123",
    "address": {
        "line1": "510 Townsend St",
        "city": "San Francisco",
        "state": "CA",
        "postal_code": "94103",
        "country": "US",
    },
}
BILLING: Any = {
    "name": "Jenny Rosen",
    "email": "jenny@example.com",
    "address": {"postal_code": "94103", "country": "US"},
}

MANDATE: Any = {"customer_acceptance": {"type": "offline", "accepted_at": 1_790_000_000}}
CARD_DATA: Any = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2040", "cvc": "123"}


@step
def customers_live_and_die(shop: Shop) -> None:
    customers = shop.api.customers
    bare = customers.create()
    full = customers.create(
        params={
            "email": "jenny@example.com",
            "name": "Jenny Rosen",
            "phone": "+15555550123",
            "description": "a buyer",
            "address": SHIPPING["address"],
            "shipping": SHIPPING,
            "metadata": {"user_id": "7"},
            "preferred_locales": ["en"],
        }
    )
    customers.retrieve(full.id)
    customers.update(full.id, params={"name": "", "metadata": {"user_id": "", "kind": "buyer"}})
    customers.list(params={"limit": 1})
    customers.list(params={"email": "jenny@example.com", "created": {"gte": 1}})
    customers.delete(bare.id)
    customers.retrieve(bare.id)
    shop.refused(lambda: customers.update(bare.id, params={"name": "late"}))
    shop.refused(lambda: customers.retrieve("cus_unknown"))


@step
def cards_are_attached_updated_and_detached(shop: Shop) -> None:
    api, customer = shop.api, shop.customer()
    card = api.payment_methods.create(
        params={"type": "card", "card": {"token": "tok_visa"}, "billing_details": BILLING}
    )
    api.payment_methods.attach(card.id, params={"customer": customer})
    other = api.payment_methods.attach("pm_card_mastercard", params={"customer": customer})
    api.payment_methods.update(card.id, params={"metadata": {"nick": "blue"}, "card": {"exp_year": 2040}})
    api.payment_methods.retrieve(card.id)
    api.payment_methods.list(params={"customer": customer, "type": "card"})
    api.customers.payment_methods.list(customer, params={"limit": 1})
    api.customers.payment_methods.retrieve(customer, other.id)
    api.customers.update(customer, params={"invoice_settings": {"default_payment_method": card.id}})
    api.payment_methods.detach(other.id)
    shop.refused(lambda: api.payment_methods.detach(other.id))
    shop.refused(lambda: api.payment_methods.attach("pm_card_chargeDeclined", params={"customer": customer}))
    shop.bank.update_card(card.id, exp_month=1, exp_year=2041)


@step
def bank_accounts_are_methods_too(shop: Shop) -> None:
    shop.api.payment_methods.create(
        params={
            "type": "sepa_debit",
            "sepa_debit": {"iban": "AT611904300234573201"},
            "billing_details": {"name": "Bob", "email": "bob@example.com"},
        }
    )


@step
def tokens_stand_for_cards(shop: Shop) -> None:
    token = shop.browser(
        "POST",
        "/v1/tokens",
        {"card": CARD_DATA},
    )
    shop.api.tokens.retrieve(str(token["id"]))


@step
def an_intent_is_paid_from_the_browser(shop: Shop) -> None:
    customer = shop.customer()
    intent = shop.intent(customer=customer, setup_future_usage="off_session", metadata={"order_id": "1"})
    secret = {"client_secret": intent.client_secret}
    shop.browser("GET", f"/v1/payment_intents/{intent.id}", secret)
    shop.browser(
        "POST",
        f"/v1/payment_intents/{intent.id}/confirm",
        secret
        | {
            "payment_method_data": {
                "type": "card",
                "card": CARD_DATA,
                "billing_details": BILLING,
            }
        },
    )
    shop.api.payment_intents.retrieve(
        intent.id, params={"expand": ["latest_charge.balance_transaction", "customer", "payment_method"]}
    )
    shop.api.payment_intents.update(intent.id, params={"metadata": {"order_id": "2"}})
    shop.refused(lambda: shop.api.payment_intents.cancel(intent.id))
    shop.refused(lambda: shop.api.payment_intents.confirm(intent.id))
    shop.browser("POST", f"/v1/payment_intents/{intent.id}/confirm", secret)


@step
def an_intent_is_declined_for_each_reason_and_then_paid(shop: Shop) -> None:
    declined = [
        "pm_card_visa_chargeDeclined",
        "pm_card_chargeDeclinedInsufficientFunds",
        "pm_card_visa_chargeDeclinedLostCard",
        "pm_card_visa_chargeDeclinedStolenCard",
        "pm_card_chargeDeclinedExpiredCard",
        "pm_card_chargeDeclinedIncorrectCvc",
        "pm_card_chargeDeclinedProcessingError",
        "pm_card_radarBlock",
    ]
    intent = shop.intent(shipping=SHIPPING, receipt_email="jenny@example.com", description="yoga")
    for method in declined:
        shop.refused(lambda: shop.api.payment_intents.confirm(intent.id, params={"payment_method": method}))  # noqa: B023
    shop.api.payment_intents.retrieve(intent.id, params={"expand": ["latest_charge"]})
    shop.api.payment_intents.confirm(intent.id, params={"payment_method": "pm_card_visa"})


@step
def an_intent_is_created_and_confirmed_at_once(shop: Shop) -> None:
    for method in ("pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_discover", "pm_card_jcb"):
        shop.intent(payment_method=method, confirm=True, statement_descriptor_suffix="YOGA")
    shop.refused(lambda: shop.intent(payment_method="pm_card_visa_chargeDeclined", confirm=True))
    shop.intent(payment_method="pm_card_visa", confirm=True, currency="jpy", amount=500)


@step
def a_challenge_is_passed_and_failed(shop: Shop) -> None:
    for passes in (True, False):
        intent = shop.intent(payment_method="pm_card_authenticationRequired", confirm=True)
        secret = {"client_secret": intent.client_secret}
        shop.browser("GET", f"/v1/payment_intents/{intent.id}", secret)
        finish = shop.bank.complete_challenge if passes else shop.bank.fail_challenge
        finish(intent.id)
        shop.browser("GET", f"/v1/payment_intents/{intent.id}", secret)
    shop.intent(
        payment_method="pm_card_threeDSecure2Required",
        confirm=True,
        return_url="https://example.com/return",
        automatic_payment_methods={"enabled": True},
    )
    shop.refused(
        lambda: shop.intent(
            payment_method="pm_card_authenticationRequired",
            confirm=True,
            off_session=True,
            error_on_requires_action=True,
        )
    )


@step
def an_intent_is_changed_and_canceled(shop: Shop) -> None:
    intent = shop.intent(allowed_payment_method_types=["card"])
    shop.api.payment_intents.update(intent.id, params={"amount": 4200, "customer": shop.customer()})
    shop.api.payment_intents.update(intent.id, params={"payment_method": "pm_card_visa"})
    shop.api.payment_intents.cancel(intent.id, params={"cancellation_reason": "abandoned"})
    shop.refused(lambda: shop.api.payment_intents.update(intent.id, params={"amount": 1}))
    shop.api.payment_intents.list(params={"limit": 3})
    shop.api.payment_intents.list(params={"customer": shop.customer(), "created": {"gt": 1}})
    shop.refused(lambda: shop.intent(amount=-5))
    shop.refused(lambda: shop.intent(amount=10))
    shop.refused(lambda: shop.intent(currency="zzz"))
    shop.refused(lambda: shop.intent(payment_method_types=["card"]))
    shop.refused(lambda: shop.intent(colour="blue"))
    shop.refused(lambda: shop.api.payment_intents.retrieve("pi_unknown"))


@step
def an_authorized_amount_is_captured_later(shop: Shop) -> None:
    intent = shop.intent(payment_method="pm_card_visa", confirm=True, capture_method="manual")
    shop.api.payment_intents.capture(intent.id, params={"amount_to_capture": 1500})
    shop.refused(lambda: shop.api.payment_intents.capture(intent.id))
    released = shop.intent(payment_method="pm_card_visa", confirm=True, capture_method="manual")
    shop.api.payment_intents.cancel(released.id)
    charges = shop.api.charges.list(params={"payment_intent": intent.id})
    shop.api.charges.retrieve(charges.data[0].id, params={"expand": ["refunds", "payment_intent"]})
    shop.api.charges.update(charges.data[0].id, params={"metadata": {"seen": "yes"}})
    shop.refused(lambda: shop.api.charges.retrieve("ch_unknown"))


@step
def a_slow_payment_settles_and_fails(shop: Shop) -> None:
    for settles in (True, False):
        method = shop.api.payment_methods.create(
            params={
                "type": "us_bank_account",
                "us_bank_account": {
                    "account_holder_type": "individual",
                    "account_number": "000123456789",
                    "routing_number": "110000000",
                },
                "billing_details": {"name": "Bob", "email": "bob@example.com"},
            }
        )
        intent = shop.intent(payment_method=method.id, confirm=True, mandate_data=MANDATE)
        shop.api.payment_intents.retrieve(intent.id, params={"expand": ["latest_charge"]})
        charge: Any = shop.api.charges.retrieve(str(intent.latest_charge))
        shop.api.mandates.retrieve(charge.payment_method_details.us_bank_account.mandate)
        shop.refused(lambda: shop.api.payment_intents.cancel(intent.id))  # noqa: B023
        finish = shop.bank.settle if settles else shop.bank.fail_settlement
        finish(intent.id)
        shop.api.payment_intents.retrieve(intent.id, params={"expand": ["latest_charge"]})


@step
def a_card_is_saved_without_a_payment(shop: Shop) -> None:
    api, customer = shop.api, shop.customer()
    setup = api.setup_intents.create(
        params={"customer": customer, "usage": "off_session", "automatic_payment_methods": {"enabled": True}}
    )
    secret = {"client_secret": setup.client_secret}
    shop.browser("GET", f"/v1/setup_intents/{setup.id}", secret)
    shop.browser("POST", f"/v1/setup_intents/{setup.id}/confirm", secret | {"payment_method": "pm_card_visa"})
    api.setup_intents.retrieve(setup.id, params={"expand": ["payment_method", "latest_attempt"]})
    other = api.setup_intents.create(
        params={"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )
    api.setup_intents.update(other.id, params={"metadata": {"a": "b"}})
    shop.refused(
        lambda: api.setup_intents.confirm(other.id, params={"payment_method": "pm_card_chargeDeclined"})
    )
    api.setup_intents.confirm(other.id, params={"payment_method": "pm_card_authenticationRequired"})
    api.setup_intents.retrieve(other.id)
    api.setup_intents.cancel(other.id)
    api.setup_intents.list(params={"customer": customer})
    shop.refused(lambda: api.setup_intents.retrieve("seti_unknown"))
