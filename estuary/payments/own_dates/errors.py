"""Why a practitioner's date can't be added, changed or deleted."""

from typing import Any

from estuary.common.errors import Conflict, InvalidRequest


class NoDates(InvalidRequest):
    code, title = "no_dates", "This service has no dates of its own"


class BeyondHorizon(InvalidRequest):
    code, title = "beyond_horizon", "That is too far ahead"


class ServiceInactive(Conflict):
    code, title = "service_inactive", "This service is not offered"


class TooManyDates(Conflict):
    code, title = "too_many_dates", "This service has as many dates as it can have"


class CourseSold(Conflict):
    code, title = "course_sold", "Guests have bought this course as it is"


class CourseStarted(Conflict):
    code, title = "course_begun", "This course has begun"


class CapacityBelowTaken(Conflict):
    """``taken`` is how many seats are booked or held."""

    code, title = "capacity_below_taken", "More seats are taken than that"

    def __init__(self, taken: int) -> None:
        seats = "1 seat is" if taken == 1 else f"{taken} seats are"
        super().__init__(f"{seats} booked or held. Choose {taken} or more.", taken=taken)


class DateHasGuests(Conflict):
    """``preview`` is the address that shows what moving the date with its guests would do."""

    code, title = "date_has_guests", "Guests have booked this date"

    def __init__(self, session_id: int, taken: int) -> None:
        super().__init__(
            "Guests have booked this time or are paying for it. Move the date with them: they are told, and who can't "
            "come is refunded.",
            taken=taken,
            preview=f"/api/v1/roster/sessions/{session_id}/move/",
        )


class DateOutdated(Conflict):
    """``date`` is how the date stands now."""

    code, title = "date_outdated", "This date has changed since you looked"

    def __init__(self, date: dict[str, Any]) -> None:
        super().__init__(
            "The date was changed elsewhere since you looked, so nothing was saved. Look at it and save again.",
            date=date,
        )


class DateWasBooked(Conflict):
    code, title = "date_was_booked", "This date was booked before"
