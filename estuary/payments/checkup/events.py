"""Do events arrive? Stripe's list of events is compared with the inbox, and refusals are read from our own counts."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.timesince import timesince

from estuary.common import clock
from estuary.payments.checkup.endpoint import ALL_TYPES, is_on_a_laptop, leads_here, our_url
from estuary.payments.checkup.finding import Finding, broken, good, look
from estuary.payments.doctor.liveness import PAYMENT_WITHOUT_EVENT
from estuary.payments.doctor.runner import run_check
from estuary.payments.errors import PermissionMissing
from estuary.payments.gateway.probes import Probes
from estuary.payments.models import Refusal, StripeAccount, WebhookEvent
from estuary.payments.reconciliation.stripe_lists import UNLISTED_EVENT_TYPES
from estuary.payments.refusals import signatures
from estuary.payments.webhooks import HANDLERS

# The types that only the webhook brings: those of UNLISTED_EVENT_TYPES also come from Stripe's list.
BY_WEBHOOK_ONLY = sorted(HANDLERS.keys() - set(UNLISTED_EVENT_TYPES))
# Younger events may be on their way.
ON_ITS_WAY = timedelta(seconds=10)
RECENT = timedelta(days=1)
NEWEST_READ = 1000
MAX_NAMED = 3
EVENTS_PAGE = "https://dashboard.stripe.com/workbench/events"
CHECK_TIMEOUT_S = 10
LATE = "Orders are completed minutes late, by the worker that asks Stripe, and never while it does not run."
REASONS = {
    signatures.NO_HEADER: "without a signature",
    signatures.MALFORMED: "with a malformed signature",
    signatures.NO_SECRET_FITS: "that no secret of STRIPE_WEBHOOK_SECRET fits",
    signatures.TOO_OLD: "signed too long ago",
    signatures.TOO_NEW: "signed in the future",
    "not_an_event": "signed, but no event",
    "body_too_large": "too large",
}


def check_events(stripe: Probes | None) -> Iterator[Finding]:
    """``stripe`` is None when Stripe can't be asked: then only what is known here is checked."""
    at = clock.now()
    newest = _newest_by_webhook()
    missing, arrive_again = _find_missing(stripe, at) if stripe else ([], False)
    refused = _refused_since(max(at - RECENT, newest.received_at) if newest else at - RECENT)
    if arrive_again and missing:
        yield _some_missed(missing)
    elif missing or (signatures.NO_SECRET_FITS in refused and not newest):
        yield _explain(missing, refused)
    yield from _describe_refused(_refused_since(at - RECENT))
    yield from _check_settled_without_event(at, do_events_arrive=not missing or arrive_again)
    if newest:
        age = timesince(newest.received_at, at, depth=1)
        yield good("last_event", f"The last event came {age} ago: {newest.type}.")
    elif not missing:
        yield look(
            "no_event_yet",
            "No event has come by the webhook yet.",
            why="Whether events arrive is known by the first one.",
            cure="stripe trigger payment_intent.succeeded    # or buy something with a test card",
        )


def _newest_by_webhook() -> WebhookEvent | None:
    """Return the newest event that the webhook has brought, among the newest rows of the inbox."""
    rows = WebhookEvent.objects.order_by("-pk").only("type", "received_at")[:NEWEST_READ]
    return next((row for row in rows if row.type in BY_WEBHOOK_ONLY), None)


def _find_missing(stripe: Probes, at: datetime) -> tuple[list[str], bool]:
    """Return Stripe's events that should be in the inbox and are not, and whether the newest of all has come.

    Events from before the endpoint, or from before this database belonged to the account, are not expected. Those of a
    copy of the shop go to the shop.
    """
    account = StripeAccount.objects.filter(pk=1).first()
    if account is None or account.bound_at is None or account.owner_status == StripeAccount.OwnerStatus.OTHER:
        return [], False
    types, since, until = set(BY_WEBHOOK_ONLY), max(at - RECENT, account.bound_at), at - ON_ITS_WAY
    try:
        if endpoints := [one for one in stripe.endpoints() if one.is_enabled and leads_here(one)]:
            since = max(since, clock.from_timestamp(min(one.created for one in endpoints)))
            sent = frozenset[str]().union(*(one.event_types for one in endpoints))
            types = types if ALL_TYPES in sent else types & sent
        if not types or since >= until:
            return [], False
        listed = stripe.newest_events(sorted(types), since=since, until=until)
    except PermissionMissing:
        # The other checks report it.
        return [], False
    stored = WebhookEvent.objects.filter(stripe_event_id__in=listed).values_list("stripe_event_id", flat=True)
    came = set(stored)
    missing = [f"{event_id} ({kind})" for event_id, kind in listed.items() if event_id not in came]
    return missing, next(iter(listed), "") in came


def _refused_since(since: datetime) -> dict[str, Refusal]:
    """Return the newest count of each reason for which requests were refused since then."""
    rows = Refusal.objects.filter(source=Refusal.Source.WEBHOOK, last_at__gte=since)
    return {row.reason: row for row in rows.order_by("last_at")}


def _some_missed(missing: list[str]) -> Finding:
    return look(
        "events_missed",
        f"Of Stripe's events of the last day {len(missing)} did not arrive, and newer ones did: "
        f"{', '.join(missing[:MAX_NAMED])}.",
        why="The worker has found by itself what they report. A single one may be Stripe's own failure.",
        cure=f"{EVENTS_PAGE}    # the deliveries that failed, and why",
    )


def _explain(missing: list[str], refused: dict[str, Refusal]) -> Finding:
    """Return why events do not come: what was refused since the last one that did tells."""
    named = ", ".join(missing[:MAX_NAMED])
    what = f"Of Stripe's newest events {len(missing)} did not arrive: {named}." if missing else ""
    if signatures.NO_SECRET_FITS in refused:
        rolled = (
            "What stripe listen prints" if is_on_a_laptop() else "That of the endpoint, in Stripe's dashboard"
        )
        return broken(
            "webhook_secret_wrong",
            f"Events are refused, because no secret of STRIPE_WEBHOOK_SECRET fits their signatures. {what}".strip(),
            why=LATE,
            cure=f"export STRIPE_WEBHOOK_SECRET=whsec_…    # {rolled}; then start the web server again",
        )
    if refused.keys() & {signatures.TOO_OLD, signatures.TOO_NEW}:
        return broken(
            "webhook_clock_off",
            f"Events are refused, because their signatures are too old or from the future. {what}",
            why=LATE,
            cure="timedatectl set-ntp true    # or start the machine's time service",
        )
    return broken(
        "events_missing",
        what,
        why=LATE,
        cure=f"curl -i -X POST {our_url()}    # from outside: 400 bad_signature, when it reaches the web server",
    )


def _describe_refused(refused: dict[str, Refusal]) -> Iterator[Finding]:
    for reason, row in refused.items():
        yield look(
            f"refused_{reason}",
            f"Refused requests {REASONS.get(reason, reason)}: {row.count:,} on {row.day:%d %b}, the last at "
            f"{row.last_at:%H:%M} UTC.",
            why="Anybody can send such requests. Stripe's own are among them only if events do not arrive.",
            cure=f"{settings.FRONTEND_URL}/admin/payments/webhookevent/    # do events arrive besides?",
        )


def _check_settled_without_event(at: datetime, *, do_events_arrive: bool) -> Iterator[Finding]:
    violation = run_check(PAYMENT_WITHOUT_EVENT, at=at, timeout_s=CHECK_TIMEOUT_S)
    if violation:
        named = ", ".join(name for name, _ in violation.objects[:MAX_NAMED])
        make = look if do_events_arrive else broken
        yield make(
            "payment_without_event",
            f"{violation.count} payments of the last day were found by asking Stripe. No event reported {named}.",
            why=LATE,
            cure="manage.py checkup    # the findings beside this one say why; a single one may be Stripe's failure",
        )
