"""A date is called off while its payment is disputed: credits go back at once, the card's money as the bank decides."""

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking, Participant
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.payments.models import Refund
from estuary.payments.tasks import sweep_minute
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_sessions
from tests.flows import buying
from tests.flows.buying import Json
from tests.flows.disputing import close, dispute, money_of, purse
from tests.flows.payments.dates.acting import MIXED, act, buy_seat, call_off_url, host, preview, progress
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

# A seat costs 100.00. By the tender MIXED, 70.00 of it is paid by card and 30.00 with credits.


def sweep(stripe: Sandbox) -> None:
    sweep_minute(0)
    settle_everything(stripe)


def refunds() -> list[tuple[int, int, str]]:
    rows = Refund.objects.order_by("pk")
    return list(rows.values_list("card_minor", "credits_minor", "status"))


def rows_of(ana: Practitioner, change: Json) -> list[tuple[str, str, str, str]]:
    rows = progress(host(ana), change)["rows"]
    return [(row["act"], row["status"], row["tender"], row["amount"]) for row in rows]


def test_a_disputed_payment_is_refunded_once_the_dispute_is_won(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    order = buy_seat(stripe, buyer, workshop)
    opened = dispute(stripe, order)
    me = host(ana)
    shown = preview(me, call_off_url(workshop))
    assert [(row["act"], row["amount"]) for row in shown["rows"]] == [("hold_back", "100.00")]
    assert "disputed" in shown["rows"][0]["why"]
    change = act(me, call_off_url(workshop))
    settle_everything(stripe)
    assert progress(me, change)["progress"] == {"total": 1, "done": 0, "held_back": 1}
    assert not Refund.objects.exists()
    assert not Participant.objects.filter(active=True).exists()
    close(stripe, opened, "won")
    sweep(stripe)
    assert refunds() == [(10_000, 0, "succeeded")]
    assert progress(me, change)["progress"] == {"total": 1, "done": 1, "held_back": 0}


def test_a_lost_dispute_leaves_nothing_to_refund(
    stripe: Sandbox,
    ana: Practitioner,
    workshop: ServiceSession,
    buyer: APIClient,
    mailoutbox: list[EmailMessage],
) -> None:
    order = buy_seat(stripe, buyer, workshop)
    opened = dispute(stripe, order)
    change = act(host(ana), call_off_url(workshop))
    settle_everything(stripe)
    close(stripe, opened, "lost")
    mailoutbox.clear()
    sweep(stripe)
    assert rows_of(ana, change) == [("hold_back", "done", "none", "0.00")]
    assert (refunds(), mailoutbox) == ([], [])


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_credits_that_paid_a_part_go_back_at_once_whatever_the_bank_decides(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient, outcome: str
) -> None:
    order = buy_seat(stripe, buyer, workshop, MIXED)
    opened = dispute(stripe, order)
    change = act(host(ana), call_off_url(workshop))
    settle_everything(stripe)
    assert purse(buyer)[0] == "30.00"
    assert rows_of(ana, change) == [
        ("refund", "done", "credits", "30.00"),
        ("hold_back", "held_back", "payment_method", "70.00"),
    ]
    close(stripe, opened, outcome)
    sweep(stripe)
    credits_alone = (0, 3_000, "succeeded")
    if outcome == "won":
        assert refunds() == [credits_alone, (7_000, 0, "succeeded")]
        assert buying.status_of(order) == "refunded"
    else:
        assert refunds() == [credits_alone]
        assert money_of(order) == ("partially_refunded", 7_000, 3_000, 7_000)
    assert purse(buyer)[0] == "30.00"
    assert Booking.objects.get().status == "canceled"


@pytest.fixture
def package(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> tuple[Json, ServiceSession, ServiceSession]:
    """Two workshops of 50.00 for 100.00: 60.00 of it paid by card, 40.00 with credits."""
    called_off, other = (
        make_service(ServiceType.WORKSHOP, ana, usd=5_000, name=name) for name in ("One", "Two")
    )
    [session], [another] = make_sessions(called_off, 1), make_sessions(other, 1, in_days=9)
    both = make_service(ServiceType.PACKAGE, ana, holds=[called_off, other], usd=10_000)
    items = [
        {"service_id": str(one.service_id), "service_session_id": str(one.pk)} for one in (session, another)
    ]
    buying.buy_credits(stripe, buyer, "40.00")
    scheduling = {"items": items}
    order = buying.create(buyer, service_id=str(both.pk), scheduling_data=scheduling, use_credits=True)
    buying.pay(stripe, order)
    return order, session, another


def call_off_disputed(
    stripe: Sandbox, ana: Practitioner, order: Json, session: ServiceSession, outcome: str, **more: int
) -> None:
    opened = dispute(stripe, order, **more)
    act(host(ana), call_off_url(session))
    settle_everything(stripe)
    close(stripe, opened, outcome)
    sweep(stripe)


def test_of_a_part_that_was_called_off_all_unused_credits_return_when_the_dispute_is_lost(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, package: tuple[Json, ServiceSession, ServiceSession]
) -> None:
    order, session, _ = package
    call_off_disputed(stripe, ana, order, session, "lost")
    # Neither takes place for this buyer: the bank has returned 60.00.
    assert purse(buyer)[0] == "40.00"
    assert money_of(order) == ("partially_refunded", 6_000, 4_000, 6_000)


@pytest.mark.parametrize("used", ["completed", "canceled too late"])
@pytest.mark.parametrize("is_called_off_first", [True, False])
def test_credits_pay_first_for_the_part_that_took_place_whatever_comes_first(
    stripe: Sandbox,
    ana: Practitioner,
    buyer: APIClient,
    package: tuple[Json, ServiceSession, ServiceSession],
    is_called_off_first: bool,
    used: str,
) -> None:
    order, session, another = package
    other = Booking.objects.get(session=another)
    if used == "completed":
        Booking.objects.filter(pk=other.pk).update(status="completed")
    else:
        row = buying.order_of(order)
        row.snapshot["free_cancel_hours"] = 9_999
        row.save()
        assert buyer.post(f"/api/v1/bookings/{other.pk}/cancel/").json()["refund"] is None
    if is_called_off_first:
        call_off_disputed(stripe, ana, order, session, "lost")
    else:
        close(stripe, dispute(stripe, order), "lost")
        sweep(stripe)
    assert (purse(buyer)[0], money_of(order)) == ("0.00", ("completed", 6_000, 0, 6_000))


def test_a_part_that_was_called_off_is_refunded_by_card_once_the_dispute_is_won(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient, package: tuple[Json, ServiceSession, ServiceSession]
) -> None:
    order, session, _ = package
    call_off_disputed(stripe, ana, order, session, "won")
    assert refunds() == [(5_000, 0, "succeeded")]


def test_of_a_loss_in_part_no_more_is_due_for_one_part_than_the_other_leaves(
    stripe: Sandbox,
    ana: Practitioner,
    package: tuple[Json, ServiceSession, ServiceSession],
    mailoutbox: list[EmailMessage],
    settings: Settings,
) -> None:
    settings.STAFF_MAIL = "desk@estuary.example"
    order, session, _ = package
    call_off_disputed(stripe, ana, order, session, "lost", amount=2_000)
    [alert] = [mail for mail in mailoutbox if "called_off_rest_due" in mail.subject]
    # 100.00 less the 20.00 that the bank has returned, and less 50.00 for the part that is still to come.
    assert "30.00 USD" in alert.body
    assert refunds() == []


@pytest.mark.parametrize("is_lost_first", [True, False])
def test_of_a_payment_that_is_lost_in_part_credits_go_back_and_staff_hear_of_the_rest(
    stripe: Sandbox,
    ana: Practitioner,
    workshop: ServiceSession,
    buyer: APIClient,
    mailoutbox: list[EmailMessage],
    settings: Settings,
    is_lost_first: bool,
) -> None:
    settings.STAFF_MAIL = "desk@estuary.example"
    order = buy_seat(stripe, buyer, workshop, MIXED)
    opened = dispute(stripe, order, amount=2_000)
    if is_lost_first:
        close(stripe, opened, "lost")
    change = act(host(ana), call_off_url(workshop))
    settle_everything(stripe)
    if not is_lost_first:
        close(stripe, opened, "lost")
    sweep(stripe)
    assert purse(buyer)[0] == "30.00"
    assert rows_of(ana, change) == [
        ("refund", "done", "credits", "30.00"),
        ("hold_back", "done", "none", "0.00"),
    ]
    [alert] = [mail for mail in mailoutbox if "called_off_rest_due" in mail.subject]
    # 70.00 was paid by card, of which the bank has returned 20.00.
    assert "50.00 USD" in alert.body
    why = progress(host(ana), change)["rows"][1]["why"]
    assert why == "The bank has returned a part of the payment. Staff return the rest of it another way."
    sweep(stripe)
    assert len([mail for mail in mailoutbox if "called_off_rest_due" in mail.subject]) == 1
