"""Saved cards: kept by paying, used again, one default, the same card once, and deleted for good."""

from datetime import datetime, timedelta

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.common import clock
from estuary.payments.doctor import GRACE, LIVENESS, run_checks
from estuary.payments.models import PaymentMethod, StripeCustomer
from estuary.payments.reconciliation import overdue
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.buying import METHODS, Json, pay, posts, status_of
from tests.sandbox_bridge import deliver, run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

MASTERCARD, AMEX = "5555555555554444", "378282246310005"


def save(stripe: Sandbox, buyer: APIClient, card: str = buying.FINE) -> Json:
    """Save a card by paying with it, and return it as it is listed."""
    pay(stripe, buying.credits(buyer, "10.00"), card)
    return next(listed for listed in buying.cards(buyer) if listed["last4"] == card[-4:])


def attached(stripe: Sandbox) -> set[str]:
    return {method["id"] for method in stripe.state.store.payment_methods if method["customer"]}


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_a_card_is_saved_by_paying_with_it_and_the_first_is_the_default(
    stripe: Sandbox, buyer: APIClient, maya: User, payment_type: str
) -> None:
    assert buying.cards(buyer) == []
    pay(stripe, buying.credits(buyer, payment_type=payment_type))
    [card] = buying.cards(buyer)
    row = PaymentMethod.objects.get()
    assert card == {
        "id": str(row.pk),
        "stripe_payment_method_id": row.stripe_payment_method_id,
        "card_brand": "Visa",
        "brand": "visa",
        "last4": "4242",
        "exp_month": 12,
        "exp_year": row.exp_year,
        "is_default": True,
        "consent": None,
    }
    assert (row.user, row.stripe_payment_method_id in attached(stripe)) == (maya, True)
    path = "/v1/payment_intents" if payment_type == "intent" else "/v1/checkout/sessions"
    [sent] = posts(stripe, path)
    params = sent.params if payment_type == "intent" else sent.params["payment_intent_data"]
    assert params["setup_future_usage"] == "off_session"


def listings(stripe: Sandbox) -> int:
    return sum("payment_methods" in sent.path and sent.method == "GET" for sent in stripe.requests)


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_a_saved_card_is_listed_as_soon_as_the_page_has_asked_for_its_order(
    stripe: Sandbox, buyer: APIClient, payment_type: str
) -> None:
    order = buying.credits(buyer, payment_type=payment_type)
    buying.pay_only(stripe, order)
    sync = f"/api/v1/orders/{order['order_id']}/sync/"
    assert buyer.post(sync).json()["status"] == "completed"
    [card] = buying.cards(buyer)
    assert (card["card_brand"], card["last4"], card["is_default"]) == ("Visa", "4242", True)
    listings_before = listings(stripe)
    assert buyer.post(sync).status_code == 200
    assert listings(stripe) == listings_before  # once for each payment
    settle_everything(stripe)
    assert buying.cards(buyer) == [card]


def test_the_card_of_an_order_that_its_webhook_completed_is_listed_by_the_page_too(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.credits(buyer)
    buying.pay_only(stripe, order)
    deliver(stripe, lambda waiting: [each for each in waiting if each.type == "payment_intent.succeeded"])
    assert (buying.status_of(order), buying.cards(buyer)) == ("completed", [])
    buyer.post(f"/api/v1/orders/{order['order_id']}/sync/")
    assert [card["last4"] for card in buying.cards(buyer)] == ["4242"]


def test_a_stripe_that_does_not_list_cards_spoils_no_settled_order(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    buying.pay_only(stripe, order)
    stripe.faults.add("refuse", "GET /v1/payment_methods*")
    answer = buyer.post(f"/api/v1/orders/{order['order_id']}/sync/")
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert buying.cards(buyer) == []
    settle_everything(stripe)
    assert [card["last4"] for card in buying.cards(buyer)] == ["4242"]


def test_who_keeps_no_card_costs_no_listing(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, save_payment_method=False)
    buying.pay_only(stripe, order)
    buyer.post(f"/api/v1/orders/{order['order_id']}/sync/")
    assert (buying.status_of(order), buying.cards(buyer), listings(stripe)) == ("completed", [], 0)


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_who_opts_out_keeps_no_card(stripe: Sandbox, buyer: APIClient, payment_type: str) -> None:
    order = buying.credits(buyer, payment_type=payment_type, save_payment_method=False)
    pay(stripe, order)
    assert (status_of(order), buying.cards(buyer), attached(stripe)) == ("completed", [], set())


def test_a_declined_card_is_not_saved(stripe: Sandbox, buyer: APIClient) -> None:
    pay(stripe, buying.credits(buyer), buying.DECLINED)
    assert buying.cards(buyer) == []


def test_the_same_card_is_kept_once_under_its_id_and_the_older_method_is_detached(
    stripe: Sandbox, buyer: APIClient
) -> None:
    first = save(stripe, buyer)
    second = save(stripe, buyer)
    assert [card["id"] for card in buying.cards(buyer)] == [first["id"]]
    assert second["stripe_payment_method_id"] != first["stripe_payment_method_id"]
    assert attached(stripe) == {second["stripe_payment_method_id"]}
    assert second["is_default"]


def test_the_default_is_set_and_is_the_only_one(stripe: Sandbox, buyer: APIClient) -> None:
    visa, mastercard = save(stripe, buyer), save(stripe, buyer, MASTERCARD)
    assert (visa["is_default"], mastercard["is_default"]) == (True, False)
    for ref in (mastercard["id"], visa["stripe_payment_method_id"], mastercard["id"]):
        answer = buyer.post(f"{METHODS}default/", {"payment_method_id": ref})
        assert (answer.status_code, answer.json()["is_default"]) == (200, True)
    assert [(card["id"], card["is_default"]) for card in buying.cards(buyer)] == [
        (mastercard["id"], True),
        (visa["id"], False),
    ]


def test_a_deleted_card_is_gone_here_at_once_and_at_stripe_soon(stripe: Sandbox, buyer: APIClient) -> None:
    visa, mastercard, amex = (save(stripe, buyer, card) for card in (buying.FINE, MASTERCARD, AMEX))
    assert buyer.delete(f"{METHODS}{visa['id']}/").status_code == 204
    left = buying.cards(buyer)
    assert [(card["id"], card["is_default"]) for card in left] == [
        (amex["id"], True),
        (mastercard["id"], False),
    ]
    settle_everything(stripe)
    assert visa["stripe_payment_method_id"] not in attached(stripe)
    assert buyer.delete(f"{METHODS}{mastercard['stripe_payment_method_id']}/").status_code == 204
    settle_everything(stripe)
    assert attached(stripe) == {amex["stripe_payment_method_id"]}
    again = buyer.delete(f"{METHODS}{visa['id']}/")
    assert (again.status_code, again.json()["code"]) == (409, "card_removed")


def test_a_deleted_card_stays_deleted_however_late_its_attachment_is_told(
    stripe: Sandbox, buyer: APIClient
) -> None:
    card = save(stripe, buyer)
    events = [event for event in stripe.state.store.events if event["type"] == "payment_method.attached"]
    buyer.delete(f"{METHODS}{card['id']}/")
    run_jobs()
    event = events[-1] | {"id": "evt_late"}
    stripe.state.store.events.add(event)
    stripe.control.resend("evt_late")
    settle_everything(stripe)
    assert buying.cards(buyer) == []


def test_a_card_removed_before_its_attachment_is_told_is_not_listed(
    stripe: Sandbox, buyer: APIClient
) -> None:
    paid = buying.pay_only(stripe, buying.credits(buyer))
    stripe.control.detach(paid["payment_method"])
    deliver(stripe, lambda waiting: waiting[::-1])
    settle_everything(stripe)
    assert buying.cards(buyer) == []


def test_a_card_renewed_by_its_network_shows_its_new_date(stripe: Sandbox, buyer: APIClient) -> None:
    card = save(stripe, buyer)
    stripe.control.update_card(card["stripe_payment_method_id"], exp_month=7, exp_year=2039, last4="4343")
    settle_everything(stripe)
    [renewed] = buying.cards(buyer)
    assert (renewed["id"], renewed["exp_month"], renewed["exp_year"], renewed["last4"]) == (
        card["id"],
        7,
        2039,
        "4343",
    )


def test_a_saved_card_pays_in_the_browser(stripe: Sandbox, buyer: APIClient) -> None:
    card = save(stripe, buyer)
    order = buying.credits(buyer, "25.00")
    stripe.control.confirm(order["payment_intent_id"], payment_method=card["stripe_payment_method_id"])
    settle_everything(stripe)
    assert (status_of(order), buying.balance(buyer)) == ("completed", "35.00")
    assert [one["id"] for one in buying.cards(buyer)] == [card["id"]]


@pytest.mark.parametrize("ref", ["id", "stripe_payment_method_id"])
def test_a_saved_card_pays_on_the_server(stripe: Sandbox, buyer: APIClient, ref: str) -> None:
    card = save(stripe, buyer)
    order = buying.credits(buyer, "25.00", payment_method_id=card[ref])
    assert (order["status"], order["payment_status"]) == ("completed", "succeeded")
    assert buying.balance(buyer) == "35.00"
    settle_everything(stripe)
    assert buying.balance(buyer) == "35.00"


def test_the_card_of_another_is_not_found_and_stripe_is_not_asked(
    stripe: Sandbox, buyer: APIClient, other: APIClient
) -> None:
    card = save(stripe, buyer)
    calls_before = len(stripe.requests)
    for ref in (card["id"], card["stripe_payment_method_id"]):
        buying.refused(
            other, 404, "not_found", is_credit_purchase=True, amount="10.00", payment_method_id=ref
        )
        for answer in (
            other.post(f"{METHODS}default/", {"payment_method_id": ref}),
            other.delete(f"{METHODS}{ref}/"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert len(stripe.requests) == calls_before
    assert [one["id"] for one in buying.cards(buyer)] == [card["id"]]


def test_paying_with_a_deleted_card_is_refused_without_asking_stripe(
    stripe: Sandbox, buyer: APIClient
) -> None:
    card = save(stripe, buyer)
    buyer.delete(f"{METHODS}{card['id']}/")
    calls_before = len(stripe.requests)
    body = {"is_credit_purchase": True, "amount": "10.00", "payment_method_id": card["id"]}
    buying.refused(buyer, 409, "card_removed", **body)
    answer = buyer.post(f"{METHODS}default/", {"payment_method_id": card["id"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "card_removed")
    assert len(stripe.requests) == calls_before


def test_a_card_that_was_detached_elsewhere_is_refused_and_leaves_the_list(
    stripe: Sandbox, buyer: APIClient
) -> None:
    card = save(stripe, buyer)
    stripe.control.detach(card["stripe_payment_method_id"])
    stripe.control.lose_events()
    body = {"is_credit_purchase": True, "amount": "10.00", "payment_method_id": card["id"]}
    buying.refused(buyer, 409, "card_removed", **body)
    assert buying.cards(buyer) == []
    order = buying.credits(buyer, "10.00")
    pay(stripe, order)
    assert status_of(order) == "completed"


def test_a_customer_deleted_at_stripe_is_made_again_once(stripe: Sandbox, buyer: APIClient) -> None:
    save(stripe, buyer)
    stripe.control.delete_customer(StripeCustomer.objects.get().stripe_customer_id)
    settle_everything(stripe)
    assert (buying.cards(buyer), StripeCustomer.objects.get().stripe_customer_id) == ([], "")
    order = buying.credits(buyer)
    pay(stripe, order)
    assert (status_of(order), len(posts(stripe, "/v1/customers"))) == ("completed", 2)


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_a_deleted_customer_of_whom_no_event_came_is_made_again_once(
    stripe: Sandbox, buyer: APIClient, payment_type: str
) -> None:
    save(stripe, buyer)
    stripe.control.delete_customer(StripeCustomer.objects.get().stripe_customer_id)
    stripe.control.lose_events()
    order = buying.credits(buyer, payment_type=payment_type)
    pay(stripe, order)
    assert (status_of(order), len(posts(stripe, "/v1/customers"))) == ("completed", 2)
    assert [card["last4"] for card in buying.cards(buyer)] == ["4242"]


def test_a_card_is_saved_without_paying(stripe: Sandbox, buyer: APIClient) -> None:
    for card in (buying.FINE, MASTERCARD):
        response = buyer.post(f"{METHODS}setup/")
        assert response.status_code == 201
        assert response.json()["client_secret"].startswith(response.json()["setup_intent_id"])
        stripe.control.confirm_setup(response.json()["setup_intent_id"], card=card)
        settle_everything(stripe)
    assert [(card["last4"], card["is_default"]) for card in buying.cards(buyer)] == [
        ("4242", True),
        ("4444", False),
    ]
    assert len(posts(stripe, "/v1/customers")) == 1


def test_saving_a_card_for_a_customer_deleted_at_stripe_makes_another_once(
    stripe: Sandbox, buyer: APIClient
) -> None:
    save(stripe, buyer)
    gone = StripeCustomer.objects.get().stripe_customer_id
    stripe.control.delete_customer(gone)
    stripe.control.lose_events()
    response = buyer.post(f"{METHODS}setup/")
    assert response.status_code == 201, response.json()
    assert (StripeCustomer.objects.get().stripe_customer_id != gone, buying.cards(buyer)) == (True, [])
    stripe.control.confirm_setup(response.json()["setup_intent_id"], card=MASTERCARD)
    settle_everything(stripe)
    assert ([card["last4"] for card in buying.cards(buyer)], len(posts(stripe, "/v1/customers"))) == (
        ["4444"],
        2,
    )


def test_a_removed_card_that_an_unpaid_order_kept_is_late_only_some_time_after_the_order_has_ended(
    stripe: Sandbox, buyer: APIClient
) -> None:
    setup = buyer.post(f"{METHODS}setup/").json()
    stripe.control.confirm_setup(setup["setup_intent_id"], card=buying.ATTACHES_THEN_DECLINES)
    settle_everything(stripe)
    [card] = buying.cards(buyer)
    unpaid = buying.refused(
        buyer, 402, "card_declined", is_credit_purchase=True, amount="20.00", payment_method_id=card["id"]
    )
    assert buyer.delete(f"{METHODS}{card['id']}/").status_code == 204
    PaymentMethod.objects.update(detached_at=clock.now() - timedelta(hours=1))
    run_jobs()
    assert attached(stripe) == {card["stripe_payment_method_id"]}
    assert buyer.post(f"/api/v1/orders/{unpaid['order_id']}/cancel/").status_code == 200
    assert late(clock.now()) == []
    assert late(clock.now() + GRACE + timedelta(minutes=1)) == ["card_not_detached"]
    assert overdue.detach_removed_payment_methods() == 1
    assert late(clock.now() + GRACE + timedelta(minutes=1)) == []


def late(at: datetime) -> list[str]:
    return [breach.code for breach in run_checks(LIVENESS, at=at).violations]
