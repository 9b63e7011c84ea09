"""Numbers without gaps: one locked counter for each batch, and what a batch of documents does when it fails."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.db import OperationalError

from estuary.common import clock
from estuary.common.db.transactions import execute_prepared
from estuary.documents.models import IssuedDocument, NumberCounter, Series, number_of
from estuary.documents.seller import Seller
from estuary.payments import outbox

# Documents of one transaction, and transactions of one run: other jobs of the worker get their turn.
BATCH, MAX_BATCHES = 200, 50
# How far before the last document a run looks: for what became visible late, and what had to wait.
OVERLAP = timedelta(minutes=30)
# Of so many documents the latest moment counts: one that was found late is of an earlier moment.
NEWEST = 1_000
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger(__name__)


def start_of_search(documents: type[IssuedDocument], moment: str, seller: Seller) -> datetime:
    """Return from when on to look for what has no document yet; ``moment`` names the field that orders documents.

    Moments to come are passed over: a clock that ran ahead wrote them, and what is due now lies before them.
    """
    statement = (
        f"SELECT max({moment}) FROM (SELECT {moment} FROM {documents._meta.db_table}"  # noqa: S608
        f" WHERE seller = %s AND {moment} <= %s ORDER BY id DESC LIMIT {NEWEST}) newest"
    )
    with execute_prepared(statement, [seller.key, clock.now()]) as cursor:
        [(newest,)] = cursor.fetchall()
    return newest - OVERLAP if newest else BEGINNING


class Numbering:
    """Gives numbers of one series. The counter is locked until the open transaction ends.

    The year is that of issue, where the seller is. A later number never has an earlier moment of issue.
    """

    def __init__(self, seller: Seller, series: Series) -> None:
        self._seller, self._series, at = seller, series, clock.now()
        key: dict[str, Any] = {"seller": seller.key, "series": series, "year": seller.year_of(at)}
        NumberCounter.objects.get_or_create(**key)
        self._counter = NumberCounter.objects.select_for_update(no_key=True).get(**key)
        self._at = max(at, self._counter.last_issued_at or at)

    def give_numbers(self, documents: Sequence[IssuedDocument]) -> None:
        """Number the documents in their order, and store the counter; the caller stores the documents."""
        counter = self._counter
        for document in documents:
            counter.last_sequence += 1
            document.year, document.sequence = counter.year, counter.last_sequence
            document.number = number_of(self._series, counter.year, counter.last_sequence)
            document.issued_at = self._at
            document.issued_on = self._at.astimezone(self._seller.zone).date()
        if documents:
            counter.last_issued_at = self._at
            counter.save(update_fields=["last_sequence", "last_issued_at"])


def issue_batch(ids: Sequence[int], write: Callable[[Sequence[int]], int], failed: set[int]) -> int:
    """Issue the documents of some orders; returns how many.

    When a batch fails, its orders are issued one by one. One that fails alone is added to ``failed``, staff are
    alerted once an hour, and it holds up no other.
    """
    if not ids:
        return 0
    try:
        return write(ids)
    except OperationalError:
        raise
    except Exception as error:
        if len(ids) > 1:
            return sum(issue_batch([order_id], write, failed) for order_id in ids)
        log.exception("document_failed", order=ids[0])
        outbox.alert_staff_hourly(
            "document_failed",
            f"Order {ids[0]}, and perhaps others, gets no receipt or credit note: {type(error).__name__}."
            " The worker's log names each as document_failed.",
        )
        failed.add(ids[0])
        return 0
