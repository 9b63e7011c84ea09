"""A date is called off: every guest is refunded by the tender that was used, nobody keeps a seat, all are told."""

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from estuary.accounts.models import AuditLogEntry, Practitioner
from estuary.bookings.models import Booking, Participant, Reservation
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.orders.models import Order
from estuary.payments.models import DateChange, DateChangeRow, Refund
from stripe_sandbox import Sandbox
from tests.factories import buy, make_practitioner, make_service, make_sessions, make_user
from tests.flows import buying
from tests.flows.payments.dates.acting import (
    CARD,
    CREDITS,
    MIXED,
    PAGE,
    act,
    buy_seat,
    by_tender,
    call_off_url,
    guests,
    host,
    preview,
    progress,
    refusal,
)
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_guest_is_refunded_by_the_tender_that_was_used(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, mailoutbox: list[EmailMessage]
) -> None:
    bought = guests(stripe, workshop, 12)
    me = host(ana)
    shown = preview(me, call_off_url(workshop))
    assert (shown["guests"], shown["unpaid_orders"]) == (12, 0)
    # 3 by card, 3 with credits, 3 of each 70.00 and 30.00, 3 on the hosted page.
    assert by_tender(shown) == {"payment_method": 81_000, "credits": 39_000}
    mailoutbox.clear()

    change = act(me, call_off_url(workshop), message="I am ill. <b>Sorry!</b>")
    settle_everything(stripe)

    state = progress(me, change)
    assert (state["status"], state["progress"]) == ("done", {"total": 15, "done": 15, "held_back": 0})
    assert by_tender(state) == by_tender(shown)
    for buyer, purchase, tender in bought:
        assert buying.status_of(purchase) == "refunded"
        assert (
            buying.balance(buyer) == {CARD: "0.00", CREDITS: "100.00", MIXED: "30.00", PAGE: "0.00"}[tender]
        )
        assert [booking["status"] for booking in buying.bookings(buyer)] == ["canceled"]
    assert {refund.origin for refund in Refund.objects.all()} == {"practitioner"}
    assert not Participant.objects.filter(active=True).exists()
    assert not Reservation.objects.exclude(status="released").exists()
    called_off = [mail for mail in mailoutbox if "does not take place" in mail.subject]
    assert sorted(to for mail in called_off for to in mail.to) == sorted(
        order.user.email for order in Order.objects.filter(type="direct").select_related("user")
    )
    assert all("I am ill. <b>Sorry!</b>" in str(mail.body) for mail in called_off)


def test_the_date_is_sold_to_nobody_any_more(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    act(host(ana), call_off_url(workshop))
    settle_everything(stripe)
    listed = buyer.get(f"/api/v1/services/{workshop.service_id}/sessions/").json()["results"]
    assert listed == []
    buying.refused(
        buyer,
        409,
        "session_called_off",
        service_id=str(workshop.service_id),
        scheduling_data={"service_session_id": str(workshop.pk)},
    )
    buying.refused(buyer, 400, "scheduling_required", service_id=str(workshop.service_id))


def test_what_changed_since_the_preview_is_shown_and_nothing_is_done(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient, other: APIClient
) -> None:
    buy_seat(stripe, buyer, workshop)
    me = host(ana)
    shown = preview(me, call_off_url(workshop))
    buy_seat(stripe, other, workshop)
    answer = me.post(call_off_url(workshop), {"preview_id": shown["preview_id"]})
    assert refusal(answer) == (409, "preview_outdated")
    assert not DateChange.objects.exists()
    fresh = answer.json()["preview"]
    assert fresh["guests"] == 2
    assert me.post(call_off_url(workshop), {"preview_id": fresh["preview_id"]}).status_code == 202


def test_the_same_confirmation_twice_is_one_change(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    buy_seat(stripe, buyer, workshop)
    me = host(ana)
    body = {"preview_id": preview(me, call_off_url(workshop))["preview_id"]}
    first, second = (me.post(call_off_url(workshop), body) for _ in range(2))
    assert first.json()["change_id"] == second.json()["change_id"]
    settle_everything(stripe)
    assert Refund.objects.count() == DateChange.objects.count() == 1


def test_unpaid_orders_end_and_nothing_is_charged(
    stripe: Sandbox,
    ana: Practitioner,
    workshop: ServiceSession,
    buyer: APIClient,
    mailoutbox: list[EmailMessage],
) -> None:
    order = buying.service(buyer, workshop.service, service_session_id=str(workshop.pk))
    me = host(ana)
    assert [row["act"] for row in preview(me, call_off_url(workshop))["rows"]] == ["end_order"]
    act(me, call_off_url(workshop))
    settle_everything(stripe)
    assert buying.status_of(order) == "canceled"
    intent = stripe.state.store.payment_intents.get(order["payment_intent_id"])
    assert intent is not None
    assert intent["status"] == "canceled"
    assert [mail.subject for mail in mailoutbox] == ["Breathwork does not take place"]


def test_a_guest_who_pays_after_the_change_began_is_refunded(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    order = buying.service(buyer, workshop.service, service_session_id=str(workshop.pk))
    me = host(ana)
    change = act(me, call_off_url(workshop))
    buying.pay(stripe, order)
    assert buying.status_of(order) == "refunded"
    state = progress(me, change)
    assert (state["status"], by_tender(state)) == ("done", {"payment_method": 10_000})


def test_a_payment_at_its_bank_is_refunded_when_it_arrives(
    stripe: Sandbox,
    ana: Practitioner,
    workshop: ServiceSession,
    buyer: APIClient,
    mailoutbox: list[EmailMessage],
) -> None:
    order = buying.service(buyer, workshop.service, service_session_id=str(workshop.pk))
    stripe.control.confirm(order["payment_intent_id"], method="us_bank_account")
    settle_everything(stripe)
    assert buying.status_of(order) == "processing"
    mailoutbox.clear()
    act(host(ana), call_off_url(workshop))
    settle_everything(stripe)
    assert buying.status_of(order) == "canceled"
    assert [mail.subject for mail in mailoutbox] == ["Breathwork does not take place"]
    stripe.control.settle(order["payment_intent_id"])
    settle_everything(stripe)
    assert buying.status_of(order) == "refunded"
    assert [refund.status for refund in Refund.objects.all()] == ["succeeded"]


def test_a_refund_that_was_given_before_is_not_given_again(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient, staff: APIClient
) -> None:
    order = buy_seat(stripe, buyer, workshop)
    buying.refund(staff, order, amount="30.00")
    settle_everything(stripe)
    act(host(ana), call_off_url(workshop))
    settle_everything(stripe)
    assert sorted(refund.card_minor for refund in Refund.objects.all()) == [3_000, 7_000]


def test_a_guest_who_cancels_meanwhile_is_refunded_once(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    order = buy_seat(stripe, buyer, workshop)
    me = host(ana)
    change = act(me, call_off_url(workshop))
    [shown] = buying.bookings(buyer)
    answer = buyer.post(f"/api/v1/bookings/{shown['id']}/cancel/")
    assert refusal(answer) == (409, "booking_not_cancelable")
    settle_everything(stripe)
    assert buying.status_of(order) == "refunded"
    assert Refund.objects.count() == 1
    [row] = progress(me, change)["rows"]
    assert (row["act"], row["status"]) == ("refund", "done")


def test_a_1_on_1_booking_is_called_off_by_its_practitioner(
    stripe: Sandbox, ana: Practitioner, buyer: APIClient
) -> None:
    lesson = make_service(ServiceType.SESSION, ana)
    order = buying.with_credits(buyer, lesson)
    buying.pay(stripe, order)
    booking = Booking.objects.get()
    act(host(ana), f"/api/v1/roster/bookings/{booking.pk}/call-off/")
    settle_everything(stripe)
    assert buying.status_of(order) == "refunded"


def test_a_practitioner_calls_off_only_what_is_the_practitioners_own(
    ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    stranger = host(make_practitioner("Bela Novak"))
    for url in (call_off_url(workshop), f"/api/v1/roster/sessions/{workshop.pk}/move/"):
        body = {"preview_id": "prv_1", "start_datetime": "2090-01-01T10:00:00Z"}
        assert stranger.get(url, body).status_code == stranger.post(url, body).status_code == 404
        assert refusal(buyer.post(url, body)) == (403, "practitioners_only")
        assert APIClient().post(url, body).status_code == 401
    assert ServiceSession.objects.get().called_off_at is None


def test_what_has_begun_or_is_called_off_can_not_be_called_off(
    ana: Practitioner, workshop: ServiceSession
) -> None:
    me = host(ana)
    act(me, call_off_url(workshop))
    assert refusal(me.get(call_off_url(workshop))) == (409, "already_called_off")
    assert refusal(me.post(call_off_url(workshop), {"preview_id": "prv_2"})) == (409, "already_called_off")
    [started] = make_sessions(workshop.service, in_days=-1)
    assert refusal(me.get(call_off_url(started))) == (409, "date_begun")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"preview_id": 7},
        {"preview_id": "p" * 65},
        {"preview_id": "prv_1", "message": "x" * 1001},
        {"preview_id": "prv_1", "message": "turned \u202e round"},
        {"preview_id": "prv_1", "message": ["no text"]},
        {"preview_id": "prv_1", "reason": "x" * 201},
    ],
)
def test_bad_input_is_a_400_that_names_the_field(
    ana: Practitioner, workshop: ServiceSession, body: dict[str, object]
) -> None:
    answer = host(ana).post(call_off_url(workshop), body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert ServiceSession.objects.get().called_off_at is None


def test_who_called_off_what_and_why_is_on_record(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, buyer: APIClient
) -> None:
    buy_seat(stripe, buyer, workshop)
    me = host(ana)
    body = {"preview_id": preview(me, call_off_url(workshop))["preview_id"], "reason": "The hall is flooded"}
    me.post(call_off_url(workshop), body)
    change = DateChange.objects.get()
    assert (change.requested_by, change.reason, change.by_staff) == (ana.user, "The hall is flooded", False)
    entry = AuditLogEntry.objects.get(object_repr=change.public_id)
    assert "The hall is flooded" in entry.change_message
    assert entry.user == ana.user


def test_a_worker_that_dies_over_it_leaves_the_rest_to_the_next(
    stripe: Sandbox, ana: Practitioner, workshop: ServiceSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    from estuary.payments.dates import carry_out

    guests(stripe, workshop, 4)
    me = host(ana)
    change = act(me, call_off_url(workshop))
    whole, turns = carry_out._carry_out_order, iter(range(10))

    def die_at_the_third(*arguments: object) -> None:
        if next(turns) == 2:
            raise SystemExit
        whole(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(carry_out, "_carry_out_order", die_at_the_third)
    with pytest.raises(SystemExit):
        run_jobs()
    assert progress(me, change)["status"] == "running"
    assert DateChangeRow.objects.filter(status="done").exists()
    settle_everything(stripe)
    assert progress(me, change)["status"] == "done"
    assert {order.status for order in Order.objects.filter(type="direct")} == {"refunded"}


def test_previewing_and_confirming_take_as_many_queries_for_many_guests_as_for_few(
    ana: Practitioner, workshop: ServiceSession
) -> None:
    me = host(ana)
    counts = set()
    for how_many in (2, 12):
        [session] = make_sessions(workshop.service, capacity=50, in_days=20 + how_many)
        from estuary.bookings.order_lines import ScheduleRequest

        for number in range(how_many):
            buy(make_user(f"Guest{number} Row"), session.service, wish=ScheduleRequest(session_id=session.pk))
        with CaptureQueriesContext(connection) as previewing:
            shown = preview(me, call_off_url(session))
        with CaptureQueriesContext(connection) as confirming:
            answer = me.post(call_off_url(session), {"preview_id": shown["preview_id"]})
        assert answer.status_code == 202
        counts.add((len(previewing), len(confirming)))
    assert len(counts) == 1, counts
