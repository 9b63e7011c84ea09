"""Slips with what is held and not paid."""

from typing import Any

from estuary.bookings import fulfilment, order_lines
from estuary.bookings.requested_times import lines_with_requested_times, take_requested_times
from estuary.common.db.bulk import update_rows
from estuary.payments.checkout import holds
from tests.simulation.mutants.patching import breaks, instead_of, nothing


@breaks("S7", "holds_too_many")
def an_unpaid_order_holds_all_that_it_names() -> None:
    instead_of(order_lines.limit_held_times, lambda lines, *_: list(lines))


@breaks("S7", "hold_renewed", "a hold is not renewed by asking anew")
def a_changed_order_is_held_afresh() -> None:
    hold_ends_at = holds.hold_ends_at
    instead_of(hold_ends_at, lambda service, lines, _, at: hold_ends_at(service, lines, None, at=at))


@breaks("S7", "nobody holds more than they may", scenarios="hoard")
def a_newcomer_holds_as_much_as_anybody_likes() -> None:
    instead_of(holds.check_limits, nothing)


@breaks("S7", "booking_without_place", scenarios="not held")
def a_time_that_was_not_held_is_booked_without_a_look() -> None:
    def promise(orders: Any, **_: Any) -> None:
        lines = lines_with_requested_times(orders)
        for line in lines:
            line.starts_at, line.ends_at = line.requested_starts_at, line.requested_ends_at
        update_rows(lines, ["starts_at", "ends_at"])

    instead_of(take_requested_times, promise)
    assert vars(fulfilment)["take_requested_times"] is promise
