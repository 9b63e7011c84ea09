"""What follows a payment, and Checkout: refunds, disputes, sessions, events, the account's own affairs."""

from typing import Any

from tests.contract.shop import Shop, step

URLS: Any = {
    "success_url": "https://example.com/ok?id={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://example.com/no",
}


@step
def a_payment_is_refunded_in_parts_and_in_full(shop: Shop) -> None:
    paid = shop.paid()
    first = shop.api.refunds.create(
        params={
            "payment_intent": paid.id,
            "amount": 500,
            "reason": "requested_by_customer",
            "metadata": {"n": "1"},
        }
    )
    rest = shop.api.refunds.create(params={"charge": str(paid.latest_charge)})
    shop.refused(lambda: shop.api.refunds.create(params={"payment_intent": paid.id}))
    shop.api.refunds.retrieve(
        first.id, params={"expand": ["charge", "payment_intent", "balance_transaction"]}
    )
    shop.api.refunds.update(rest.id, params={"metadata": {"order_id": "6735"}})
    shop.api.refunds.list(params={"payment_intent": paid.id, "limit": 1})
    shop.api.charges.retrieve(str(paid.latest_charge), params={"expand": ["refunds"]})
    shop.refused(
        lambda: shop.api.refunds.create(params={"payment_intent": shop.paid().id, "amount": 999_999})
    )
    shop.refused(lambda: shop.api.refunds.retrieve("re_unknown"))
    shop.refused(lambda: shop.api.refunds.cancel(rest.id))


@step
def a_refund_waits_and_another_fails(shop: Shop) -> None:
    for method in ("pm_card_pendingRefund", "pm_card_refundFail"):
        refund = shop.api.refunds.create(params={"payment_intent": shop.paid(method).id})
        shop.api.refunds.retrieve(refund.id)
        finish = shop.bank.fail_refund if method == "pm_card_refundFail" else shop.bank.succeed_refund
        finish(refund.id)
        shop.api.refunds.retrieve(refund.id, params={"expand": ["failure_balance_transaction", "charge"]})


@step
def a_payment_is_disputed_won_and_lost(shop: Shop) -> None:
    for method in (
        "pm_card_createDispute",
        "pm_card_createDisputeProductNotReceived",
        "pm_card_createDisputeInquiry",
    ):
        paid = shop.paid(method)
        disputes = shop.api.disputes.list(params={"payment_intent": paid.id})
        dispute = shop.api.disputes.retrieve(
            disputes.data[0].id, params={"expand": ["charge", "payment_intent"]}
        )
        shop.api.disputes.update(
            dispute.id, params={"metadata": {"seen": "1"}, "evidence": {"uncategorized_text": "It was great"}}
        )
        shop.api.charges.retrieve(str(paid.latest_charge))
    shop.api.disputes.close(dispute.id)
    won = shop.api.disputes.list(params={"payment_intent": shop.paid("pm_card_createDispute").id}).data[0]
    shop.api.disputes.update(
        won.id, params={"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
    )
    shop.pass_time()
    shop.api.disputes.retrieve(won.id)
    shop.refused(lambda: shop.api.disputes.retrieve("du_unknown"))


@step
def a_payment_is_disputed_in_parts_and_an_inquiry_escalates(shop: Shop) -> None:
    paid = shop.paid("pm_card_visa")
    parts = [shop.bank.dispute(paid.id, amount=500, reason="general"), shop.bank.dispute(paid.id, amount=700)]
    for part, outcome in zip(parts, ("won", "lost"), strict=True):
        shop.bank.close_dispute(part["id"], outcome)
    shop.refused(lambda: shop.api.refunds.create(params={"payment_intent": paid.id}))
    shop.bank.appeal_dispute(parts[1]["id"])
    shop.api.disputes.list(params={"charge": str(paid.latest_charge), "created": {"gte": 1}})
    shop.bank.close_dispute(parts[1]["id"], "won")
    inquiry = shop.bank.dispute(shop.paid("pm_card_visa").id, inquiry=True)
    shop.bank.escalate_dispute(inquiry["id"])
    shop.api.disputes.retrieve(inquiry["id"])


@step
def an_issuer_warns_and_payments_are_reviewed(shop: Shop) -> None:
    warned = shop.paid("pm_card_createIssuerFraudRecord")
    [warning] = shop.api.radar.early_fraud_warnings.list(params={"payment_intent": warned.id}).data
    shop.api.radar.early_fraud_warnings.retrieve(warning.id, params={"expand": ["charge"]})
    shop.api.refunds.create(params={"payment_intent": warned.id})
    shop.api.radar.early_fraud_warnings.retrieve(warning.id)
    shop.refused(lambda: shop.api.radar.early_fraud_warnings.retrieve("issfr_unknown"))
    reviewed, refunded = shop.paid(), shop.paid()
    review = shop.bank.open_review(reviewed.id)
    shop.bank.open_review(refunded.id, reason="manual")
    shop.api.reviews.list(params={"limit": 5})
    shop.api.reviews.retrieve(review["id"], params={"expand": ["payment_intent"]})
    shop.api.reviews.approve(review["id"])
    shop.refused(lambda: shop.api.reviews.approve(review["id"]))
    shop.api.refunds.create(params={"payment_intent": refunded.id})
    shop.refused(lambda: shop.api.reviews.retrieve("prv_unknown"))


@step
def a_session_is_paid_on_the_hosted_page(shop: Shop) -> None:
    session = shop.session(
        customer=shop.customer(),
        client_reference_id="order-1",
        metadata={"order_id": "1"},
        payment_intent_data={"metadata": {"order_id": "1"}, "setup_future_usage": "off_session"},
    )
    shop.pay_session(session.id, "pm_card_visa")
    shop.api.checkout.sessions.retrieve(
        session.id, params={"expand": ["payment_intent.latest_charge", "customer", "line_items"]}
    )
    shop.api.checkout.sessions.line_items.list(session.id, params={"limit": 5})
    shop.refused(lambda: shop.api.checkout.sessions.expire(session.id))
    shop.api.checkout.sessions.list(params={"limit": 2})
    shop.api.checkout.sessions.update(session.id, params={"metadata": {"late": "1"}})


@step
def a_session_without_a_customer_makes_one(shop: Shop) -> None:
    session = shop.session(customer_creation="always", customer_email="new@example.com", submit_type="pay")
    shop.pay_session(session.id, "pm_card_visa")
    shop.api.checkout.sessions.retrieve(session.id, params={"expand": ["customer", "payment_intent"]})


@step
def a_session_expires(shop: Shop) -> None:
    session = shop.session()
    shop.api.checkout.sessions.retrieve(session.id)
    shop.api.checkout.sessions.expire(session.id)
    shop.refused(lambda: shop.session(expires_at=1))
    shop.refused(lambda: shop.session(line_items=[]))
    shop.refused(lambda: shop.session(payment_method_types=["card"]))
    shop.refused(lambda: shop.api.checkout.sessions.retrieve("cs_unknown"))


@step
def a_session_is_declined_then_settles_slowly(shop: Shop) -> None:
    for iban in ("AT611904300234573201", "AT861904300235473202"):
        session = shop.session(currency="eur")
        shop.pay_session(session.id, "pm_card_visa_chargeDeclined")
        method = shop.api.payment_methods.create(
            params={
                "type": "sepa_debit",
                "sepa_debit": {"iban": iban},
                "billing_details": {"name": "Bob", "email": "bob@example.com"},
            }
        )
        shop.pay_session(session.id, method.id)
        shop.api.checkout.sessions.retrieve(session.id, params={"expand": ["payment_intent"]})
        shop.pass_time()
        shop.api.checkout.sessions.retrieve(session.id, params={"expand": ["payment_intent"]})


@step
def a_session_saves_a_card(shop: Shop) -> None:
    session = shop.api.checkout.sessions.create(
        params={
            "mode": "setup",
            "currency": "usd",
            "customer": shop.customer(),
            "success_url": URLS["success_url"],
        }
    )
    shop.pay_session(session.id, "pm_card_visa")
    shop.api.checkout.sessions.retrieve(session.id, params={"expand": ["setup_intent"]})


@step
def things_are_sold_from_a_list_of_prices(shop: Shop) -> None:
    product = shop.api.products.create(params={"name": "Yoga", "metadata": {"kind": "session"}})
    price = shop.api.prices.create(params={"product": product.id, "unit_amount": 1500, "currency": "usd"})
    shop.api.products.retrieve(product.id)
    shop.api.products.list(params={"limit": 1})
    named = shop.api.products.create(params={"id": "the_owner", "name": "Owner", "metadata": {"count": "1"}})
    shop.refused(lambda: shop.api.products.create(params={"id": "the_owner", "name": "Another"}))
    shop.api.products.update(named.id, params={"metadata": {"count": "2"}, "description": "Counts"})
    shop.api.prices.retrieve(price.id, params={"expand": ["product"]})
    shop.api.prices.list(params={"product": product.id})
    shop.session(line_items=[{"price": price.id, "quantity": 1}])


@step
def money_is_accounted_for(shop: Shop) -> None:
    shop.api.balance.retrieve()
    listed = shop.api.balance_transactions.list(params={"limit": 20})
    for transaction in listed.data[:3]:
        shop.api.balance_transactions.retrieve(transaction.id, params={"expand": ["source"]})
    shop.api.accounts.retrieve_current()


@step
def webhook_endpoints_are_managed(shop: Shop) -> None:
    endpoint = shop.api.webhook_endpoints.create(
        params={"url": "https://example.com/hook", "enabled_events": ["*"], "description": "all"}
    )
    shop.api.webhook_endpoints.retrieve(endpoint.id)
    shop.api.webhook_endpoints.update(
        endpoint.id, params={"enabled_events": ["charge.refunded"], "disabled": True}
    )
    shop.api.webhook_endpoints.list()
    shop.api.webhook_endpoints.delete(endpoint.id)
    shop.refused(lambda: shop.api.webhook_endpoints.retrieve(endpoint.id))


@step
def a_key_is_used_twice(shop: Shop) -> None:
    for _ in range(2):
        shop.api.customers.create(params={"name": "Same"}, options={"idempotency_key": "order-1"})
    shop.refused(
        lambda: shop.api.customers.create(params={"name": "Other"}, options={"idempotency_key": "order-1"})
    )


@step
def nobody_gets_in_without_a_key(shop: Shop) -> None:
    for headers in ({}, {"Authorization": "Bearer sk_live_wrong"}, shop.public_headers):
        shop.call("GET", "/v1/customers", headers=headers)
    intent = shop.intent()
    shop.browser("GET", f"/v1/payment_intents/{intent.id}", {"client_secret": f"{intent.id}_secret_wrong"})
    shop.browser("GET", f"/v1/payment_intents/{intent.id}", {})
    shop.call("GET", "/v1/no_such_thing", headers=shop.secret_headers)


@step
def events_tell_it_all(shop: Shop) -> None:
    page = shop.api.events.list(params={"limit": 100})
    assert list(page.auto_paging_iter())
    shop.api.events.retrieve(page.data[0].id)
    shop.api.events.list(params={"type": "charge.refunded"})
    shop.api.events.list(params={"types": ["charge.refunded", "refund.created"], "created": {"gte": 1}})
    shop.api.events.list(params={"limit": 2, "starting_after": page.data[1].id})
    shop.refused(lambda: shop.api.events.retrieve("evt_unknown"))
