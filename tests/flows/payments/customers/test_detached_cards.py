"""Cards whose end, or beginning, an event tells by halves: the list of saved cards is what Stripe has all the same."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.common import clock
from estuary.payments import client
from estuary.payments.inbox import processor
from estuary.payments.models import PaymentMethod, StripeCustomer, WebhookEvent
from estuary.payments.reconciliation import customers
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.buying import METHODS, pay, status_of
from tests.flows.payments.customers.test_saved_cards import MASTERCARD, attached, save
from tests.sandbox_bridge import deliver, post_event, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def send_again(stripe: Sandbox, event: dict[str, Any], **changes: Any) -> None:
    """Have an event delivered under a new id, with some of its fields changed."""
    number = len(list(stripe.state.store.events))
    stripe.state.store.events.add(event | {"id": f"evt_again_{number}"} | changes)
    stripe.control.resend(f"evt_again_{number}")
    settle_everything(stripe)


def last_event(stripe: Sandbox, type_: str) -> dict[str, Any]:
    return [event for event in stripe.state.store.events if event["type"] == type_][-1]


def listed(buyer: APIClient) -> set[str]:
    return {card["stripe_payment_method_id"] for card in buying.cards(buyer)}


def none_is_dead() -> bool:
    return not WebhookEvent.objects.exclude(status__in=["done", "ignored"]).exists()


def test_a_card_detached_without_previous_attributes_leaves_the_list(
    stripe: Sandbox, buyer: APIClient
) -> None:
    visa, mastercard = save(stripe, buyer), save(stripe, buyer, MASTERCARD)
    stripe.control.detach(visa["stripe_payment_method_id"], names_customer=False)
    settle_everything(stripe)
    assert listed(buyer) == attached(stripe) == {mastercard["stripe_payment_method_id"]}
    assert buying.cards(buyer)[0]["is_default"]
    body = {"is_credit_purchase": True, "amount": "10.00", "payment_method_id": visa["id"]}
    buying.refused(buyer, 409, "card_removed", **body)


@pytest.mark.parametrize("odd", [None, {}, [], "text", {"customer": None}, {"customer": {"id": "cus_other"}}])
def test_odd_previous_attributes_are_looked_behind(stripe: Sandbox, buyer: APIClient, odd: Any) -> None:
    card = save(stripe, buyer)
    stripe.control.detach(card["stripe_payment_method_id"])
    stripe.control.lose_events()
    event = last_event(stripe, "payment_method.detached")
    send_again(stripe, event, data={**event["data"], "previous_attributes": odd})
    assert (listed(buyer), none_is_dead()) == (set(), True)


@pytest.mark.parametrize("names_customer", [True, False])
@pytest.mark.parametrize("version", ["2026-10-28.endive", "2024-06-20"])
def test_a_false_detached_of_a_card_that_is_attached_takes_nothing_off(
    stripe: Sandbox, buyer: APIClient, version: str, names_customer: bool
) -> None:
    """It is stale, or was made of another object: how the card stands now is asked for."""
    card = save(stripe, buyer)
    event = last_event(stripe, "payment_method.attached")
    owner = StripeCustomer.objects.get().stripe_customer_id
    data: dict[str, Any] = {"object": event["data"]["object"] | {"customer": None}}
    if names_customer:
        data["previous_attributes"] = {"customer": owner}
    stale = event["created"] - 60
    send_again(stripe, event, type="payment_method.detached", data=data, created=stale, api_version=version)
    assert listed(buyer) == attached(stripe) == {card["stripe_payment_method_id"]}


def test_a_card_detached_in_another_version_of_the_api_leaves_the_list(
    stripe: Sandbox, buyer: APIClient
) -> None:
    card = save(stripe, buyer)
    stripe.control.detach(card["stripe_payment_method_id"])
    stripe.control.lose_events()
    event = last_event(stripe, "payment_method.detached")
    send_again(stripe, event, api_version="2024-06-20", data={"object": event["data"]["object"]})
    assert listed(buyer) == attached(stripe) == set()


def test_a_thin_detached_takes_the_card_off(stripe: Sandbox, buyer: APIClient) -> None:
    card = save(stripe, buyer)
    stripe.control.detach(card["stripe_payment_method_id"], names_customer=False)
    stripe.control.lose_events()
    thin = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "type": "v1.payment_method.detached",
        "created": clock.now().isoformat(),
        "livemode": False,
        "related_object": {"id": card["stripe_payment_method_id"], "type": "payment_method"},
    }
    processor.enqueue_events([thin])
    processor.drain()
    assert (listed(buyer), none_is_dead()) == (set(), True)


@pytest.mark.parametrize("kind", ["attached", "updated", "automatically_updated"])
def test_an_attached_or_updated_without_customer_is_looked_behind(
    stripe: Sandbox, buyer: APIClient, kind: str
) -> None:
    card = save(stripe, buyer)
    event = last_event(stripe, "payment_method.attached")
    obj = event["data"]["object"] | {"customer": None}
    send_again(stripe, event, type=f"payment_method.{kind}", data={"object": obj})
    assert listed(buyer) == {card["stripe_payment_method_id"]}
    stripe.control.detach(card["stripe_payment_method_id"])
    stripe.control.lose_events()
    send_again(stripe, event, type=f"payment_method.{kind}", data={"object": obj})
    assert (listed(buyer), none_is_dead()) == (set(), True)


def test_a_card_whose_attachment_names_nobody_is_listed_once_it_is_asked_about(
    stripe: Sandbox, buyer: APIClient
) -> None:
    pay(stripe, buying.credits(buyer))
    PaymentMethod.objects.all().delete()
    event = last_event(stripe, "payment_method.attached")
    send_again(stripe, event, data={"object": event["data"]["object"] | {"customer": None}})
    assert listed(buyer) == attached(stripe) != set()


@pytest.mark.parametrize("names_customer", [True, False])
def test_a_card_detached_before_its_attachment_is_told_is_never_listed(
    stripe: Sandbox, buyer: APIClient, names_customer: bool
) -> None:
    paid = buying.pay_only(stripe, buying.credits(buyer))
    stripe.control.detach(paid["payment_method"], names_customer=names_customer)
    deliver(stripe, lambda waiting: waiting[::-1])
    settle_everything(stripe)
    assert (listed(buyer), none_is_dead()) == (set(), True)


def test_a_card_that_stripe_no_longer_knows_leaves_the_list(stripe: Sandbox, buyer: APIClient) -> None:
    """The event is the last there is of it, and whose it was is known here alone."""
    card = save(stripe, buyer)
    stripe.control.detach(card["stripe_payment_method_id"], names_customer=False)
    table = stripe.state.store.payment_methods
    del table._objects[card["stripe_payment_method_id"]]
    table._order.remove(card["stripe_payment_method_id"])
    table._position = {name: place for place, name in enumerate(table._order)}
    settle_everything(stripe)
    assert (listed(buyer), none_is_dead()) == (set(), True)


def test_a_foreign_card_is_of_no_concern(stripe: Sandbox, buyer: APIClient) -> None:
    card = save(stripe, buyer)
    event = last_event(stripe, "payment_method.attached")
    for kind in ("attached", "detached", "updated"):
        obj = event["data"]["object"] | {"id": "pm_foreign", "customer": "cus_foreign"}
        send_again(stripe, event, type=f"payment_method.{kind}", data={"object": obj})
    assert listed(buyer) == {card["stripe_payment_method_id"]}
    assert none_is_dead()


def test_a_deleted_customer_takes_all_cards_along_whatever_is_told_of_them_later(
    stripe: Sandbox, buyer: APIClient
) -> None:
    save(stripe, buyer), save(stripe, buyer, MASTERCARD)
    events = [event for event in stripe.state.store.events if event["type"] == "payment_method.attached"]
    stripe.control.delete_customer(StripeCustomer.objects.get().stripe_customer_id)
    settle_everything(stripe)
    assert listed(buyer) == set()
    for event in events:
        send_again(stripe, event)
        send_again(stripe, event, type="payment_method.detached")
        send_again(stripe, event, type="payment_method.updated")
    assert (listed(buyer), none_is_dead()) == (set(), True)


def test_an_order_whose_chosen_card_is_detached_is_paid_with_another(
    stripe: Sandbox, buyer: APIClient
) -> None:
    setup = buyer.post(f"{METHODS}setup/").json()
    stripe.control.confirm_setup(setup["setup_intent_id"], card=buying.ATTACHES_THEN_DECLINES)
    settle_everything(stripe)
    card = buying.cards(buyer)[0]
    body = {"is_credit_purchase": True, "amount": "20.00"}
    declined = buying.refused(buyer, 402, "card_declined", **body, payment_method_id=card["id"])
    stripe.control.detach(card["stripe_payment_method_id"], names_customer=False)
    settle_everything(stripe)
    assert listed(buyer) == attached(stripe) == set()
    buying.refused(buyer, 409, "card_removed", **body, payment_method_id=card["id"])
    order = buying.create(buyer, **body)
    assert order["order_id"] == declined["order_id"]
    pay(stripe, order)
    assert status_of(order) == "completed"


def test_a_card_of_whose_end_no_event_was_ever_made_leaves_the_list_in_its_turn(
    stripe: Sandbox, buyer: APIClient
) -> None:
    visa, mastercard = save(stripe, buyer), save(stripe, buyer, MASTERCARD)
    stripe.faults.add("never_generate", "payment_method.detached")
    stripe.control.detach(visa["stripe_payment_method_id"])
    assert customers.check_saved_payment_methods() == 1
    assert listed(buyer) == attached(stripe) == {mastercard["stripe_payment_method_id"]}
    calls_before = len(stripe.requests)
    assert (customers.check_saved_payment_methods(), len(stripe.requests)) == (0, calls_before)
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=True):
        assert customers.check_saved_payment_methods() == 1


def test_the_checks_of_cards_take_turns_and_wait_for_a_stripe_that_is_down(
    stripe: Sandbox, buyer: APIClient, other: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that got no answer is the last of all to be asked again: it may be the only one that gets none."""
    save(stripe, buyer), save(stripe, other)
    monkeypatch.setattr(customers, "CUSTOMERS_PER_RUN", 1)
    stripe.faults.add("timeout_before", "GET /v1/payment_methods*", times=None)
    assert customers.check_saved_payment_methods() == 0
    stripe.faults.clear()
    assert [customers.check_saved_payment_methods() for _ in range(3)] == [1, 0, 0]
    assert StripeCustomer.objects.filter(cards_checked_at=None).count() == 0
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=True):
        assert customers.check_saved_payment_methods() == 1


def test_a_card_that_is_saved_while_stripes_list_is_read_is_not_taken_for_gone(
    stripe: Sandbox, buyer: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(stripe, buyer)
    read = client.methods_of

    def slow(customer_id: str) -> Any:
        before = read(customer_id)
        save(stripe, buyer, MASTERCARD)
        return before

    with monkeypatch.context() as patched:
        patched.setattr(client, "methods_of", slow)
        customers.resync_payment_methods(StripeCustomer.objects.get())
    assert listed(buyer) == attached(stripe)
    assert len(listed(buyer)) == 2


def test_a_removed_card_that_stripe_has_attached_all_the_same_is_detached_there(
    stripe: Sandbox, buyer: APIClient, maya: User
) -> None:
    """Stripe had refused to detach it, or an event was believed that was not true."""
    card = save(stripe, buyer)
    PaymentMethod.objects.update(detached_at=clock.now(), is_default=False)
    customers.check_saved_payment_methods()
    settle_everything(stripe)
    assert listed(buyer) == attached(stripe) == set()
    assert PaymentMethod.objects.get(stripe_payment_method_id=card["stripe_payment_method_id"]).user == maya


def test_every_order_of_a_cards_events_ends_with_what_stripe_has(stripe: Sandbox, buyer: APIClient) -> None:
    paid = buying.pay_only(stripe, buying.credits(buyer))
    stripe.control.update_card(paid["payment_method"], exp_month=7, exp_year=2039, last4="4343")
    stripe.control.detach(paid["payment_method"], names_customer=False)
    waiting = stripe.take_deliveries()
    cards = [one for one in waiting if one.type.startswith("payment_method.")]
    assert len(cards) == 3
    for number, order in enumerate(([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0])):
        for one in waiting if number == 0 else []:
            assert post_event(one) == 200
        WebhookEvent.objects.filter(type__startswith="payment_method.").delete()
        PaymentMethod.objects.all().delete()
        for place in order:
            assert post_event(cards[place]) == 200
            processor.drain()
        assert (order, listed(buyer), none_is_dead()) == (order, set(), True)
