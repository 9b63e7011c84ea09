"""What a rule of the doctor is: a sentence that must be true, and the SQL that finds what breaks it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

GRACE = timedelta(minutes=15)  # what heals by itself has healed by then


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that holds on a healthy database.

    ``sql`` returns one row for each object that breaks it: the object's name, and what is wrong with it. A rule of
    safety holds at any moment and its SQL has no parameters. One of liveness (``in_time``) may be broken for a while:
    its SQL asks what is still so after GRACE, which is ``%(late)s``; ``%(at)s`` is the moment itself.
    """

    code: str
    sentence: str
    sql: str
    remedy: str
    in_time: bool = False

    def parameters(self, at: datetime) -> dict[str, datetime] | None:
        """Return what the SQL is asked with at a moment."""
        return {"at": at, "late": at - GRACE} if self.in_time else None
