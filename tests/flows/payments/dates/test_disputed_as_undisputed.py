"""Dates are called off, or bookings canceled, while a payment is disputed: it ends as without the dispute.

Each test plays the same acts twice: once for a payment that nobody disputes. A dispute that is won must change nothing.
A dispute that is lost returns the card's money, and of the credits exactly those that paid for nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import pytest
from django.core.mail import EmailMessage
from django.db.models import Sum
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.bookings.date_changes.seats import retime
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceSession, ServiceType
from estuary.common import clock
from estuary.payments.dates.held_back import refund_held_back
from estuary.payments.models import DateChangeRow, Refund
from estuary.payments.refunds.request_refund import send_refund
from estuary.payments.tasks import sweep_minute
from stripe_sandbox import Sandbox
from tests.factories import make_practitioner, make_service, make_sessions, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import Json, order_of
from tests.flows.disputing import dispute, purse
from tests.flows.payments.dates.acting import act, call_off_url, host
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

COURSE, PACKAGE = ServiceType.COURSE, ServiceType.PACKAGE
UNDISPUTED, WON, LOST = "undisputed", "won", "lost"
DISPUTED, DISPUTED_UNHEARD = "dispute", "dispute unheard"


@dataclass(frozen=True, slots=True)
class Sold:
    """Equal parts: the meetings of a course, or the workshops of a package. ``card`` is what is paid by card."""

    type: ServiceType
    parts: int
    total: int
    card: int
    # The first part takes place before the bank decides.
    attended: bool = False

    @property
    def share(self) -> int:
        return self.total // self.parts


@dataclass(frozen=True, slots=True)
class Played:
    """How an order ended. Amounts are minor units."""

    status: str
    by_card: int
    credits: int
    lost: int
    purse: str
    bookings: tuple[str, ...]

    @property
    def returned(self) -> int:
        return self.by_card + self.credits


class Play:
    """One order, and the acts of its buyer, of staff, and of the practitioner who calls its dates off."""

    def __init__(self, stripe: Sandbox, staff: APIClient, sold: Sold, *, outcome: str) -> None:
        self.stripe, self.staff, self.sold, self.outcome = stripe, staff, sold, outcome
        self.practitioner = make_practitioner()
        self.buyer = signed_in(make_user())
        self.opened = ""
        if credits := sold.total - sold.card:
            buying.buy_credits(stripe, self.buyer, f"{credits // 100}.{credits % 100:02}")
        self.order, self.dates = self._buy()

    def _buy(self) -> tuple[Json, list[ServiceSession]]:
        ana, sold = self.practitioner, self.sold
        if sold.type == COURSE:
            course = make_service(COURSE, ana, usd=sold.total)
            dates = make_sessions(course, sold.parts)
            bought, scheduling = course, {}
        else:
            held = [make_service(ServiceType.WORKSHOP, ana, usd=sold.share) for _ in range(sold.parts)]
            dates = [make_sessions(one, in_days=9 + nth)[0] for nth, one in enumerate(held)]
            bought = make_service(PACKAGE, ana, holds=held, usd=sold.total)
            items = [{"service_id": str(d.service_id), "service_session_id": str(d.pk)} for d in dates]
            scheduling = {"items": items}
        order = buying.create(
            self.buyer, service_id=str(bought.pk), scheduling_data=scheduling, use_credits=True
        )
        buying.pay(self.stripe, order)
        return order, dates

    def act(self, verb: str, value: int = 0) -> None:
        match verb:
            case "off":
                act(host(self.practitioner), call_off_url(self.dates[value]))
            case "cancel":
                booking = Booking.objects.get(session=self.dates[value], order=order_of(self.order))
                assert self.buyer.post(f"/api/v1/bookings/{booking.pk}/cancel/").status_code == 200
            case "refund":
                buying.refund(self.staff, self.order, amount=f"{value // 100}.00")
            case "dispute" if self.outcome != UNDISPUTED:
                self.opened = dispute(self.stripe, self.order, amount=value or None)["id"]
            case "closed" if self.outcome != UNDISPUTED:
                self.close()
            case "a minute later":
                sweep_minute(0)
            case "dispute unheard" if self.outcome != UNDISPUTED:
                self.opened = self.stripe.control.dispute(self.order["payment_intent_id"])["id"]
                self.stripe.control.lose_events()
            case "heard":
                send_waiting(self.stripe)
        settle_everything(self.stripe)

    def close(self) -> None:
        """Let the first part take place, if it does, and the bank decide."""
        own = Booking.objects.filter(order=order_of(self.order))
        if self.sold.attended and self.sold.type == COURSE:
            first = ServiceSession.objects.get(pk=self.dates[0].pk)
            first.starts_at = clock.now() - timedelta(hours=1)
            first.ends_at = first.starts_at + timedelta(hours=2)
            first.save()
            retime([row.pk for row in own], [row.line_id for row in own if row.line_id])
        elif self.sold.attended:
            own.filter(session=self.dates[0]).update(status="completed")
        if self.opened:
            self.stripe.control.close_dispute(self.opened, self.outcome)
            settle_everything(self.stripe)
        self.opened = ""

    def end(self, *, waiting_refunds_first: bool = False) -> Played:
        if self.opened or self.outcome == UNDISPUTED:
            self.close()
        if waiting_refunds_first:
            send_waiting(self.stripe)
        refund_held_back()
        sweep_minute(0)
        send_waiting(self.stripe)
        order = order_of(self.order)
        sums = Refund.objects.filter(order=order, status="succeeded").aggregate(
            Sum("card_minor", default=0), Sum("credits_minor", default=0)
        )
        assert not Refund.objects.filter(order=order, status__in=["requested", "pending"]).exists()
        assert not DateChangeRow.objects.filter(order=order).exclude(status="done").exists()
        return Played(
            status=order.status,
            by_card=sums["card_minor__sum"],
            credits=sums["credits_minor__sum"],
            lost=order.lost_minor,
            purse=purse(self.buyer)[0],
            bookings=tuple(order.bookings.order_by("position").values_list("status", flat=True)),
        )


def send_waiting(stripe: Sandbox) -> None:
    for refund in Refund.objects.filter(status="requested"):
        send_refund(refund.pk)
    settle_everything(stripe)


type Acts = Sequence[tuple[str, int]]


def play(
    stripe: Sandbox,
    staff: APIClient,
    sold: Sold,
    acts: Acts,
    outcome: str,
    *,
    waiting_refunds_first: bool = False,
) -> Played:
    played = Play(stripe, staff, sold, outcome=outcome)
    for verb, value in acts:
        played.act(verb, value)
    return played.end(waiting_refunds_first=waiting_refunds_first)


def credits_that_paid_for_nothing(sold: Sold, undisputed: Played) -> int:
    """Return the credits that are due after a loss: those beyond the price of what took place.

    What nobody has called off or canceled is canceled with the payment, unless it has begun.
    """
    used = sold.total - undisputed.returned
    if sold.type == COURSE and not sold.attended:
        used = 0
    if sold.type == PACKAGE:
        used -= sold.share * sum(
            status in {"confirmed", "partially_refunded"} for status in undisputed.bookings[1:]
        )
    return max(sold.total - sold.card - max(used, 0), 0)


COURSE_90 = Sold(COURSE, 6, 9_000, 2_000, attended=True)
PACKAGE_100 = Sold(PACKAGE, 2, 10_000, 6_000)
CASES: dict[str, tuple[Sold, Acts]] = {
    "a course whose meeting was called off before": (
        COURSE_90,
        [("off", 1), (DISPUTED, 0), ("off", 2)],
    ),
    "two meetings of a course": (
        Sold(COURSE, 6, 9_000, 1_000, attended=True),
        [(DISPUTED, 0), ("off", 1), ("off", 2)],
    ),
    "all meetings of a course": (
        Sold(COURSE, 3, 9_000, 4_000),
        [(DISPUTED, 0), ("off", 0), ("off", 1), ("off", 2)],
    ),
    "a part after a refund of the whole": (
        Sold(PACKAGE, 2, 10_000, 3_000, attended=True),
        [("refund", 2_000), (DISPUTED, 0), ("off", 1)],
    ),
    "a part after one that was canceled in time": (
        Sold(PACKAGE, 4, 10_000, 6_000, attended=True),
        [("cancel", 1), (DISPUTED, 0), ("off", 2)],
    ),
    "a part while a refund by staff waits": (
        PACKAGE_100,
        [(DISPUTED_UNHEARD, 0), ("refund", 2_000), ("heard", 0), ("off", 0)],
    ),
    "a part while a refund by staff waits, and the other takes place": (
        Sold(PACKAGE, 2, 10_000, 6_000, attended=True),
        [(DISPUTED_UNHEARD, 0), ("refund", 2_000), ("heard", 0), ("off", 1)],
    ),
    "a part while another cancellation waits": (
        Sold(PACKAGE, 4, 10_000, 6_000),
        [(DISPUTED_UNHEARD, 0), ("cancel", 0), ("heard", 0), ("off", 1)],
    ),
    "a part that was called off before the dispute is heard of": (
        Sold(PACKAGE, 4, 10_000, 2_000, attended=True),
        [(DISPUTED_UNHEARD, 0), ("off", 1), ("heard", 0), ("off", 2), ("off", 3)],
    ),
    "a part that its buyer cancels during the dispute": (
        Sold(PACKAGE, 4, 10_000, 6_000),
        [(DISPUTED, 0), ("cancel", 0)],
    ),
    "parts that their buyer cancels, and one that is called off between": (
        Sold(PACKAGE, 4, 10_000, 6_000, attended=True),
        [(DISPUTED, 0), ("cancel", 1), ("off", 2), ("cancel", 3)],
    ),
    "all parts are canceled by their buyer": (
        Sold(PACKAGE, 2, 10_000, 3_000),
        [(DISPUTED, 0), ("cancel", 0), ("cancel", 1)],
    ),
    "one part after another": (
        Sold(PACKAGE, 4, 10_000, 6_000, attended=True),
        [(DISPUTED, 0), ("off", 1), ("off", 2), ("off", 3)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_dispute_that_is_won_ends_as_if_there_had_been_none(
    stripe: Sandbox, staff: APIClient, case: str
) -> None:
    sold, acts = CASES[case]
    undisputed = play(stripe, staff, sold, acts, UNDISPUTED)
    assert play(stripe, staff, sold, acts, WON) == undisputed


@pytest.mark.parametrize("waiting_refunds_first", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_a_dispute_that_is_lost_returns_the_credits_that_paid_for_nothing(
    stripe: Sandbox, staff: APIClient, case: str, waiting_refunds_first: bool
) -> None:
    sold, acts = CASES[case]
    undisputed = play(stripe, staff, sold, acts, UNDISPUTED)
    lost = play(stripe, staff, sold, acts, LOST, waiting_refunds_first=waiting_refunds_first)
    assert lost.credits == credits_that_paid_for_nothing(sold, undisputed)


def drawn(seed: int) -> tuple[Sold, list[tuple[str, int]]]:
    """Draw a sale, and acts before and after its dispute."""
    draw = Random(seed)
    is_course = draw.random() < 0.5
    parts, total = (6, 9_000) if is_course else (4, 10_000)
    card = draw.randrange(500, total, 500)
    sold = Sold(COURSE if is_course else PACKAGE, parts, total, card, attended=draw.random() < 0.7)
    numbers = list(range(1, parts))
    draw.shuffle(numbers)
    acts: list[tuple[str, int]] = []
    for refunded in (500, 1_000)[: draw.randint(0, 2)]:
        verb = draw.choice(["off", "refund"] if is_course else ["off", "cancel", "refund"])
        acts.append((verb, refunded if verb == "refund" else numbers.pop()))
    heard = [(DISPUTED, 0)]
    unheard = [(DISPUTED_UNHEARD, 0), *acts[:1], ("heard", 0)]
    rest = acts[1:] + unheard if draw.random() < 0.5 else acts + heard
    last = ["off"] if is_course else ["off", "cancel"]
    return sold, rest + [(draw.choice(last), numbers.pop()) for _ in range(draw.randint(1, len(numbers)))]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_a_dispute_changes_only_who_returns_the_money(
    stripe: Sandbox, staff: APIClient, seed: int
) -> None:
    sold, acts = drawn(seed)
    undisputed = play(stripe, staff, sold, acts, UNDISPUTED)
    assert play(stripe, staff, sold, acts, WON) == undisputed
    lost = play(stripe, staff, sold, acts, LOST)
    # What was refunded before can't be lost.
    due = credits_that_paid_for_nothing(sold, undisputed) if lost.lost else undisputed.credits
    assert lost.credits == due


COURSE_OF_CREDITS = Sold(COURSE, 6, 9_000, 1_000, attended=True)


@pytest.mark.parametrize("minutes", [[], [("a minute later", 0)]])
def test_meetings_that_are_called_off_after_a_loss_return_the_credits_that_paid_for_them(
    stripe: Sandbox, staff: APIClient, minutes: list[tuple[str, int]]
) -> None:
    acts = [(DISPUTED, 0), ("closed", 0), ("off", 1), *minutes, ("off", 2), *minutes, ("off", 3)]
    lost = play(stripe, staff, COURSE_OF_CREDITS, acts, LOST)
    # The bank has returned 10.00 of 45.00.
    assert lost.credits == 3_500


@pytest.mark.parametrize("when", ["before", "between", "after"])
@pytest.mark.parametrize("minutes", [[], [("a minute later", 0)]])
@pytest.mark.parametrize("sold", [Sold(COURSE, 6, 9_000, 7_000), Sold(PACKAGE, 4, 10_000, 9_000)])
def test_of_a_loss_in_part_bank_credits_and_staff_return_no_more_and_no_less_than_is_due(
    stripe: Sandbox,
    staff: APIClient,
    mailoutbox: list[EmailMessage],
    settings: Settings,
    sold: Sold,
    minutes: list[tuple[str, int]],
    when: str,
) -> None:
    settings.STAFF_MAIL = "desk@estuary.example"
    acts = [("off", 1), *minutes, ("off", 2), *minutes, ("off", 3)]
    place = {"before": 0, "between": 1 + len(minutes), "after": len(acts)}[when]
    acts = [(DISPUTED, 2_000), *acts[:place], ("closed", 0), *acts[place:]]
    lost = play(stripe, staff, sold, acts, LOST)
    alerts = [mail.body for mail in mailoutbox if "called_off_rest_due" in mail.subject]
    rest = sum(
        round(float(amount) * 100)
        for body in alerts
        for amount in re.findall(r"([\d.]+) USD more", str(body))
    )
    assert 2_000 + lost.returned + rest == 3 * sold.share


def test_who_cancels_another_part_once_the_dispute_is_won_has_both_back_and_the_rows_say_by_which_tender(
    stripe: Sandbox, staff: APIClient
) -> None:
    acts = [(DISPUTED, 0), ("off", 0), ("closed", 0), ("cancel", 1)]
    assert play(stripe, staff, PACKAGE_100, acts, WON) == play(stripe, staff, PACKAGE_100, acts, UNDISPUTED)
    rows = DateChangeRow.objects.filter(order__disputes__isnull=False).order_by("pk")
    # The cancellation took 50.00 of the card's 60.00.
    assert list(rows.values_list("act", "tender", "amount_minor")) == [
        ("refund", "payment_method", 1_000),
        ("refund", "credits", 4_000),
    ]
