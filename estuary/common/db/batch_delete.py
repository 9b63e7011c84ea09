"""Deleting what is over, however much there is of it, beside everybody's work."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from estuary.common.process import shutdown

# Rows in one transaction, so that no lock and no backlog of vacuum grows with what is forgotten.
BATCH = 5_000


def delete_in_batches(old: QuerySet[Any]) -> int:
    """Delete rows, so many in a transaction; returns how many. What somebody holds is left for the next time.

    Raises Stopping between two batches once the process is to end: the next time goes on from there.
    """
    deleted = 0
    while batch_size := _delete_batch(old):
        deleted += batch_size
        shutdown.raise_if_shutting_down()
    return deleted


def _delete_batch(old: QuerySet[Any]) -> int:
    with transaction.atomic():
        free = old.order_by().select_for_update(skip_locked=True)
        ids = list(free.values_list("pk", flat=True)[:BATCH])
        return old.model._base_manager.filter(pk__in=ids).delete()[0] if ids else 0
