"""A date is called off while fifty people pay for it: nobody ends up paid without a seat or a refund."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Participant, Reservation
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.orders.models import Order
from estuary.payments.models import DateChange, Refund
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_sessions, make_user, signed_in
from tests.flows.buying import CREATE, Json, pay_only
from tests.flows.payments.dates.acting import call_off_url, host, move_url
from tests.flows.test_crowds import all_at_once, answer_to
from tests.sandbox_bridge import post_all, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 50


@pytest.fixture
def workshop(ana: Practitioner) -> ServiceSession:
    [session] = make_sessions(make_service(ServiceType.WORKSHOP, ana), capacity=CROWD)
    return session


def call_off_until_done(practitioner: APIClient, session: ServiceSession, started: threading.Event) -> int:
    """Confirm the preview, and each new one, as somebody does who looks again; returns how often it was outdated."""
    url, outdated = call_off_url(session), 0
    started.wait()
    while (shown := practitioner.get(url)).status_code == 503:
        pass
    assert shown.status_code == 200, shown.json()
    preview = shown.json()
    while True:
        answer = practitioner.post(url, {"preview_id": preview["preview_id"]})
        if answer.status_code == 202:
            return outdated
        if answer.status_code != 503:
            assert answer.json()["code"] == "preview_outdated", answer.json()
            preview, outdated = answer.json()["preview"], outdated + 1


def test_fifty_pay_for_a_date_while_it_is_called_off(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession
) -> None:
    """Each buyer orders and pays on a thread of its own; the practitioner begins in the middle of it."""
    body = {
        "service_id": str(workshop.service_id),
        "scheduling_data": {"service_session_id": str(workshop.pk)},
    }
    crowd = [signed_in(make_user(f"Buyer{number} Crowd")) for number in range(CROWD)]
    me, started = host(ana), threading.Event()

    def buy(number: int, buyer: APIClient) -> str:
        if number == CROWD // 3:
            started.set()
        answer = buyer.post(CREATE, body)
        while answer.status_code == 503:
            answer = buyer.post(CREATE, body)
        if answer.status_code != 201:
            return str(answer.json()["code"])
        pay_only(stripe, answer.json())
        return "paid"

    acts: list[Callable[[], str | int]] = [partial(buy, *one) for one in enumerate(crowd)]
    acts.append(partial(call_off_until_done, me, workshop, started))
    outcomes = all_at_once(acts)
    counts = Counter(str(outcome) for outcome in outcomes[:-1])
    assert set(counts) <= {"paid", "session_called_off"}
    post_all(stripe)
    settle_everything(stripe)
    assert DateChange.objects.get().status == "done"
    assert not Participant.objects.filter(active=True).exists()
    assert not Reservation.objects.exclude(status="released").exists()
    paid = Order.objects.filter(captured_minor__gt=0)
    assert {order.status for order in paid} <= {"refunded"}
    assert Refund.objects.filter(status="succeeded").count() == paid.count()
    intents = [intent for intent in stripe.state.store.payment_intents if intent["status"] == "succeeded"]
    refunded = {refund["payment_intent"] for refund in stripe.state.store.refunds}
    assert {intent["id"] for intent in intents} == refunded


def test_of_twenty_confirmations_at_once_one_calls_the_date_off(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession
) -> None:
    guests = [signed_in(make_user(f"Guest{number} Twice")) for number in range(3)]
    for guest in guests:
        pay_only(
            stripe,
            guest.post(
                CREATE,
                {
                    "service_id": str(workshop.service_id),
                    "scheduling_data": {"service_session_id": str(workshop.pk)},
                },
            ).json(),
        )
    settle_everything(stripe)
    tabs = [host(ana) for _ in range(20)]
    body = {"preview_id": tabs[0].get(call_off_url(workshop)).json()["preview_id"]}
    assert set(changes_of(tabs, call_off_url(workshop), body)) == {202}
    settle_everything(stripe)
    assert DateChange.objects.count() == 1
    assert Refund.objects.count() == 3


def test_of_twenty_confirmations_at_once_one_moves_the_date(
    ana: Practitioner, workshop: ServiceSession
) -> None:
    tabs = [host(ana) for _ in range(20)]
    new = {"start_datetime": (workshop.starts_at + timedelta(days=1)).isoformat()}
    body = {**new, "preview_id": tabs[0].get(move_url(workshop), new).json()["preview_id"]}
    assert set(changes_of(tabs, move_url(workshop), body)) == {202}
    assert DateChange.objects.count() == 1


def changes_of(tabs: Sequence[APIClient], url: str, body: Json) -> Counter[int]:
    """Confirm one preview in all tabs at once, and return the statuses of the answers."""
    answers = Counter(all_at_once(answer_to(tab, url, body) for tab in tabs))
    return Counter(status for status, _ in answers)
