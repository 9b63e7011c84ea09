"""What calling off or moving a date means for an order: a pure function of plain data, held to sums that add up."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from estuary.payments.dates.consequences import (
    Act,
    AffectedOrder,
    AffectedSeat,
    Stage,
    Tender,
    consequences,
    refund_seats,
)
from estuary.payments.models import DateChange

CALL_OFF, MOVE = DateChange.Kind.CALL_OFF, DateChange.Kind.MOVE


def an_order(
    *seats: AffectedSeat, stage: Stage = Stage.PAID, card: int = 0, credits: int = 0, disputed: bool = False
) -> AffectedOrder:
    return AffectedOrder(
        id=1,
        public_id="ord_1",
        guest="Maya",
        currency="usd",
        stage=stage,
        card_left_minor=card,
        credits_left_minor=credits,
        is_disputed=disputed,
        seats=seats,
    )


def a_seat(left: int, **more: object) -> AffectedSeat:
    return AffectedSeat(line="Yoga", booking_id=7, share_minor=left, booking_left_minor=left, **more)  # type: ignore[arg-type]


def test_a_mixed_tender_goes_back_by_both_the_payment_method_first() -> None:
    rows = refund_seats(an_order(a_seat(10_000), card=7_000, credits=3_000))
    assert [(row.tender, row.amount_minor) for row in rows] == [
        (Tender.PAYMENT_METHOD, 7_000),
        (Tender.CREDITS, 3_000),
    ]
    assert all(row.why.endswith(".") for row in rows)


def test_three_meetings_of_a_course_share_its_price_and_the_last_takes_the_rest() -> None:
    shares = [3_333, 3_333, 3_334]
    seats = [
        AffectedSeat(
            line="Course",
            booking_id=7,
            share_minor=share,
            booking_left_minor=10_000,
            meetings=3,
            takes_rest=share == 3_334,
        )
        for share in shares
    ]
    rows = refund_seats(an_order(*seats, card=10_000))
    assert [row.amount_minor for row in rows] == shares
    assert "1 of 3 meetings" in rows[0].why


def test_a_bonus_session_is_scheduled_again_and_a_refunded_part_returns_nothing() -> None:
    bonus, empty = a_seat(0, is_bonus=True), a_seat(0)
    assert [row.act for row in refund_seats(an_order(bonus, empty, card=5_000))] == [
        Act.RESCHEDULE,
        Act.CANCEL,
    ]


def test_a_disputed_payment_is_held_back_with_the_sum_that_is_due() -> None:
    [row] = refund_seats(an_order(a_seat(10_000), card=10_000, disputed=True))
    assert (row.act, row.amount_minor) == (Act.HOLD_BACK, 10_000)
    assert "disputed" in row.why


def test_credits_beside_a_disputed_payment_go_back_at_once_and_the_rest_waits() -> None:
    rows = refund_seats(an_order(a_seat(10_000), card=7_000, credits=3_000, disputed=True))
    assert [(row.act, row.tender, row.amount_minor) for row in rows] == [
        (Act.REFUND, Tender.CREDITS, 3_000),
        (Act.HOLD_BACK, Tender.PAYMENT_METHOD, 7_000),
    ]


def test_credits_that_pay_for_what_stays_do_not_go_back() -> None:
    rows = refund_seats(an_order(a_seat(5_000), card=7_000, credits=3_000, disputed=True))
    assert [(row.act, row.amount_minor) for row in rows] == [(Act.HOLD_BACK, 5_000)]


def test_after_a_payment_is_wholly_lost_nothing_waits_and_the_bank_is_named() -> None:
    lost = replace(an_order(a_seat(5_000), card=7_000, credits=3_000, disputed=True), is_wholly_lost=True)
    [row] = refund_seats(lost)
    assert (row.act, row.tender, row.amount_minor) == (Act.CANCEL, Tender.NONE, 0)
    assert "bank has returned" in row.why
    # What stays costs 10.00, because the bank's money has paid for what ended before.
    [row] = refund_seats(replace(lost, kept_minor=1_000))
    assert (row.act, row.tender, row.amount_minor) == (Act.REFUND, Tender.CREDITS, 2_000)


def test_an_unpaid_order_ends_and_one_at_its_bank_ends_only_when_its_date_is_called_off() -> None:
    unpaid, at_bank = (
        an_order(a_seat(10_000), a_seat(5_000), stage=stage) for stage in (Stage.UNPAID, Stage.AT_BANK)
    )
    assert [row.act for row in consequences(CALL_OFF, [unpaid, at_bank])] == [Act.END_ORDER, Act.END_ORDER]
    acts = [row.act for row in consequences(MOVE, [unpaid, at_bank], new_time="later")]
    assert acts == [Act.END_ORDER, Act.MOVE, Act.MOVE]
    assert not any(row.amount_minor for row in consequences(CALL_OFF, [unpaid, at_bank]))


@given(
    card=st.integers(0, 10**6),
    credits=st.integers(0, 10**6),
    shares=st.lists(st.integers(0, 10**6), min_size=1, max_size=6),
    disputed=st.booleans(),
)
def test_never_more_goes_back_than_is_left_of_either_tender_or_than_the_shares(
    card: int, credits: int, shares: list[int], disputed: bool
) -> None:
    seats = [
        AffectedSeat(line="Part", booking_id=number, share_minor=share, booking_left_minor=share)
        for number, share in enumerate(shares)
    ]
    rows = refund_seats(an_order(*seats, card=card, credits=credits, disputed=disputed))
    by_tender = {tender: sum(row.amount_minor for row in rows if row.tender == tender) for tender in Tender}
    assert by_tender[Tender.PAYMENT_METHOD] <= card
    assert by_tender[Tender.CREDITS] <= credits
    assert by_tender[Tender.NONE] == 0
    assert sum(by_tender.values()) == min(sum(shares), card + credits)
    assert {row.booking_id for row in rows} == set(range(len(shares)))
    # A dispute changes when it goes back, and by no means by which tender.
    assert by_tender[Tender.PAYMENT_METHOD] == min(sum(shares), card)
    assert {row.act for row in rows if row.tender == Tender.CREDITS} <= {Act.REFUND}
    assert {row.act for row in rows if row.tender == Tender.PAYMENT_METHOD} <= {
        Act.HOLD_BACK if disputed else Act.REFUND
    }
