"""Why a date can't be called off or moved."""

from typing import Any

from estuary.common.errors import Conflict


class AlreadyCalledOff(Conflict):
    code, title = "already_called_off", "This was called off already"


class DateStarted(Conflict):
    code, title = "date_begun", "This has begun"


class PractitionerTaken(Conflict):
    code, title = "practitioner_taken", "The practitioner is taken at that time"


class PreviewOutdated(Conflict):
    """Something changed since the preview, so nothing was done; ``preview`` is how things stand now."""

    code, title = "preview_outdated", "Things have changed since the preview"

    def __init__(self, preview: dict[str, Any]) -> None:
        super().__init__(
            "Bookings have changed since you looked, so nothing was done. Look at the new preview and confirm it.",
            preview=preview,
        )


class CallOffRunning(Conflict):
    code, title = "call_off_running", "These days are still being called off"


class NotMoved(Conflict):
    code, title = "not_moved", "This booking was not moved"
