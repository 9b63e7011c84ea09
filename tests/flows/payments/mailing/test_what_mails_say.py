"""What mails say of times and money: in the shop’s format, whole dates, sums, where they go and how long it takes."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.db import transaction
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking
from estuary.bookings.order_lines import ScheduleRequest
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.catalog.venues import Venue
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments import tasks
from estuary.payments.models import Refund
from estuary.payments.order_api.moving import move_and_announce
from estuary.payments.refunds.cancellation import cancel_without_refund
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_service, make_sessions
from tests.flows import buying
from tests.flows.disputing import close, dispute
from tests.flows.payments.dates.acting import act, call_off_url, host
from tests.flows.payments.mailing.reading import words_of_html
from tests.sandbox_bridge import run_jobs, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

BERLIN, LISBON = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Lisbon")
BY_CARD = "What goes back to a card or a bank account is there within 5 to 10 business days"
AS_CREDITS = "Credits are on your account at once"


@pytest.fixture
def workshop(ana: Practitioner) -> Service:
    """Two dates of two hours in a room in Berlin; Ana's own zone is Lisbon's."""
    room = Venue.objects.create(
        practitioner=ana, name="Studio", address="Oranienstraße 25\n10999 Berlin", time_zone="Europe/Berlin"
    )
    service = make_service(ServiceType.WORKSHOP, ana, name="Sound bath", venue=room)
    make_sessions(service, 2)
    return service


def dates(workshop: Service) -> tuple[ServiceSession, ServiceSession]:
    first, second = workshop.sessions.order_by("starts_at")
    return first, second


def order_seat(buyer: APIClient, workshop: Service, **body: object) -> buying.Json:
    seat = {"service_session_id": str(dates(workshop)[0].pk)}
    return buying.create(buyer, service_id=str(workshop.pk), scheduling_data=seat, **body)


def buy(
    stripe: Sandbox, buyer: APIClient, workshop: Service, *, card: str = buying.FINE, **body: object
) -> buying.Json:
    purchase = order_seat(buyer, workshop, **body)
    buying.pay(stripe, purchase, card)
    return purchase


def the_mail(mailoutbox: list[EmailMessage], user: User, word: str) -> str:
    """Return what people read of the only mail with this word in its subject."""
    [mail] = [mail for mail in mailoutbox if mail.to == [user.email] and word in mail.subject]
    return words_of_html(mail)


def written(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment as mails write it: ``Friday, December 4, 2026, 2:00 PM CET``."""
    at = moment.astimezone(zone)
    hour = f"{at.hour % 12 or 12}:{at:%M} {'AM' if at.hour < 12 else 'PM'}"
    return f"{at:%A, %B} {at.day}, {at.year}, {hour} {at.tzname()} ({zone.key})"


def test_times_are_written_as_the_shop_writes_them(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    buy(stripe, buyer, workshop)
    text = the_mail(mailoutbox, maya, "Thank you")
    session = dates(workshop)[0]
    # 21:00 to 23:00 in winter, 22:00 to 24:00 in summer.
    begins = written(session.starts_at, BERLIN).partition(" CE")[0]
    assert f"{begins} – " in text
    assert f"{written(session.ends_at, BERLIN).rpartition(', ')[2]}" in text
    assert written(session.starts_at - timedelta(hours=24), BERLIN) in text


def test_who_moves_a_booking_reads_when_it_was_and_until_when_it_is_free_to_cancel(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    buy(stripe, buyer, workshop)
    [booking] = buying.bookings(buyer)
    old, new = dates(workshop)
    mailoutbox.clear()
    moved = buyer.post(f"/api/v1/bookings/{booking['id']}/move/", {"service_session_id": str(new.pk)})
    assert moved.status_code == 200
    run_jobs()
    text = the_mail(mailoutbox, maya, "new time")
    was = written(old.starts_at, BERLIN).partition(f" {old.starts_at.astimezone(BERLIN).tzname()}")[0]
    assert f"It was {was}" in text
    deadline = written(old.starts_at - timedelta(hours=24), BERLIN)
    assert f"free to cancel until {deadline}, as before" in text


def test_a_part_that_is_moved_is_named_with_both_its_times(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    talk = make_service(ServiceType.SESSION, ana, name="A talk")
    bundle = make_service(ServiceType.BUNDLE, ana, name="Ten talks", bundle_of=talk, bundle_quantity=2)
    start, later = a_free_slot(talk), a_free_slot(talk, nth=6)
    buying.pay(stripe, buying.service(buyer, bundle, items=[{"start_datetime": start.isoformat()}]))
    part = Booking.objects.get(starts_at=start)
    mailoutbox.clear()
    answer = buyer.post(f"/api/v1/bookings/{part.pk}/move/", {"start_datetime": later.isoformat()})
    assert answer.status_code == 200
    run_jobs()
    text = the_mail(mailoutbox, maya, "new time")
    name = f" {start.astimezone(LISBON).tzname()}"
    before, after = (written(at, LISBON).partition(name)[0] for at in (start, later))
    assert f"A talk was {before}" in text
    assert f"and is {after}" in text


def test_a_refund_that_failed_is_named_by_its_sum(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, maya: User, workshop: Service,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    purchase = buy(stripe, buyer, workshop, card=buying.REFUND_PENDS)
    buying.refund(staff, purchase, amount="40.00")
    settle_everything(stripe)
    mailoutbox.clear()
    stripe.control.fail_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    assert "Our refund of 40.00 USD for Sound bath" in the_mail(mailoutbox, maya, "did not go through yet")


def test_a_lost_dispute_is_named_by_its_sum(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    buying.buy_credits(stripe, buyer, "30.00")
    purchase = buy(stripe, buyer, workshop, use_credits=True)
    close(stripe, dispute(stripe, purchase), "lost")
    text = the_mail(mailoutbox, maya, "bank has returned")
    assert "Your bank has returned 70.00 USD to you, which you had paid for Sound bath" in text


def test_a_cancellation_without_a_refund_says_what_is_kept(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, maya: User, workshop: Service,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    purchase = buy(stripe, buyer, workshop)
    buying.refund(staff, purchase, amount="25.00")
    settle_everything(stripe)
    mailoutbox.clear()
    cancel_without_refund(booking=Booking.objects.get())
    run_jobs()
    assert "The 75.00 USD that you paid for it are kept" in the_mail(mailoutbox, maya, "is canceled")


def test_parts_that_staff_cancel_one_after_the_other_are_named_in_a_mail_each(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, mailoutbox: list[EmailMessage]
) -> None:
    talk = make_service(ServiceType.SESSION, ana, name="A talk")
    walk = make_service(ServiceType.SESSION, ana, name="A walk")
    package = make_service(ServiceType.PACKAGE, ana, name="Both", holds=[talk, walk])
    buying.pay(stripe, buying.service(buyer, package))
    for part in Booking.objects.filter(position__gt=0).order_by("position"):
        mailoutbox.clear()
        cancel_without_refund(booking=part)
        run_jobs()
        text = the_mail(mailoutbox, maya, "is canceled")
        assert f"without a refund: {part.service_name}." in text
        assert "The 50.00 USD that you paid for it are kept" in text


def test_a_cancellation_says_where_the_money_goes_and_how_long_it_takes(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    buying.buy_credits(stripe, buyer, "30.00")
    buy(stripe, buyer, workshop, use_credits=True)
    [booking] = buying.bookings(buyer)
    mailoutbox.clear()
    assert buyer.post(f"/api/v1/bookings/{booking['id']}/cancel/").status_code == 200
    settle_everything(stripe)
    ways = "70.00 USD to the card or account that you paid with"
    for word in ("is canceled", "Your refund"):
        text = the_mail(mailoutbox, maya, word)
        for part in (ways, "30.00 USD to your credits", BY_CARD, AS_CREDITS):
            assert part in text, (word, part)


def test_a_cancellation_that_returns_credits_alone_says_nothing_of_a_card(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    buying.buy_credits(stripe, buyer, "100.00")
    order_seat(buyer, workshop, use_credits=True)
    settle_everything(stripe)
    mailoutbox.clear()
    assert buyer.post(f"/api/v1/bookings/{buying.bookings(buyer)[0]['id']}/cancel/").status_code == 200
    settle_everything(stripe)
    text = the_mail(mailoutbox, maya, "is canceled")
    assert "100.00 USD goes back to you, to your credits." in text
    assert AS_CREDITS in text
    assert "card" not in text


def test_what_is_called_off_says_where_the_money_goes_and_how_long_it_takes(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, workshop: Service,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    buying.buy_credits(stripe, buyer, "30.00")
    buy(stripe, buyer, workshop, use_credits=True)
    mailoutbox.clear()
    act(host(ana), call_off_url(dates(workshop)[0]))
    settle_everything(stripe)
    text = the_mail(mailoutbox, maya, "does not take place")
    ways = "70.00 USD to the card or account that you paid with and 30.00 USD to your credits"
    for part in (ways, BY_CARD, AS_CREDITS):
        assert part in text
    session = dates(workshop)[0]
    local = session.starts_at.astimezone(BERLIN)
    hour = f"{local.hour - 12}:00 PM"
    assert f"Sound bath, {local:%a, %b} {local.day}, {local.year}, {hour} (Europe/Berlin)" in text


def test_a_payment_at_a_bank_and_one_to_confirm_are_told_with_a_whole_date_in_the_zone_of_the_place(
    stripe: Sandbox, buyer: APIClient, other: APIClient, maya: User, workshop: Service,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    at_bank = order_seat(buyer, workshop, save_payment_method=False)
    buying.pay_only(stripe, at_bank, method="us_bank_account")
    settle_everything(stripe)
    kept_until = buying.order_of(at_bank).kept_until
    assert kept_until is not None
    assert written(kept_until, BERLIN) in the_mail(mailoutbox, maya, "on its way")
    unconfirmed = leave_unconfirmed(stripe, other, workshop)
    run_due(clock.now() + timedelta(minutes=4))
    text = the_mail(mailoutbox, unconfirmed.user, "Confirm your payment")
    assert f"by {written(unconfirmed.expires_at, BERLIN)}" in text


@pytest.mark.parametrize(("buyers_zone", "zone"), [("Asia/Tokyo", ZoneInfo("Asia/Tokyo")), ("", LISBON)])
def test_what_is_online_is_due_in_the_buyers_time_else_the_practitioners(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner, workshop: Service,
    mailoutbox: list[EmailMessage], buyers_zone: str, zone: ZoneInfo,
) -> None:  # fmt: skip
    Service.objects.update(venue=None)
    order = leave_unconfirmed(stripe, buyer, workshop, **({"time_zone": buyers_zone} if buyers_zone else {}))
    run_due(clock.now() + timedelta(minutes=4))
    assert written(order.expires_at, zone) in the_mail(mailoutbox, maya, "Confirm your payment")


def test_credits_to_confirm_are_due_in_utc(
    stripe: Sandbox, buyer: APIClient, maya: User, mailoutbox: list[EmailMessage]
) -> None:
    order = leave_unconfirmed(stripe, buyer, None)
    run_due(clock.now() + timedelta(minutes=4))
    due = written(order.expires_at, ZoneInfo("UTC")).removesuffix(" (UTC)")
    text = the_mail(mailoutbox, maya, "Confirm your payment")
    assert f"by {due}: after that the order ends." in text


def leave_unconfirmed(stripe: Sandbox, buyer: APIClient, workshop: Service | None, **body: object) -> Order:
    """Leave an order whose bank wants the buyer to confirm, with a card that always asks."""
    setup = buyer.post(f"{buying.METHODS}setup/").json()["setup_intent_id"]
    stripe.control.confirm_setup(setup, payment_method="pm_card_authenticationRequired")
    stripe.control.complete_challenge(setup)
    settle_everything(stripe)
    [card] = buying.cards(buyer)
    with_card: Any = body | {"payment_method_id": card["id"]}
    purchase = order_seat(buyer, workshop, **with_card) if workshop else buying.credits(buyer, **with_card)
    assert purchase["payment_status"] == "requires_action"
    return buying.order_of(purchase)


def run_due(moment: datetime) -> None:
    with time_machine.travel(moment):
        tasks.enqueue_due_mails(timestamp=0)
        run_jobs()


def test_a_booking_that_staff_move_too_late_says_that_canceling_was_free_until_then(
    stripe: Sandbox, buyer: APIClient, maya: User, workshop: Service, mailoutbox: list[EmailMessage]
) -> None:
    buy(stripe, buyer, workshop)
    booking = Booking.objects.get()
    old, new = dates(workshop)
    mailoutbox.clear()
    with time_machine.travel(old.starts_at - timedelta(hours=1)):
        with transaction.atomic():
            request = ScheduleRequest(session_id=new.pk)
            move_and_announce(booking=booking, request=request, by=maya, beyond_limits=True)
        run_jobs()
    text = the_mail(mailoutbox, maya, "new time")
    assert f"It was free to cancel until {written(old.starts_at - timedelta(hours=24), BERLIN)}" in text
    assert "as before" not in text
