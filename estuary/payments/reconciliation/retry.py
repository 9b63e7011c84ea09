"""Due rows are processed one by one. A row that is still due afterwards waits as long again as it has waited so far."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Any

import structlog
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Coalesce

from estuary.common import clock
from estuary.common.db.prepared_queries import Param, PreparedQuery
from estuary.common.errors import EstuaryError
from estuary.common.process import shutdown
from estuary.payments.errors import StripeUnavailable
from estuary.payments.gateway.idempotency_keys import MAX_CLOCK_SKEW

BATCH = 100

SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(minutes=10)

log = structlog.get_logger(__name__)


class DueQuery[M: Model]:
    """The due rows of a table, the longest due first. An idle worker often looks for them, so it is compiled once."""

    def __init__(self, rows: Callable[[], QuerySet[M]], *, since: str, again: str) -> None:
        """``since`` names the field from which a row's waiting time counts, ``again`` that of its next attempt."""
        self.since, self.again = since, again
        self._query = PreparedQuery(
            lambda: rows().filter(_is_due(again)).order_by(Coalesce(again, since), "pk")[:BATCH]
        )

    def fetch(self, **values: Any) -> list[M]:
        """Return the longest due rows; ``values`` are those of the queryset's own parameters."""
        at = clock.now()
        return self._query.fetch(at=at, beyond_longest_wait=at + LONGEST_WAIT + MAX_CLOCK_SKEW, **values)


def process_due[M: Model](due: DueQuery[M], process: Callable[[M], Any], **values: Any) -> int:
    """Process due rows, the longest due first; returns how many succeeded. A failure is logged and stops no other row.

    When Stripe does not answer, or the process shuts down, the remaining rows keep their turn.
    """
    processed = 0
    while rows := due.fetch(**values):
        for row in rows:
            if shutdown.is_shutting_down():
                return processed
            name = f"{row._meta.model_name} {row.pk}"
            try:
                processed += run_logged(partial(process, row), what=name)
            except StripeUnavailable:
                log.warning("sweep_stopped", what=name)
                return processed
            finally:
                waited = clock.now() - (attrgetter(due.since)(row) or clock.now())
                type(row)._default_manager.filter(pk=row.pk).update(**{due.again: _next_attempt_at(waited)})
    return processed


def _is_due(again: str) -> Q:
    """Return the condition of rows never tried, due, or delayed longer than possible by a clock that ran ahead."""
    is_beyond_longest_wait = Q(**{f"{again}__gt": Param("beyond_longest_wait")})
    return Q(**{again: None}) | Q(**{f"{again}__lte": Param("at")}) | is_beyond_longest_wait


def run_logged(act: Callable[[], Any], *, what: str) -> bool:
    """Run one action of many; returns whether it succeeded. A failure is logged.

    Raises StripeUnavailable, which would fail all the others as well.
    """
    try:
        act()
    except StripeUnavailable:
        raise
    except EstuaryError as error:
        log.warning("sweep_put_off", what=what, code=error.code)
    except Exception:
        log.exception("sweep_failed", what=what)
    else:
        return True
    return False


def _next_attempt_at(waited: timedelta) -> datetime:
    return clock.now() + min(max(waited, SHORTEST_WAIT), LONGEST_WAIT)
