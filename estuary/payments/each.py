"""One after the other, where the failure of one is no reason to leave out the rest."""

from collections.abc import Callable, Iterable
from typing import Any

import structlog

from estuary.common.api.errors import EstuaryError
from estuary.payments.errors import NotOwner, StripeUnavailable

log = structlog.get_logger(__name__)


def act_on_each[T](items: Iterable[T], act: Callable[[T], Any], *, what: str) -> None:
    """Do ``act`` with each item; what fails is logged and stops no other, and the first failure is raised at the end.

    Two orders, and Stripe is busy over the first: the second ends, StripeBusy is raised, and the job is tried again.
    A Stripe that does not answer would fail each of them, and ends all at once.
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
