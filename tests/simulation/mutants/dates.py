"""Slips with dates that are called off."""

from typing import Any

from estuary.bookings import order_lines
from estuary.payments.dates import carry_out, consequences, held_back
from estuary.payments.models import DateChange, DateChangeRow
from tests.simulation.mutants.patching import breaks, instead_of, none_done, nothing, rebind

FOCUS = "called off"


@breaks("L1", "called_off_keeps_seat", scenarios=FOCUS)
def a_date_that_was_called_off_is_still_sold() -> None:
    """Whoever plans lines sees no date as called off; the practitioner's own pages still do."""
    group = order_lines._group_line

    def blind(item: Any, request: Any, sessions: Any, at: Any) -> Any:
        for offered in sessions.values():
            for session in offered:
                session.called_off_at = None
        return group(item, request, sessions, at)

    instead_of(group, blind)


@breaks("L1", "called_off_unrefunded", "who paid for a date that was called off has it back", scenarios=FOCUS)
def a_guest_of_a_date_that_was_called_off_is_not_refunded() -> None:
    rebind(carry_out, "request_refund", nothing)


@breaks("L1", "called_off_keeps_seat", "date_change_half_done", scenarios=FOCUS)
def a_change_of_dates_is_done_before_its_last_guest() -> None:
    """It is marked as done before anything of it is carried out."""
    carry = carry_out._carry_out_order

    def done_first(change: DateChange, *args: Any) -> None:
        DateChange.objects.filter(pk=change.pk).update(status="done", done_at=change.created_at)
        carry(change, *args)

    instead_of(carry, done_first)


@breaks(
    "L1",
    "credits that paid for a date that was called off are back, whatever a bank decides",
    scenarios="disputed and called off",
)
def credits_beside_a_disputed_payment_are_kept_with_it() -> None:
    """They wait like the card's money, and end with it when the dispute is lost; of two defences none is left."""
    act_for = consequences._act_for
    by_card = DateChangeRow.Tender.PAYMENT_METHOD
    instead_of(act_for, lambda order, seat, _: act_for(order, seat, by_card))
    rebind(held_back, "credits_left_minor", none_done)


SHARES_KEPT = "who paid for meetings of a course that were called off has their shares back"


@breaks("L1", SHARES_KEPT, scenarios="called off and won")
def what_was_held_back_is_forgotten_when_its_dispute_is_won() -> None:
    rebind(held_back, "refundable_minor", none_done)


@breaks("L1", SHARES_KEPT, scenarios="called off and won")
def what_a_disputed_card_does_not_cover_is_cut_off() -> None:
    """Only the card's money waits for the bank's decision. What credits paid is not due then, and never will be."""
    dues_of = consequences._dues

    def cut(order: consequences.AffectedOrder) -> list[int]:
        dues, left = [], order.card_left_minor
        for due in dues_of(order):
            dues.append(min(due, left) if order.is_disputed else due)
            left -= dues[-1]
        return dues

    instead_of(dues_of, cut)
