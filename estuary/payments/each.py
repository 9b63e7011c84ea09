"""One action is run on many items, where one failure must not stop the rest."""

from collections.abc import Callable, Iterable
from typing import Any

import structlog

from estuary.common.errors import EstuaryError
from estuary.payments.errors import NotOwner, StripeUnavailable

log = structlog.get_logger(__name__)


def act_on_each[T](items: Iterable[T], act: Callable[[T], Any], *, what: str) -> None:
    """Run ``act`` on each item; failures are logged, and the first is raised at the end.

    Example: of two orders, Stripe is busy for the first. The second is canceled, StripeBusy is raised, and the job is
    retried. StripeUnavailable and NotOwner would fail every item, so they stop at once.
    """
    failures: list[EstuaryError] = []
    for item in items:
        try:
            act(item)
        except (StripeUnavailable, NotOwner):
            raise
        except EstuaryError as failure:
            log.warning("one_of_many_failed", what=what, code=failure.code)
            failures.append(failure)
    if failures:
        raise failures[0]
