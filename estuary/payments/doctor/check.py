"""A rule of the doctor: a sentence that must be true, and the SQL that finds the objects that break it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# The worker heals what it can within this time.
GRACE = timedelta(minutes=15)
WORKER_REMEDY = "Is the worker running (manage.py worker)? Its log says why this could not be done."


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a healthy database, a safety rule: it holds at every moment, and its SQL has no parameters.

    ``sql`` returns a row for each object that breaks the rule: its name and the problem.
    """

    code: str
    sentence: str
    sql: str
    remedy: str

    def parameters(self, at: datetime) -> dict[str, datetime] | None:
        """Return the SQL's parameters at a moment; None if it has none."""
        return None


@dataclass(frozen=True, slots=True)
class LivenessRule(Rule):
    """A rule that may be broken for a while: its SQL finds what is still broken after GRACE.

    The SQL gets ``%(at)s``, the current moment, and ``%(late)s``, the moment GRACE before.
    """

    remedy: str = WORKER_REMEDY

    def parameters(self, at: datetime) -> dict[str, datetime] | None:
        return {"at": at, "late": at - GRACE}
