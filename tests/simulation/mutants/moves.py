"""Slips with bookings that are moved."""

from datetime import datetime
from typing import Any

from django.db.models import F

from estuary.bookings.models import Booking
from estuary.bookings.moving import move_booking, rules
from estuary.catalog.models import ServiceSession
from tests.simulation.mutants.patching import breaks, instead_of, nothing, rebind


@breaks("S7", "seats_off", scenarios="moves")
def a_moved_guest_keeps_the_old_seat() -> None:
    change = move_booking._change_seat

    def keeping(booking: Any, held: Any, session: Any, at: datetime) -> None:
        change(booking, held, session, at)
        ServiceSession.objects.filter(pk=held.session_id).update(taken=F("taken") + 1)

    instead_of(change, keeping)


@breaks("S7", "calendar_differs", scenarios="moves")
def a_moved_slot_stays_in_the_calendar() -> None:
    instead_of(move_booking._change_slot, nothing)


@breaks("S8", "moves_miscounted", scenarios="moves")
def a_booking_is_moved_for_ever() -> None:
    instead_of(rules.moves_left, lambda _: 1)


@breaks("S8", "moved_too_late", scenarios="moves")
def moving_gives_the_notice_anew() -> None:
    present: Any = Booking
    rebind(present, "counted_start", property(lambda booking: booking.starts_at))
