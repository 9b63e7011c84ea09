"""Small things about PostgreSQL that Django leaves to us."""

import functools
from collections.abc import Callable, Iterable, Sequence

import structlog
from django.db import IntegrityError, OperationalError, connection
from django.db.models import ForeignKey, Model

TRIES = 3
LOST_A_RACE = frozenset({"40P01", "40001"})  # deadlock_detected, serialization_failure

log = structlog.get_logger(__name__)


def violated(error: IntegrityError) -> str:
    """Return the name of the constraint that an IntegrityError broke, or an empty string."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None) or ""


def attach(owners: Sequence[Model], relation: str, rows: Iterable[Model]) -> None:
    """Give each owner its rows, for ``owner.relation.all()`` to return as after ``prefetch_related``.

    That one makes a manager and a queryset for each owner and relation, which cost more than the rows do.
    """
    if not owners:
        return
    key = type(owners[0])._meta.get_field(relation).remote_field
    assert isinstance(key, ForeignKey)
    owned: dict[int, list[Model]] = {owner.pk: [] for owner in owners}
    for row in rows:
        owned[getattr(row, key.attname)].append(row)
    for owner in owners:
        for row in owned[owner.pk]:
            key.set_cached_value(row, owner)
        vars(owner).setdefault("_prefetched_objects_cache", {})[relation] = owned[owner.pk]


def retried[**P, R](transaction: Callable[P, R]) -> Callable[P, R]:
    """Run a whole transaction again, at most three times, when PostgreSQL gave it up for another one.

    Joined to a transaction that is open already it is not run again: then that one must be, as a whole.
    Source: https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
    """

    @functools.wraps(transaction)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for tries_left in reversed(range(TRIES)):
            try:
                return transaction(*args, **kwargs)
            except OperationalError as error:
                lost = getattr(error.__cause__, "sqlstate", None) in LOST_A_RACE
                if not (lost and tries_left) or connection.in_atomic_block:
                    raise
                log.warning("transaction_lost_a_race", what=transaction.__name__)
        raise AssertionError("the last try returns or raises")

    return run
