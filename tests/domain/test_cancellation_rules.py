"""What a cancellation returns, for every way in which a bundle can be used, scheduled and canceled."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from estuary.bookings.models import Booking
from estuary.common.money import allocate
from estuary.payments.refunds.cancellation_policy import compute_refund

BEGIN = datetime(2027, 1, 4, 9, tzinfo=UTC)
NOTICE = timedelta(hours=24)
STEPS = ["schedule", "schedule soon", "attend", "cancel", "call off"]


def a_bundle(paid: int, bonus: int, total_minor: int) -> list[Booking]:
    shares = allocate(total_minor, [1] * paid + [0] * bonus, "usd")
    return [
        Booking(pk=number, position=number, amount_minor=share, status=Booking.Status.CONFIRMED)
        for number, share in enumerate(shares, start=1)
    ]


def cancel(parts: list[Booking], going: list[Booking], at: datetime) -> int:
    """Cancel as the product does, and return the shares that come back."""
    breakdown = compute_refund(parts, going, refunded={}, bundle=True, notice=NOTICE, at=at)
    for part in [*going, *breakdown.also_canceled]:
        part.status, part.canceled_at = Booking.Status.CANCELED, at
    return sum(part.amount_minor for part in breakdown.returned)


def is_kept(part: Booking) -> bool:
    """Whether the buyer had, or may still have, something of it; told apart from the rule's own words."""
    if part.status == Booking.Status.CANCELED:
        assert part.canceled_at is not None
        return part.starts_at is not None and part.canceled_at > part.starts_at - NOTICE
    return True


def take(step: str, part: Booking, at: datetime) -> None:
    if step.startswith("schedule") and part.is_to_come(at) and part.starts_at is None:
        part.starts_at = at + (timedelta(hours=2) if step == "schedule soon" else timedelta(days=400))
    if step == "attend" and part.is_to_come(at) and part.starts_at:
        part.status = Booking.Status.COMPLETED
    if step == "call off" and part.starts_at and not part.amount_minor and part.is_active:
        # Of a bonus session only its time is taken; a paid one is refunded by name.
        part.starts_at, part.unscheduled_at = None, at


@given(st.integers(1, 5), st.integers(0, 3), st.integers(100, 9999), st.data())
def test_what_comes_back_is_the_price_of_what_is_not_kept_whatever_is_done_in_which_order(
    paid: int, bonus: int, total_minor: int, data: st.DataObject
) -> None:
    parts = a_bundle(paid, bonus, total_minor)
    returned = 0
    chosen = st.tuples(st.sampled_from(STEPS), st.sampled_from(parts))
    for number, (step, part) in enumerate(data.draw(st.lists(chosen, max_size=20))):
        at = BEGIN + timedelta(minutes=number)
        take(step, part, at)
        if step == "cancel" and part.is_to_come(at):
            returned += cancel(parts, [part], at)
        kept = sum(is_kept(one) for one in parts)
        if returned:  # never more than for what is not kept, though all that is kept be attended
            assert returned <= -(-total_minor * max(paid - kept, 0) // paid) + 1
    at = BEGIN + timedelta(hours=1)
    returned += cancel(parts, [one for one in parts if one.is_to_come(at)], at)
    kept = sum(is_kept(one) for one in parts)
    amounts = [one.amount_minor for one in parts if one.amount_minor and not is_kept(one)]
    kept_bonus = sum(is_kept(one) for one in parts if not one.amount_minor)
    assert returned == sum(amounts[: max(len(amounts) - kept_bonus, 0)])
    assert abs(returned - total_minor * max(paid - kept, 0) / paid) <= 2


@given(st.integers(1, 6), st.integers(0, 3), st.integers(100, 9999), st.data())
def test_one_by_one_and_all_at_once_come_to_the_same_cent(
    paid: int, bonus: int, total_minor: int, data: st.DataObject
) -> None:
    used = data.draw(st.sets(st.integers(1, paid + bonus)))
    ends = []
    for order in ([*data.draw(st.permutations(range(1, paid + bonus + 1)))], []):
        parts = a_bundle(paid, bonus, total_minor)
        for part in parts:
            if part.pk in used:
                part.starts_at, part.status = BEGIN - timedelta(days=2), Booking.Status.COMPLETED
        steps = [[part] for number in order for part in parts if part.pk == number] or [parts]
        total = 0
        for step in steps:
            if going := [part for part in step if part.is_to_come(BEGIN)]:
                total += cancel(parts, going, BEGIN)
        ends.append(total)
    assert ends[0] == ends[1]
