"""A client that got no answer sends its request again under the same key: nothing happens twice, nothing is lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.catalog.models import ServicePrice, ServiceType
from estuary.common import clock
from estuary.credits.ledger import NotEnoughCredits
from estuary.orders.models import Order
from estuary.payments import idempotency
from estuary.payments.errors import CardDeclined, StripeUnavailable
from estuary.payments.models import IdempotencyKey, Refund
from estuary.payments.stripe_objects import Decline
from stripe_sandbox import Sandbox
from tests.factories import make_service, signed_in
from tests.flows import buying
from tests.flows.buying import CREATE, Json, pay
from tests.flows.payments.reconciliation.test_expiry import late_payment
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

SETUP = "/api/v1/payments/methods/setup/"
CREDITS = {"is_credit_purchase": True, "amount": "20.00"}


def send(client: APIClient, body: Json, key: str, path: str = CREATE) -> Any:
    return client.post(path, body, headers={"Idempotency-Key": key})


@pytest.fixture
def key() -> str:
    return str(uuid4())


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_the_same_request_gets_the_same_answer(
    stripe: Sandbox, buyer: APIClient, key: str, payment_type: str
) -> None:
    first = send(buyer, {**CREDITS, "payment_type": payment_type}, key)
    again = send(buyer, {**CREDITS, "payment_type": payment_type}, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert ("Idempotency-Replayed" in first, again["Idempotency-Replayed"]) == (False, "true")
    assert Order.objects.count() == 1
    assert "client_secret" not in str(IdempotencyKey.objects.get().answer)


def a_bundle(ana: Practitioner) -> Json:
    session = make_service(ServiceType.SESSION, ana)
    bundle = make_service(ServiceType.BUNDLE, ana, bundle_of=session, bundle_quantity=2, validity_days=30)
    return {"service_id": str(bundle.pk), "use_credits": True}


def test_what_credits_pay_at_once_is_not_bought_twice(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, key: str
) -> None:
    buying.buy_credits(stripe, buyer, "250.00")
    body = a_bundle(ana)
    answers = [send(buyer, body, key).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert (buying.balance(buyer), Booking.objects.filter(position=0).count()) == ("150.00", 1)
    assert send(buyer, body, str(uuid4())).status_code == 201
    assert buying.balance(buyer) == "50.00"


def test_a_saved_card_is_charged_once(stripe: Sandbox, buyer: APIClient, key: str) -> None:
    buying.buy_credits(stripe, buyer, "10.00")
    body = {**CREDITS, "payment_method_id": buying.cards(buyer)[0]["id"]}
    first, again = (send(buyer, body, key) for _ in range(2))
    assert (first.json()["status"], again.json()["order_id"]) == ("completed", first.json()["order_id"])
    assert (buying.balance(buyer), len(stripe.state.store.charges)) == ("30.00", 2)


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_saved"])
@pytest.mark.parametrize("at", ["POST /v1/payment_intents", "POST /v1/payment_intents/*/confirm"])
def test_a_request_cut_off_at_stripe_is_taken_up_by_its_retry(
    stripe: Sandbox, buyer: APIClient, key: str, at: str, fault: str
) -> None:
    buying.buy_credits(stripe, buyer, "10.00")
    body = {**CREDITS, "payment_method_id": buying.cards(buyer)[0]["id"]}
    stripe.faults.add(fault, at)
    answers = [send(buyer, body, key) for _ in range(4)]
    assert answers[0].status_code == 503
    assert answers[-1].json()["status"] == "completed"
    settle_everything(stripe)
    assert (buying.balance(buyer), len(stripe.state.store.charges), Order.objects.count()) == ("30.00", 2, 2)


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("event", ["heard", "not heard"])
@pytest.mark.parametrize("before", ["intent for the browser", "declined card", "no key"])
def test_a_second_attempt_whose_answer_was_lost_charges_once(
    stripe: Sandbox, buyer: APIClient, key: str, before: str, event: str
) -> None:
    """An order was placed by another request than the one that pays for it."""
    bad = saved_and_declining(stripe, buyer)
    buying.buy_credits(stripe, buyer, "10.00")
    good = next(card["id"] for card in buying.cards(buyer) if card["id"] != bad)
    if before == "declined card":
        assert send(buyer, {**CREDITS, "payment_method_id": bad}, str(uuid4())).status_code == 402
    elif before == "no key":
        buying.create(buyer, **CREDITS)
    else:
        assert send(buyer, CREDITS, str(uuid4())).status_code == 201
    stripe.faults.add("timeout_after", "POST /v1/payment_intents/*/confirm")
    assert send(buyer, {**CREDITS, "payment_method_id": good}, key).status_code == 503
    if event == "heard":
        settle_everything(stripe)
    again = send(buyer, {**CREDITS, "payment_method_id": good}, key)
    assert (again.status_code, again.json()["status"]) == (201, "completed")
    assert send(buyer, {**CREDITS, "payment_method_id": good}, key).json() == again.json()
    settle_everything(stripe)
    assert (buying.balance(buyer), Order.objects.count()) == ("30.00", 2)


def test_money_that_comes_for_what_a_retry_replaced_is_taken_note_of(
    stripe: Sandbox, buyer: APIClient, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer.raise_request_exception = False
    with monkeypatch.context() as dying:
        dying.setattr("estuary.payments.api.CreatePaymentView.CreatedPayment", crash)
        assert send(buyer, CREDITS, key).status_code == 500
    first = Order.objects.get()
    stripe.control.cancel(first.stripe_payment_intent_id)
    settle_everything(stripe)
    second = send(buyer, CREDITS, key).json()
    assert second["order_id"] != first.public_id
    late_payment(stripe, {"order_id": first.public_id})
    settle_everything(stripe)
    first.refresh_from_db()
    assert (first.status, buying.balance(buyer)) == ("completed", "20.00")
    pay(stripe, second)
    assert buying.balance(buyer) == "40.00"


def test_a_retry_after_the_hold_ended_finds_what_was_paid(
    stripe: Sandbox, buyer: APIClient, maya: User, key: str
) -> None:
    buying.buy_credits(stripe, buyer, "10.00")
    body = {**CREDITS, "payment_method_id": buying.cards(buyer)[0]["id"]}
    stripe.faults.add("timeout_after", "POST /v1/payment_intents/*/confirm")
    assert send(buyer, body, key).status_code == 503
    stripe.control.lose_events()
    with time_machine.travel(clock.now() + timedelta(minutes=16), tick=True):
        answers = [send(signed_in(maya), body, key) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 201]
        assert answers[0].json()["status"] == "completed"
        settle_everything(stripe)
        assert buying.balance(signed_in(maya)) == "30.00"


def test_a_retry_finds_what_was_bought_at_the_old_price(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, key: str
) -> None:
    buying.buy_credits(stripe, buyer, "250.00")
    body = a_bundle(ana) | {"amount": "100.00"}
    stripe.faults.add("timeout_before", "*", times=None)  # credits need no Stripe
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(idempotency, "_store_answer", crash)
        buyer.raise_request_exception = False
        assert send(buyer, body, key).status_code == 500
    IdempotencyKey.objects.update(leased_until=clock.now())
    ServicePrice.objects.update(amount_minor=12_000)
    assert send(buyer, body, key).json()["status"] == "completed"
    dearer = send(buyer, body | {"amount": "120.00"}, key)
    assert (dearer.status_code, dearer.json()["code"]) == (422, "idempotency_key_reused")
    stripe.faults.clear()
    assert buying.balance(buyer) == "150.00"


def test_a_refusal_after_something_was_made_keeps_the_key_for_it(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, key: str
) -> None:
    buying.buy_credits(stripe, buyer, "10.00")
    [card] = buying.cards(buyer)
    stripe.control.detach(card["stripe_payment_method_id"])
    stripe.control.lose_events()
    gone = send(buyer, {**CREDITS, "payment_method_id": card["id"]}, key)
    assert (gone.status_code, gone.json()["code"]) == (409, "card_removed")
    other_thing = send(buyer, a_bundle(ana), key)
    assert (other_thing.status_code, other_thing.json()["code"]) == (422, "idempotency_key_reused")


def crash(*args: Any, **kwargs: Any) -> Any:
    raise SystemError("as if the process had been killed here")


@pytest.mark.parametrize(
    "where",
    [
        "estuary.payments.checkout.begin_purchase.create_order",
        "estuary.payments.api.CreatePaymentView.CreatedPayment",
        "estuary.payments.idempotency._store_answer",
    ],
)
def test_a_request_whose_process_died_is_taken_up_by_its_retry(
    stripe: Sandbox,
    buyer: APIClient,
    ana: Practitioner,
    key: str,
    where: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    buying.buy_credits(stripe, buyer, "250.00")
    body = a_bundle(ana)
    buyer.raise_request_exception = False
    with monkeypatch.context() as dying:
        dying.setattr(where, crash)
        dying.setattr(idempotency, "_release_claim", crash)  # nothing is tidied up either
        assert send(buyer, body, key).status_code == 500
    in_flight = send(buyer, body, key)
    assert (in_flight.status_code, in_flight.json()["code"]) == (409, "idempotency_key_in_flight")
    assert in_flight["Retry-After"] == "1"
    IdempotencyKey.objects.update(leased_until="2026-01-01T00:00Z")
    assert send(buyer, body, key).json()["status"] == "completed"
    assert (buying.balance(buyer), Booking.objects.filter(position=0).count()) == ("150.00", 1)


def test_a_decline_is_told_again_and_the_card_not_tried_again(
    stripe: Sandbox, buyer: APIClient, key: str
) -> None:
    card = saved_and_declining(stripe, buyer)
    body = {**CREDITS, "payment_method_id": card}
    first, again = (send(buyer, body, key) for _ in range(2))
    assert (first.status_code, first.json()["code"]) == (402, "card_declined")
    assert (again.status_code, again.json(), again["Content-Type"]) == (
        402,
        first.json(),
        "application/problem+json",
    )
    confirmed = [sent for sent in stripe.requests if sent.path.endswith("/confirm")]
    assert len(confirmed) == 1
    assert send(buyer, body, str(uuid4())).status_code == 402
    assert len([sent for sent in stripe.requests if sent.path.endswith("/confirm")]) == 2


def saved_and_declining(stripe: Sandbox, buyer: APIClient) -> str:
    """Save a card that the bank declines when it is charged."""
    setup = buyer.post(SETUP).json()
    stripe.control.confirm_setup(setup["setup_intent_id"], card=buying.ATTACHES_THEN_DECLINES)
    settle_everything(stripe)
    return str(buying.cards(buyer)[0]["id"])


def test_a_key_belongs_to_one_request_of_one_user(
    stripe: Sandbox, buyer: APIClient, other: APIClient, key: str
) -> None:
    mine = send(buyer, CREDITS, key)
    changed = send(buyer, {**CREDITS, "amount": "30.00"}, key)
    assert (changed.status_code, changed.json()["code"]) == (422, "idempotency_key_reused")
    elsewhere = send(buyer, CREDITS, key, SETUP)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "idempotency_key_reused")
    other_answer = send(other, CREDITS, key)
    assert (other_answer.status_code, other_answer.json()["order_id"] == mine.json()["order_id"]) == (
        201,
        False,
    )


def test_a_refused_request_may_be_corrected_under_its_key(
    stripe: Sandbox, buyer: APIClient, key: str
) -> None:
    for wrong in ({**CREDITS, "amount": "-1"}, {"payment_type": "intent"}, {"service_id": "999999"}):
        assert send(buyer, wrong, key).status_code in {400, 404}
    assert not IdempotencyKey.objects.exists()
    assert send(buyer, CREDITS, key).status_code == 201


def test_a_key_that_is_freed_while_its_second_request_looks_is_taken_anew(
    stripe: Sandbox, buyer: APIClient, key: str
) -> None:
    def free() -> None:
        IdempotencyKey.objects.all().delete()
        connection.close()

    def refused_meanwhile(execute: Any, sql: str, *rest: Any) -> Any:
        if "payments_idempotencykey" in sql and sql.endswith("FOR NO KEY UPDATE"):
            with ThreadPoolExecutor(1) as the_first:
                the_first.submit(free).result()
        return execute(sql, *rest)

    assert send(buyer, CREDITS, key).status_code == 201
    IdempotencyKey.objects.update(status_code=None, order=None)  # as while it is still under way
    with connection.execute_wrapper(refused_meanwhile):
        assert send(buyer, CREDITS, key).status_code == 201
    assert IdempotencyKey.objects.get().order


@pytest.mark.parametrize("odd", ["", " ", "ä", "x" * 256, "tab\tbed"])
def test_a_key_that_is_none_is_refused(stripe: Sandbox, buyer: APIClient, odd: str) -> None:
    answer = send(buyer, CREDITS, odd)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")
    assert not Order.objects.exists()


def test_twenty_at_once_buy_one(stripe: Sandbox, maya: User, ana: Practitioner, key: str) -> None:
    buyer = signed_in(maya)
    buying.buy_credits(stripe, buyer, "250.00")
    body = a_bundle(ana)
    clients = [signed_in(maya) for _ in range(20)]

    def go(client: APIClient) -> int:
        try:
            return int(send(client, body, key).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(go, clients))
    assert set(answers) <= {201, 409} and 201 in answers
    assert (buying.balance(buyer), Booking.objects.filter(position=0).count()) == ("150.00", 1)


def test_a_card_that_is_being_saved_gets_the_same_set_up(stripe: Sandbox, buyer: APIClient, key: str) -> None:
    first, again = (send(buyer, {}, key, SETUP) for _ in range(2))
    assert (first.status_code, again.json()) == (201, first.json())
    assert len(stripe.state.store.setup_intents) == 1


def test_a_refund_is_given_once(stripe: Sandbox, buyer: APIClient, staff: APIClient, key: str) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    path = f"/api/v1/orders/{order['order_id']}/refunds/"
    first, again = (send(staff, {"amount": "10.00"}, key, path) for _ in range(2))
    assert (first.status_code, again.json()) == (201, first.json())
    settle_everything(stripe)
    assert (Refund.objects.count(), buying.balance(buyer)) == (1, "40.00")
    assert send(staff, {"amount": "10.00"}, str(uuid4()), path).status_code == 201
    settle_everything(stripe)
    assert (Refund.objects.count(), buying.balance(buyer)) == (2, "30.00")


def test_a_refund_whose_process_died_is_given_once(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    path = f"/api/v1/orders/{order['order_id']}/refunds/"
    staff.raise_request_exception = False
    with monkeypatch.context() as dying:
        dying.setattr("estuary.payments.order_api.views.try_send_now", crash)
        assert send(staff, {"amount": "10.00"}, key, path).status_code == 500
    assert send(staff, {"amount": "10.00"}, key, path).status_code == 201
    settle_everything(stripe)
    assert (Refund.objects.count(), buying.balance(buyer)) == (1, "40.00")


def test_old_keys_are_forgotten(stripe: Sandbox, buyer: APIClient, key: str) -> None:
    send(buyer, CREDITS, key)
    assert idempotency.delete_old_keys() == 0
    IdempotencyKey.objects.update(created_at="2026-01-01T00:00Z")
    assert idempotency.delete_old_keys() == 1


DECLINE = Decline("card_declined", "generic_decline", "Your card was declined.")


@pytest.mark.parametrize(
    "error",
    [StripeUnavailable("It does not answer."), NotEnoughCredits("Too few."), CardDeclined(DECLINE, None)],
    ids=lambda error: error.code,
)
def test_who_was_held_up_for_longer_than_its_lease_ends_nothing_of_its_retrys(
    maya: User, key: str, error: Exception
) -> None:
    held_up, _ = idempotency._claim(maya, key, "a wish")
    with time_machine.travel(clock.now() + idempotency.LEASE + timedelta(seconds=1), tick=True):
        idempotency._claim(maya, key, "a wish")  # its retry has taken over, and is under way
        idempotency._release_claim(held_up, error)
        with pytest.raises(idempotency.IdempotencyKeyInFlight):
            idempotency._claim(maya, key, "a wish")
