"""A rule of the doctor: a sentence that must be true, and the SQL that finds the objects that break it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# The worker heals what it can within this time.
GRACE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a healthy database.

    ``sql`` returns a row for each object that breaks the rule: its name and the problem. A safety rule holds at every
    moment; its SQL has no parameters. A liveness rule (``in_time``) may be broken for a while: its SQL finds what is
    still broken after GRACE. It gets ``%(at)s``, the current moment, and ``%(late)s``, the moment GRACE before.
    """

    code: str
    sentence: str
    sql: str
    remedy: str
    in_time: bool = False

    def parameters(self, at: datetime) -> dict[str, datetime] | None:
        """Return the SQL's parameters at a moment."""
        return {"at": at, "late": at - GRACE} if self.in_time else None
