"""The secret key: does Stripe accept it, of which account and mode is it, what may it do, and do the clocks agree?"""

from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime

from django.conf import settings

from estuary.common import clock
from estuary.common.livemode import is_live
from estuary.payments.checkup.finding import Finding, broken, good, look
from estuary.payments.errors import PermissionMissing
from estuary.payments.gateway import ownership
from estuary.payments.gateway.account_binding import ACCOUNT_CURE
from estuary.payments.gateway.probes import Account, Probes
from estuary.payments.models import Refusal, StripeAccount
from estuary.payments.refusals.key_permissions import find_permission, key_digest
from estuary.payments.refusals.signatures import TOLERANCE_S

# The lists that reconciliation and the doctor read, and what an event may have to be fetched from.
LISTS = (
    "customers",
    "payment_intents",
    "payment_methods",
    "setup_intents",
    "checkout.sessions",
    "charges",
    "refunds",
    "disputes",
    "events",
    "products",
    "reviews",
    "radar.early_fraud_warnings",
)
CLOCKS_MAY_DIFFER_BY = timedelta(seconds=30)
KEY_PAGE = "https://dashboard.stripe.com/apikeys"
RECENT = timedelta(days=1)


def check_account(stripe: Probes) -> Iterator[Finding]:
    """Raises KeyRefused or StripeUnreachable: then nothing else can be asked of Stripe."""
    try:
        account = stripe.account()
    except PermissionMissing as error:
        yield look(
            "account_hidden",
            str(error),
            why="If the key were another account's, nothing could tell: then no absence at Stripe is believed.",
            cure=f"{KEY_PAGE}    # edit the restricted key: read access to the account",
        )
    else:
        yield from _check_identity(account)
        yield from _check_clock(account.answered_at)
    yield from _check_owner()
    if settings.STRIPE_SECRET_KEY.startswith("rk_"):
        yield from _check_reads(stripe)
    yield from _recorded_refusals()


def _check_identity(account: Account) -> Iterator[Finding]:
    mode = "live" if is_live() else "test"
    stored = StripeAccount.objects.filter(pk=1).exclude(account_id="").first()
    if stored and (stored.account_id, stored.livemode) != (account.id, is_live()):
        yield broken(
            "wrong_account",
            f"STRIPE_SECRET_KEY is of {account.id} ({mode}), and this database belongs to {stored}.",
            why="Nothing is asked of Stripe with it: another account knows none of our payments, cards and customers.",
            cure=f"manage.py stripe_account    # {ACCOUNT_CURE}",
        )
    else:
        yield good("account", f"STRIPE_SECRET_KEY is accepted: account {account.id}, {mode} mode.")
    if not account.charges_enabled and is_live():
        yield broken(
            "charges_disabled",
            f"Stripe does not let {account.id} take payments.",
            why="Each payment is refused until Stripe has what it asks of the account.",
            cure="https://dashboard.stripe.com/account/onboarding    # complete what is asked there",
        )


def _check_clock(answered_at: str) -> Iterator[Finding]:
    if not answered_at:
        return
    ahead = clock.now() - parsedate_to_datetime(answered_at)
    seconds = abs(round(ahead.total_seconds()))
    if abs(ahead) < CLOCKS_MAY_DIFFER_BY:
        yield good("clock", "This machine's clock and Stripe's agree.")
        return
    direction = "ahead of" if ahead > timedelta(0) else "behind"
    make = broken if seconds > TOLERANCE_S / 2 else look
    yield make(
        "clock_off",
        f"This machine's clock is {seconds} seconds {direction} Stripe's.",
        why=f"Events whose signature is {TOLERANCE_S} seconds old or ahead are refused, and holds end at wrong times.",
        cure="timedatectl set-ntp true    # or start the machine's time service",
    )


def _check_owner() -> Iterator[Finding]:
    row = StripeAccount.objects.filter(pk=1, owner_status_url=ownership.current_site_url()).first()
    if row and row.owner_status in ownership.OWNER_STATUS_SENTENCES:
        yield look(
            "not_the_owner",
            ownership.describe_owner_status(StripeAccount.OwnerStatus(row.owner_status)),
            why="A database that is not the owner cancels and refunds nothing at Stripe.",
            cure="manage.py stripe_account    # says who the owner is; --claim makes it this one",
        )


def _check_reads(stripe: Probes) -> Iterator[Finding]:
    allowed = 0
    for name in LISTS:
        try:
            stripe.may_list(name)
            allowed += 1
        except PermissionMissing as error:
            yield _permission_missing(f"{name}.list", str(error), find_permission(str(error)))
    yield good("reads", f"The restricted key may read {allowed} of {len(LISTS)} kinds of objects.")


def _recorded_refusals() -> Iterator[Finding]:
    """Report the calls of the last day that Stripe did not allow this key: what it may write is only learned so."""
    recorded = Refusal.objects.filter(
        source=Refusal.Source.STRIPE, key_digest=key_digest(), last_at__gte=clock.now() - RECENT
    )
    for row in recorded.order_by("reason", "-last_at").distinct("reason"):
        what = f"{row.reason} was not allowed, last at {row.last_at:%d %b %H:%M} UTC: “{row.detail}”"
        yield _permission_missing(row.reason, what, find_permission(row.detail))


def _permission_missing(call: str, what: str, permission: str) -> Finding:
    return broken(
        "permission_missing",
        what,
        why=f"Without it, whatever needs {call} fails.",
        cure=f"{KEY_PAGE}    # edit the restricted key: {permission or f'what {call} needs'}",
    )
