"""Deletion of old rows in batches, beside normal work."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from estuary.common.process import shutdown

# Rows per transaction: locks and vacuum's backlog stay small, however many rows are old.
BATCH = 5_000


def delete_in_batches(old: QuerySet[Any]) -> int:
    """Delete rows, BATCH per transaction, and return how many. Locked rows are left for the next run.

    Raises ShuttingDown between two batches once the process is asked to end; the next run deletes the rest.
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
