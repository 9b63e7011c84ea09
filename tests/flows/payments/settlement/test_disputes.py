"""A buyer's bank asks for a payment back: what was bought is flagged and frozen, then restored or taken."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings import fulfilment
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.credits.models import CreditTransaction
from estuary.orders.models import Order
from estuary.payments.models import Dispute, Refund
from estuary.payments.refunds.request_refund import send_refund
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service, make_sessions, signed_in
from tests.flows import buying
from tests.flows.buying import Json, order_of, pay, status_of
from tests.flows.disputing import a_session, close, dispute, guests, money_of, purse, shares
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

ENDS = pytest.mark.parametrize("outcome", ["won", "lost"])


@ENDS
@pytest.mark.parametrize("spent", [0, 6000, 10000], ids=["unspent", "partly spent", "fully spent"])
def test_bought_credits_are_frozen_then_restored_or_taken_back(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, spent: int, outcome: str
) -> None:
    order = buying.buy_credits(stripe, buyer, "100.00")
    if spent:
        assert a_session(stripe, buyer, ana, usd=spent, use_credits=True)["status"] == "completed"
    left = {0: "100.00", 6000: "40.00", 10000: "0.00"}[spent]
    opened = dispute(stripe, order)
    assert (purse(buyer), shares()) == (
        (left, "100.00", "0.00"),
        [("needs_response", 10000, 0, 0)],
    )
    close(stripe, opened, outcome)
    if outcome == "won":
        assert (purse(buyer), shares()) == ((left, "0.00", left), [("won", 0, 0, 0)])
        assert CreditTransaction.objects.filter(order=order_of(order)).count() == 1
    else:
        after = {0: "0.00", 6000: "-60.00", 10000: "-100.00"}[spent]
        assert (purse(buyer), shares()) == ((after, "0.00", "0.00"), [("lost", 0, 10000, 10000)])
    assert order_of(order).disputed == (outcome == "lost")
    assert money_of(order) == ("completed", 10000, 0, 10000 if outcome == "lost" else 0)
    # What was bought with the credits is not unwound: their debt is what is left to settle.
    assert set(Booking.objects.values_list("status", flat=True)) <= {"confirmed"}


def test_only_what_is_not_frozen_can_be_spent(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> None:
    order = buying.buy_credits(stripe, buyer, "100.00")
    buying.buy_credits(stripe, buyer, "30.00")
    dispute(stripe, order)
    assert purse(buyer) == ("130.00", "100.00", "30.00")
    bought = a_session(stripe, buyer, ana, usd=5000, use_credits=True)
    assert (bought["credits_applied"], bought["amount_due"]) == ("30.00", "20.00")
    assert purse(buyer) == ("100.00", "100.00", "0.00")


def test_many_spends_at_once_never_reach_what_is_frozen(
    stripe: Sandbox, buyer: APIClient, maya: User
) -> None:
    order = buying.buy_credits(stripe, buyer, "100.00")
    buying.buy_credits(stripe, buyer, "10.00")
    dispute(stripe, order)
    services = [make_service(ServiceType.SESSION, make_practitioner(), usd=1000) for _ in range(6)]
    wishes = [(service, a_free_slot(service).isoformat()) for service in services]
    buyers = [signed_in(maya) for _ in wishes]

    def take(number: int) -> str:
        service, start = wishes[number]
        try:
            body = {"service_id": str(service.pk), "use_credits": True}
            order = buying.create(buyers[number], **body, scheduling_data={"start_datetime": start})
            return str(order["credits_applied"])
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        applied = sorted(pool.map(take, range(6)))
    assert applied == ["0.00"] * 5 + ["10.00"]
    assert purse(buyer) == ("100.00", "100.00", "0.00")


@ENDS
def test_a_session_ahead_is_flagged_for_everyone_and_canceled_when_the_dispute_is_lost(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, outcome: str
) -> None:
    order = a_session(stripe, buyer, ana)
    opened = dispute(stripe, order, reason="product_not_received")
    shown = buying.detail(buyer, order)
    assert (shown["disputed"], shown["refundable"], shown["status"]) == (True, "0.00", "completed")
    expected = {"status": "open", "amount": "100.00", "currency": "usd", "reason": "product_not_received"}
    assert shown["dispute"].items() >= expected.items()
    assert ([b["disputed"] for b in buying.bookings(buyer)], guests(ana)) == ([True], [True])
    close(stripe, opened, outcome)
    shown, [booked] = buying.detail(buyer, order), buying.bookings(buyer)
    assert (shown["dispute"]["status"], shown["disputed"]) == (outcome, outcome == "lost")
    if outcome == "won":
        assert (shown["refundable"], booked["status"], guests(ana)) == ("100.00", "confirmed", [False])
        buying.refund(staff, order)
        settle_everything(stripe)
        assert status_of(order) == "refunded"
    else:
        assert (shown["refundable"], booked["status"], guests(ana)) == ("0.00", "canceled", [])
        assert (shown["refunded"], money_of(order)) == ("0.00", ("completed", 10000, 0, 10000))
        again = {
            "service_id": booked["service_id"],
            "scheduling_data": {"start_datetime": booked["start_datetime"]},
        }
        buying.create(buyer, **again)  # the slot is on sale again


def a_package(buyer: APIClient, stripe: Sandbox, ana: Practitioner, **body: Any) -> Json:
    """Three parts of 60, 50 and 40 dollars: a workshop soon, one later, and a massage without a time."""
    soon = make_service(ServiceType.WORKSHOP, make_practitioner("Bruno Costa"), usd=6000, name="Soon")
    late = make_service(ServiceType.WORKSHOP, make_practitioner("Clara Nunes"), usd=5000, name="Late")
    massage = make_service(ServiceType.SESSION, ana, usd=4000, name="Massage")
    seats = [(soon, make_sessions(soon, in_days=2)[0]), (late, make_sessions(late, in_days=20)[0])]
    package = make_service(
        ServiceType.PACKAGE, ana, holds=[soon, late, massage], usd=15000, validity_days=90, name="Package"
    )
    items = [{"service_id": str(of.pk), "service_session_id": str(seat.pk)} for of, seat in seats]
    order = buying.create(buyer, service_id=str(package.pk), scheduling_data={"items": items}, **body)
    pay(stripe, order)
    return order


@pytest.mark.parametrize(("applied", "back"), [(0, 0), (4000, 0), (9000, 3000)])
def test_what_took_place_stays_and_credits_that_paid_for_more_than_that_return(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, applied: int, back: int
) -> None:
    if applied:
        buying.buy_credits(stripe, buyer, f"{applied // 100}.00")
    order = a_package(buyer, stripe, ana, use_credits=bool(applied))
    opened = dispute(stripe, order)
    with time_machine.travel(clock.now() + timedelta(days=5), tick=True):
        fulfilment.close_past(at=clock.now())
        close(stripe, opened, "lost")
    assert dict(Booking.objects.values_list("service_name", "status")) == {
        "Package": "canceled",
        "Soon": "completed",
        "Late": "canceled",
        "Massage": "canceled",
    }
    assert list(ServiceSession.objects.order_by("starts_at").values_list("taken", flat=True)) == [1, 0]
    status = "partially_refunded" if back else "completed"
    assert money_of(order) == (status, 15000 - applied, back, 15000 - applied)
    assert purse(buyer)[0] == f"{back / 100:.2f}"


@ENDS
def test_of_an_order_paid_half_by_credits_the_card_is_lost_and_the_credits_of_what_ends_return(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, outcome: str
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    order = a_session(stripe, buyer, ana, use_credits=True)
    opened = dispute(stripe, order)
    assert (Dispute.objects.get().amount_minor, purse(buyer)) == (6000, ("0.00", "0.00", "0.00"))
    close(stripe, opened, outcome)
    if outcome == "won":
        assert (money_of(order), Refund.objects.count()) == (("completed", 6000, 0, 0), 0)
        assert buying.detail(buyer, order)["refundable"] == "100.00"
        return
    assert money_of(order) == ("partially_refunded", 6000, 4000, 6000)
    assert (purse(buyer), Booking.objects.get().status) == (("40.00", "0.00", "40.00"), "canceled")
    [returned] = buying.detail(buyer, order)["refunds"]
    assert (returned["to_card"], returned["to_credits"]) == ("0.00", "40.00")


def test_a_session_that_took_place_stays_and_its_credits_are_kept(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    buying.buy_credits(stripe, buyer, "40.00")
    order = a_session(stripe, buyer, ana, use_credits=True)
    with time_machine.travel(clock.now() + timedelta(days=30), tick=True):
        fulfilment.close_past(at=clock.now())
        close(stripe, dispute(stripe, order), "lost")
    assert (Booking.objects.get().status, purse(buyer)[0]) == ("completed", "0.00")
    assert money_of(order) == ("completed", 6000, 0, 6000)


def test_an_inquiry_freezes_and_takes_nothing_when_it_is_closed(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.buy_credits(stripe, buyer, "100.00")
    opened = dispute(stripe, order, inquiry=True)
    assert purse(buyer) == ("100.00", "100.00", "0.00")
    close(stripe, opened, "warning_closed")
    assert (purse(buyer), shares()) == (("100.00", "0.00", "100.00"), [("warning_closed", 0, 0, 0)])
    assert buying.detail(buyer, order)["dispute"]["status"] == "closed"


def test_an_inquiry_may_be_answered_by_a_refund_and_may_become_a_dispute(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "100.00")
    opened = dispute(stripe, order, inquiry=True)
    buying.refund(staff, order, amount="30.00")
    settle_everything(stripe)
    assert purse(buyer) == ("70.00", "70.00", "0.00")
    stripe.control.escalate_dispute(opened["id"])
    settle_everything(stripe)
    problem = staff.post(f"/api/v1/orders/{order['order_id']}/refunds/", {"amount": "10.00"}).json()
    assert (problem["status"], problem["code"]) == (409, "charge_disputed")
    close(stripe, opened, "lost")
    assert (purse(buyer)[0], shares()) == ("0.00", [("lost", 0, 7000, 7000)])


def test_a_lost_dispute_that_is_won_after_all_brings_the_credits_again(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "100.00")
    opened = dispute(stripe, order)
    close(stripe, opened, "lost")
    stripe.control.appeal_dispute(opened["id"])
    settle_everything(stripe)
    assert shares() == [("lost", 0, 10000, 10000)]  # what is closed never opens again
    close(stripe, opened, "won")
    assert (purse(buyer), shares()) == (("100.00", "0.00", "100.00"), [("won", 0, 0, 0)])
    ledger = CreditTransaction.objects.order_by("id").values_list("kind", "amount_minor")
    assert list(ledger) == [("purchase", 10000), ("adjustment", -10000), ("adjustment", 10000)]


def test_several_disputes_of_one_charge_freeze_and_take_their_own_parts(
    stripe: Sandbox, buyer: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "100.00")
    first, second = dispute(stripe, order, amount=3333), dispute(stripe, order, amount=5000)
    assert purse(buyer) == ("100.00", "83.33", "16.67")
    close(stripe, first, "lost")
    assert purse(buyer) == ("66.67", "50.00", "16.67")
    close(stripe, second, "won")
    assert (purse(buyer), money_of(order)) == (("66.67", "0.00", "66.67"), ("completed", 10000, 0, 3333))
    assert buying.detail(buyer, order)["dispute"]["status"] == "lost"


def test_a_part_that_is_lost_leaves_the_bookings_to_staff_until_all_is(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    order = a_session(stripe, buyer, ana)
    close(stripe, dispute(stripe, order, amount=2500), "lost")
    assert (Booking.objects.get().status, order_of(order).lost_minor) == ("confirmed", 2500)
    close(stripe, dispute(stripe, order), "lost")
    assert (Booking.objects.get().status, order_of(order).lost_minor) == ("canceled", 10000)


def test_only_what_is_not_refunded_yet_is_frozen_and_taken(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "33.33")
    buying.refund(staff, order, amount="11.11")
    settle_everything(stripe)
    opened = dispute(stripe, order)
    assert (purse(buyer), shares()[0][1]) == (("22.22", "22.22", "0.00"), 2222)
    close(stripe, opened, "lost")
    assert (purse(buyer), shares()) == (("0.00", "0.00", "0.00"), [("lost", 0, 2222, 2222)])
    # The refund comes back from the buyer's bank: now the dispute has taken all of it.
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    assert (purse(buyer)[0], shares()) == ("0.00", [("lost", 0, 3333, 3333)])
    assert money_of(order) == ("completed", 3333, 0, 3333)


def test_a_charge_that_is_refunded_already_has_nothing_left_to_freeze(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    buying.refund(staff, order)
    settle_everything(stripe)
    close(stripe, dispute(stripe, order), "lost")
    assert (purse(buyer)[0], shares()) == ("0.00", [("lost", 0, 0, 0)])
    assert money_of(order) == ("refunded", 5000, 5000, 0)
    answer = staff.post(f"/api/v1/orders/{order['order_id']}/refunds/", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_refundable")


@ENDS
def test_what_is_canceled_in_time_during_a_dispute_comes_back_once(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, mailoutbox: list[Any], outcome: str
) -> None:
    """From us if the bank leaves the money here, or else from the bank; the credits beside it in both cases."""
    buying.buy_credits(stripe, buyer, "40.00")
    order = a_session(stripe, buyer, ana, use_credits=True)
    opened = dispute(stripe, order)
    address = f"/api/v1/bookings/{Booking.objects.get(order=order_of(order)).pk}/cancel/"
    assert buyer.get(address).json()["returned"] == "100.00"
    assert buyer.post(address).json()["refund"]["status"] == "requested"
    settle_everything(stripe)
    [mail] = [mail for mail in mailoutbox if "canceled" in mail.subject]
    assert "If your bank leaves it with us, 100.00 USD goes back to you: 60.00 USD to" in mail.body
    assert money_of(order) == ("completed", 6000, 0, 0)
    close(stripe, opened, outcome)
    send_refund(Refund.objects.get(origin="buyer").pk)
    settle_everything(stripe)
    won = outcome == "won"
    assert money_of(order) == (
        ("refunded", 6000, 10000, 0) if won else ("partially_refunded", 6000, 4000, 6000)
    )
    assert purse(buyer)[0] == "40.00"


def test_what_is_canceled_in_time_during_an_inquiry_comes_back_at_once(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    order = a_session(stripe, buyer, ana)
    opened = dispute(stripe, order, inquiry=True)
    address = f"/api/v1/bookings/{Booking.objects.get().pk}/cancel/"
    assert buyer.get(address).json()["returned"] == "100.00"
    assert buyer.post(address).json()["refund"]["amount"] == "100.00"
    settle_everything(stripe)
    close(stripe, opened, "warning_closed")
    assert money_of(order) == ("refunded", 10000, 10000, 0)


def test_what_is_canceled_after_a_loss_in_part_returns_nothing(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    """Staff decide then."""
    order = a_session(stripe, buyer, ana)
    close(stripe, dispute(stripe, order, amount=3000), "lost")
    address = f"/api/v1/bookings/{Booking.objects.get().pk}/cancel/"
    assert buyer.get(address).json()["returned"] == "0.00"
    assert buyer.post(address).json()["refund"] is None
    assert (Booking.objects.get().status, Refund.objects.count()) == ("canceled", 0)
    assert Order.objects.get().status == status_of(order) == "completed"


def test_staff_are_told_at_the_opening_with_the_deadline_and_at_the_end(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.STAFF_MAIL = "staff@estuary.example"
    order = a_session(stripe, buyer, ana)
    opened = dispute(stripe, order)
    due_by = Dispute.objects.get().due_by
    assert due_by is not None
    [mail] = [mail for mail in mailoutbox if "dispute_opened" in mail.subject]
    for text in (order["order_id"], opened["id"], "100.00 USD", f"{due_by:%d %b %Y, %H:%M}"):
        assert text in mail.body
    close(stripe, opened, "lost")
    [mail] = [mail for mail in mailoutbox if "dispute_closed" in mail.subject]
    assert "bookings that lay ahead are canceled" in mail.body
    [mail] = [mail for mail in mailoutbox if "bank has returned your payment" in mail.subject]
    assert mail.to == [order_of(order).user.email]
