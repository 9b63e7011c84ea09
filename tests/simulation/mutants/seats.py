"""Slips with seats and slots."""

from typing import Any

from django.db.models import F, QuerySet

from estuary.bookings import fulfilment, order_lines, scheduling
from estuary.bookings.models import Reservation
from estuary.catalog.calendar import release_entries
from estuary.catalog.models import ServiceSession
from estuary.payments.settlement.effects import ReleaseReservations
from estuary.payments.settlement.rules import orders
from tests.simulation.mutants.patching import breaks, instead_of, nothing, rebind, weaken


@breaks("S7", "seats_off")
def the_last_seat_is_sold_twice() -> None:
    """The sessions are not locked, and the constraint behind that is gone: each of them alone stops this."""
    weaken("catalog_servicesession", "session_never_oversold")
    seats = order_lines._lock_sessions

    def unlocked(*args: Any) -> Any:
        held: Any = QuerySet
        lock = held.select_for_update
        held.select_for_update = lambda rows, **_: rows
        try:
            return seats(*args)
        finally:
            held.select_for_update = lock

    instead_of(seats, unlocked)


@breaks("S7", "hold_of_ended_order")
def an_order_that_ends_keeps_its_hold() -> None:
    end = orders.end_unpaid

    def holding(*args: Any) -> Any:
        return [effect for effect in end(*args) if not isinstance(effect, ReleaseReservations)]

    instead_of(end, holding)


@breaks("S7", "seats_off")
def a_seat_chosen_later_is_not_counted() -> None:
    reserve = fulfilment.reserve

    def uncounted(**reserved: Any) -> list[Reservation]:
        rows = reserve(**reserved)
        ServiceSession.objects.filter(pk__in=[row.session_id for row in rows]).update(taken=F("taken") - 1)
        return rows

    rebind(scheduling, "reserve", uncounted)


@breaks("S7", "practitioner_twice")
def a_practitioner_is_in_two_places() -> None:
    weaken("catalog_calendarentry", "calendar_practitioner_never_overlaps")


@breaks("S7", "time_taken_for_nobody")
def a_canceled_slot_stays_in_the_calendar() -> None:
    instead_of(release_entries, nothing)


@breaks("S7", "seats_off")
def a_seat_given_back_is_still_taken() -> None:
    instead_of(fulfilment._return_seats, nothing)
