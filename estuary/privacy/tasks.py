"""The worker's periodic job that finishes erasures (procrastinate imports this module)."""

from functools import partial

import structlog

from estuary.common.errors import EstuaryError
from estuary.payments.errors import NotOwner, StripeUnavailable, run_all
from estuary.payments.tasks import periodic
from estuary.privacy.erasure.erase import finish_erasure, unfinished_erasures
from estuary.privacy.erasure.redaction import redact_late_events
from estuary.privacy.models import Erasure

log = structlog.get_logger(__name__)


@periodic("*/10 * * * *")
def finish_erasures(timestamp: int) -> None:
    """Finish interrupted erasures, and redact later events about erased persons."""
    run_all(redact_late_events, finish_interrupted_erasures)


def finish_interrupted_erasures() -> None:
    """Finish each interrupted erasure; one that fails or is refused stops no other."""
    run_all(*(partial(_finish, erasure) for erasure in unfinished_erasures()))


def _finish(erasure: Erasure) -> None:
    try:
        finish_erasure(erasure)
    except NotOwner:
        return  # a copy of the database: the owner finishes
    except StripeUnavailable:
        raise
    except EstuaryError as error:
        log.warning("erasure_waits", user=erasure.user_id, code=error.code, reason=str(error))
