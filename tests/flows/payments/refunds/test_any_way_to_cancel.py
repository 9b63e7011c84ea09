"""Whatever is attended, canceled, kept and refunded, in whatever order: never more comes back than is due."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from estuary.accounts.models import Practitioner, User
from estuary.bookings import fulfilment as bookings
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.payments.errors import NotRefundable, RefundTooLarge
from estuary.payments.models import Refund
from estuary.payments.refunds.cancellation import BookingNotCancelable, cancel_booking, cancel_without_refund
from estuary.payments.refunds.request_refund import request_refund
from stripe_sandbox import Delivery, Sandbox
from tests.factories import make_practitioner, make_service, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import Json, order_of, pay
from tests.sandbox_bridge import deliver, run_jobs

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = (BookingNotCancelable, NotRefundable, RefundTooLarge)
STEPS = ["attend", "cancel", "cancel", "cancel", "cancel all", "refund", "name", "keep", "dashboard"]


@dataclass
class Play:
    """One order and what is done to it, as its seed says; every number of chance is drawn whatever comes of it."""

    stripe: Sandbox
    purchase: Json
    chance: Random
    arrange: Callable[[list[Delivery]], list[Delivery]]
    used: set[int] = field(default_factory=set)

    def run(self) -> None:
        """Use the last part (a bonus, in a bundle) as often as not, take steps by chance, then cancel all the rest."""
        whole, *parts = order_of(self.purchase).bookings.order_by("position")
        if self.chance.random() < 0.5:
            self._take("attend", whole, parts[-1], 0, False)
        for _ in range(5):
            step, minor, cancels = (
                self.chance.choice(STEPS),
                self.chance.randint(1, 4000),
                self.chance.random(),
            )
            parts = list(order_of(self.purchase).bookings.order_by("position"))
            part = self.chance.choice(parts[1:])
            with contextlib.suppress(*REFUSED):
                self._take(step, parts[0], part, minor, cancels < 0.4)
            if self.chance.random() < 0.6:
                self.settle()
        self.settle()
        for part in parts:
            with contextlib.suppress(*REFUSED):
                self._take("cancel", whole, part, 0, False)
        self.settle()

    def _take(self, step: str, whole: Booking, part: Booking, minor: int, cancels: bool) -> None:
        order = order_of(self.purchase)
        if step == "attend" and part.is_active:
            at = clock.now()
            Booking.objects.filter(pk=part.pk).update(starts_at=at - timedelta(hours=5), ends_at=at)
            bookings.close_past(at=at)
            self.used.add(part.position)
        elif step in {"cancel", "cancel all"}:
            cancel_booking(booking=part if step == "cancel" else whole, by=order.user)
        elif step == "name":
            request_refund(
                order=order, booking=part, amount_minor=None if minor > 2000 else minor, cancels=cancels
            )
        elif step == "refund":
            request_refund(order=order, amount_minor=minor)
        elif step == "keep":
            cancel_without_refund(booking=part)
            if part.amount_minor:  # a bonus without a time has no price that could be kept
                self.used.add(part.position)
        elif step == "dashboard":
            [charge] = [
                one
                for one in self.stripe.state.store.charges
                if one["payment_intent"] == order.stripe_payment_intent_id
            ]
            if left := charge["amount"] - charge["amount_refunded"]:
                self.stripe.control.refund(order.stripe_payment_intent_id, min(minor, left))

    def settle(self) -> None:
        for _ in range(4):
            if not run_jobs() + len(deliver(self.stripe, self.arrange)):
                return


def bought(stripe: Sandbox, who: User, ana: Practitioner, chance: Random) -> Json:
    """A bundle with bonus or a package of two, perhaps paid with credits in part."""
    buyer = signed_in(who)
    minor, use_credits = chance.choice([9999, 10000, 10001]), chance.random() < 0.5
    buying.buy_credits(stripe, buyer, "40.00")
    if chance.random() < 0.6:
        paid, bonus = chance.choice([(2, 1), (3, 1), (3, 2)])
        one = make_service(ServiceType.SESSION, ana)
        thing = make_service(
            ServiceType.BUNDLE, ana, bundle_of=one, bundle_quantity=paid, bundle_bonus=bonus, usd=minor
        )
    else:
        parts = [make_service(ServiceType.SESSION, ana, usd=usd) for usd in (4000, 6000)]
        thing = make_service(ServiceType.PACKAGE, ana, holds=parts, usd=minor)
    order = buying.create(buyer, service_id=str(thing.pk), use_credits=use_credits)
    pay(stripe, order)
    return order


def due_minor(play: Play) -> int:
    """The price of what is neither used nor kept, a bonus that was used counted as one that was paid for."""
    parts = list(order_of(play.purchase).bookings.filter(position__gt=0))
    free = sorted(part.amount_minor for part in parts if part.amount_minor and part.position not in play.used)
    bonus = sum(not part.amount_minor and part.position in play.used for part in parts)
    return sum(free[bonus:])


def named_before_minor(play: Play) -> int:
    """What staff had refunded by name, of what is not used, when the buyer last got something; later is a gift."""
    done = order_of(play.purchase).refunds.filter(status=Refund.Status.SUCCEEDED)
    last = done.filter(origin=Refund.Origin.BUYER).order_by("pk").last()
    named = done.filter(origin=Refund.Origin.STAFF, booking__position__gt=0, pk__lt=last.pk if last else 0)
    return sum(refund.amount_minor for refund in named.exclude(booking__position__in=play.used))


@pytest.mark.exhaustive(one_in=10)
@pytest.mark.parametrize("seed", range(40))
def test_no_more_comes_back_than_is_due_whatever_is_done_and_in_whatever_order_it_is_heard(
    stripe: Sandbox, ana: Practitioner, seed: int
) -> None:
    ends: list[Any] = []
    for arrange in (list, lambda waiting: waiting[::-1]):
        chance = Random(seed)
        who = make_user(f"Maya {'Forth' if arrange is list else 'Back'}")
        play = Play(
            stripe,
            bought(stripe, who, make_practitioner(who.first_name + str(len(ends))), chance),
            chance,
            arrange,
        )
        play.run()
        order = order_of(play.purchase)
        back = dict.fromkeys(Refund.Origin.values, 0)
        for refund in order.refunds.filter(status=Refund.Status.SUCCEEDED):
            back[refund.origin] += refund.amount_minor
        assert sum(back.values()) == order.refunded_minor <= order.total_minor
        assert back["buyer"] <= max(due_minor(play) - named_before_minor(play), 0)
        balance = buying.balance(signed_in(who))
        ends.append((order.status, order.refunded_minor, back, balance))
    assert ends[0] == ends[1]
