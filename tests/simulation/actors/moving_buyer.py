"""A buyer who moves a booking: to times that others want too, more often and later than allowed, and twice alike."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tests.simulation.actors.buyers import LESSONS, TRY_AGAIN

if TYPE_CHECKING:
    from tests.simulation.actors.buyers import Buyer

TIMES = 6  # so few of the free times are wanted that several meet at one
# Where the booking is, or was on its way: it may have been moved again since the answer.
IS_OR_WAS_THERE = """
    SELECT 1 FROM bookings_booking
    WHERE id = %(booking)s AND (starts_at = %(start)s::timestamptz OR session_id = %(session)s)
    UNION ALL
    SELECT 1 FROM bookings_bookingmove WHERE booking_id = %(booking)s
    AND (%(start)s::timestamptz IN (from_starts_at, to_starts_at) OR %(session)s IN (from_session_id, to_session_id))"""


def move(buyer: "Buyer") -> None:
    """Move one booking that has a time, once or several times."""
    scheduled = [
        booking
        for booking in buyer.bookings()
        if booking["start_datetime"] and booking["service_type"] in {"session", "workshop", "course"}
    ]
    if not scheduled:
        return
    chosen = buyer.draws.pick("booking", scheduled)
    for _ in range(buyer.draws.pick("moves", [1, 1, 2, 3, 4])):
        _move(buyer, chosen)
        buyer.pause()


def _move(buyer: "Buyer", booking: Mapping[str, object]) -> None:
    harness, draws = buyer.harness, buyer.draws
    session, start = None, None
    if booking["service_type"] == "session":
        times = harness.slots[LESSONS.get(str(booking["service_name"]), "session")]
        # The last ones are a day later: to reach for them may be to reach for a later deadline.
        start = draws.pick("slot", times[-TIMES:] if draws.odds("far", 0.3) else times[:TIMES])
    else:
        session = draws.pick("seat", harness.seats)
    body: dict[str, object] = {"start_datetime": start} if start else {"service_session_id": session}
    for _ in range(3):
        answer = buyer.browser.ask("post", f"/api/v1/bookings/{booking['id']}/move/", body)
        to = start or f"session {session}"
        harness.run_log.add(
            f"moves booking {booking['id']} to {to} → {answer.status} {answer.get('code', '')}"
        )
        if answer.fine:
            values = {"booking": int(str(booking["id"])), "start": start, "session": session}
            harness.effect_is_there_named(IS_OR_WAS_THERE, values)
        # Now and then the very same again, as after a lost answer.
        if answer.status not in TRY_AGAIN and not draws.odds("asks twice", 0.2):
            return
        buyer.pause()
