"""All subjects are checked one after another; one that fails is a finding, and stops no other."""

from collections.abc import Callable, Iterable

import structlog
from django.db import DatabaseError

from estuary.common.errors import EstuaryError
from estuary.common.observability.redaction import redact
from estuary.payments import client
from estuary.payments.checkup.account import check_account
from estuary.payments.checkup.endpoint import check_endpoint
from estuary.payments.checkup.events import check_events
from estuary.payments.checkup.finding import Finding, Level, broken, good
from estuary.payments.checkup.processes import check_mail, check_worker
from estuary.payments.checkup.settings_and_database import check_database, check_settings
from estuary.payments.checkup.storefront import check_storefront
from estuary.payments.errors import KeyRefused, StripeUnreachable

log = structlog.get_logger(__name__)

type Check = Callable[[], Iterable[Finding]]


def run_checkup() -> list[Finding]:
    """Return all findings, the worst first. Reads only; each call to Stripe and to a server has a time limit.

    Without a database only the settings are checked. When Stripe does not answer, or refuses the key, nothing more is
    asked of it: each further call would wait as long.
    """
    findings = [*_run(check_settings), *_run(check_database)]
    if any(finding.level == Level.BROKEN for finding in findings):
        return _worst_first(findings)
    stripe = client.probes()
    about_account = _run(lambda: check_account(stripe))
    can_ask = not any(finding.code in {"stripe_unreachable", "key_refused"} for finding in about_account)
    probes = stripe if can_ask else None
    findings += about_account
    findings += _run(lambda: check_endpoint(probes)) if probes else []
    findings += _run(lambda: check_events(probes))
    for check in (lambda: check_storefront(probes), check_worker, check_mail):
        findings += _run(check)
    return _worst_first(findings)


def _run(check: Check) -> list[Finding]:
    """Run one check; return what it found until it failed, and the failure."""
    findings: list[Finding] = []
    try:
        findings.extend(check())
    except KeyRefused as error:
        findings.append(_failed("key_refused", error))
    except StripeUnreachable as error:
        findings.append(_failed("stripe_unreachable", error))
    except EstuaryError as error:
        findings.append(_failed("stripe_failed", error))
    except DatabaseError as error:
        findings.append(_failed("database_failed", error))
    except Exception as error:
        # A bug. The other subjects are checked all the same.
        log.exception("checkup_failed")
        findings.append(_failed("checkup_failed", error))
    return findings


WHY = {
    "key_refused": "Nobody can pay, and nothing can be refunded. Nothing is lost meanwhile.",
    "stripe_unreachable": "Nobody can pay until Stripe answers again. Nothing is lost meanwhile.",
}
CURES = {
    "key_refused": "export STRIPE_SECRET_KEY=sk_…    # from https://dashboard.stripe.com/apikeys; then start again",
    "stripe_unreachable": "curl -sSI https://api.stripe.com/    # from this machine; see also https://status.stripe.com",
}


def _failed(code: str, error: Exception) -> Finding:
    what = (
        str(error) if isinstance(error, EstuaryError) else redact(f"{type(error).__name__}: {error}".strip())
    )
    why = WHY.get(code, "A part of the set-up was not checked.")
    return broken(
        code, what, why=why, cure=CURES.get(code, "Run manage.py checkup again; its log says more.")
    )


def _worst_first(findings: list[Finding]) -> list[Finding]:
    """Return the findings by level, each level in the order of the checks; equal ones once."""
    rank = {Level.BROKEN: 0, Level.LOOK: 1, Level.GOOD: 2}
    unique = list(dict.fromkeys(findings)) or [good("nothing_found", "Nothing was found.")]
    return sorted(unique, key=lambda finding: rank[finding.level])
