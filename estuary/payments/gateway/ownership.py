"""One database owns what is written at Stripe; its copies, which have the same key, only read.

A row can't tell a shop from its copy, since the copy contains the same row. So a Product at Stripe names the owner: its
home (the address that it serves), its house (a random id) and a count that the owner raises every hour.
See docs/decisions/0024-an-owner-record-at-stripe.md.
"""

from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from estuary.common import clock, ids
from estuary.common.livemode import is_live
from estuary.common.origins import origin_of
from estuary.notifications import staff_alerts
from estuary.orders.models import Order
from estuary.payments.errors import NotOwner, PermissionMissing, StripeRefused
from estuary.payments.gateway.owner_product import OwnerProductClient
from estuary.payments.models import Refund, StripeAccount, StripeCustomer
from estuary.payments.stripe_objects import Owner

COUNT_INTERVAL = timedelta(hours=1)
COUNT_LEASE = timedelta(minutes=2)
# A process learns of a claim within this time.
STANDING_TTL = timedelta(minutes=1)

Standing = StripeAccount.Standing

# The calls that selling needs. All others change, cancel or refund what is at Stripe already.
SELLING_CALLS = frozenset(
    {
        "customers.create",
        "payment_intents.create",
        "payment_intents.confirm",
        "checkout.sessions.create",
        "setup_intents.create",
    }
)
INDEPENDENT_CALLS = frozenset({"customers.create", "setup_intents.create"})

STANDING_SENTENCES = {
    Standing.OTHER: (
        "This database is not the owner of its Stripe account: {there} is, and this is {here}. A copy of a shop's "
        "database reads from Stripe and writes nothing there. If the shop moved here: manage.py stripe_account --claim"
    ),
    Standing.BEHIND: (
        "Another database at {here} has counted further at Stripe than this one: a backup was restored, or two "
        "databases are at work. Nothing is canceled or refunded until this is the only one at work and you say so: "
        "manage.py stripe_account --claim"
    ),
    Standing.UNTOLD: (
        "STRIPE_SECRET_KEY may not read or write products, so nothing distinguishes a copy of this database from "
        "the shop. Give the key write access to products."
    ),
}

log = structlog.get_logger(__name__)


def compare_with_owner(row: StripeAccount, home: str, owner: Owner | None) -> Standing:
    """Return the standing of this database, from what Stripe says of the owner.

    Our count 7, Stripe's 8: another database has counted since ours was copied. Our count 8, Stripe's 7: the answer
    to our last update was lost.
    """
    if row.home not in {"", home}:
        return Standing.OTHER
    if owner is None:
        return Standing.OWNER
    if (owner.home, owner.house) != (home, row.house):
        return Standing.OTHER
    if owner.count > row.count or (owner.count == row.count and owner.mark != row.mark):
        return Standing.BEHIND
    return Standing.OWNER


def current_home() -> str:
    """Return the origin that this process serves."""
    return origin_of(settings.FRONTEND_URL)


def describe_standing(standing: Standing, owner: Owner | None = None) -> str:
    """Return the text for staff about a standing; empty for the owner."""
    return STANDING_SENTENCES.get(standing, "").format(
        here=current_home(), there=owner.home if owner else "another house"
    )


class OwnershipGuard:
    """Reads the standing of this database at Stripe once, then from its row."""

    def __init__(self, product: OwnerProductClient) -> None:
        self._product, self._standing, self._read_at = product, "", clock.now()

    def refuse_write(self, call: str, key: str) -> None:
        refuse_write(self._read_standing(), call, key)

    def _read_standing(self) -> str:
        at = clock.now()
        if not self._standing:
            self._standing = find_standing(self._product)
        elif not timedelta(0) <= at - self._read_at < STANDING_TTL:
            row = _judged_row()
            self._standing = (row and row.standing) or find_standing(self._product)
        else:
            return self._standing
        self._read_at = at
        return self._standing


def find_standing(product: OwnerProductClient, *, may_create: bool = True) -> Standing:
    """Read the owner at Stripe, save this database's standing, and return it.

    Without an owner, a database that is about to write (``may_create``) becomes the owner.
    """
    row = _own_row()
    owner: Owner | None = None
    try:
        owner = product.read()
        standing = compare_with_owner(row, current_home(), owner)
        if standing == Standing.OWNER and owner is None and (may_create or row.counted_at):
            owner = product.create(_owner_of_row(row))
            standing = compare_with_owner(row, current_home(), owner)
            StripeAccount.objects.filter(pk=1, counted_at=None).update(counted_at=clock.now())
    except StripeRefused:
        # Only this call fails, so the last standing still holds.
        is_judged = row.standing and row.judged_home == current_home()
        return Standing(row.standing) if is_judged else Standing.UNTOLD
    except PermissionMissing:
        is_at_home = compare_with_owner(row, current_home(), None) == Standing.OWNER
        standing = Standing.UNTOLD if is_at_home else Standing.OTHER
    _record_standing(row, standing, owner)
    return standing


def _owner_of_row(row: StripeAccount) -> Owner:
    return Owner(current_home(), row.house, row.count, row.mark)


def raise_owner_count(product: OwnerProductClient) -> Standing:
    """Save the standing again and, as the owner, raise the count once an hour; one worker at a time.

    The new count is committed before it is sent to Stripe: a database that fails in between is ahead, never behind.
    """
    standing = find_standing(product, may_create=False)
    at = clock.now()
    due = Q(counted_at__lte=at - COUNT_INTERVAL) | Q(counted_at__gt=at + COUNT_INTERVAL)
    unleased = (
        Q(count_leased_until=None)
        | Q(count_leased_until__lte=at)
        | Q(count_leased_until__gt=at + COUNT_INTERVAL)
    )
    rows = StripeAccount.objects.filter(due, unleased, pk=1)
    if standing != Standing.OWNER or not rows.update(count_leased_until=at + COUNT_LEASE):
        return standing
    _write_owner(product, count=_own_row().count + 1)
    return standing


def claim(product: OwnerProductClient) -> None:
    """Make this database the owner, by a person's decision; the previous owner can only read from now on."""
    row = _own_row()
    owner = product.read()
    StripeAccount.objects.filter(pk=1).update(home=current_home(), standing=Standing.OWNER, house_since=None)
    count = max(row.count, owner.count if owner else 0) + 1
    if owner is None:
        product.create(_owner_of_row(row))
    _write_owner(product, count=count)
    log.warning("stripe_account_claimed", home=current_home(), before=owner.home if owner else "")


def _write_owner(product: OwnerProductClient, *, count: int) -> None:
    mark, at = ids.owner_mark(), clock.now()
    StripeAccount.objects.filter(pk=1).update(count=count, mark=mark, counted_at=at, count_leased_until=None)
    product.update(_owner_of_row(_own_row()))


def _own_row() -> StripeAccount:
    """Return the row of this database, with a house id from the first call on."""
    row, _ = StripeAccount.objects.get_or_create(pk=1)
    if not row.house:
        new = {"house": ids.public_id("house"), "mark": ids.owner_mark(), "home": current_home()}
        StripeAccount.objects.filter(pk=1, house="").update(**new)
        row.refresh_from_db()
    return row


def _record_standing(row: StripeAccount, standing: Standing, owner: Owner | None) -> None:
    """Save the standing for other processes and for staff, who are alerted when it changes."""
    changed = (row.standing, row.judged_home) != (standing, current_home())
    since = None
    if standing == Standing.OTHER and (row.home != current_home() or (owner and owner.house == row.house)):
        # Objects older than our first check from this home belong to another database. Either we are its copy,
        # or it is a copy of us that went on.
        since = row.house_since or clock.now() if row.judged_home == current_home() else clock.now()
    with transaction.atomic():
        StripeAccount.objects.filter(pk=1).update(
            standing=standing, judged_home=current_home(), judged_at=clock.now(), house_since=since
        )
        if changed and standing in STANDING_SENTENCES and (is_live() or standing != Standing.OTHER or since):
            text = describe_standing(standing, owner)
            log.error("alert", code=f"stripe_{standing}", text=text)
            staff_alerts.alert_staff(f"stripe_{standing}", text)


def refuse_write(standing: str, call: str, key: str) -> None:
    """Raise NotOwner for a request that this database may not send.

    - Behind: it may sell and settle, but cancel and refund nothing.
    - At another home: it may only read. In test mode it may also write what it has created itself.
    """
    if standing in {Standing.OWNER, Standing.UNTOLD, ""}:
        return
    if standing == Standing.BEHIND and call in SELLING_CALLS:
        return
    if standing == Standing.OTHER and not is_live() and _is_own(call, key):
        return
    log.warning("stripe_write_refused", call=call, standing=standing)
    raise NotOwner(
        "Payments can't be made or changed here right now. We have been told.",
        retry_after_s=60,
        for_operators=describe_standing(Standing(standing)),
    )


def _is_own(call: str, key: str) -> bool:
    """Return whether a request is about an object created by this house, by its key: each key names its row."""
    since = StripeAccount.objects.values_list("house_since", flat=True).get(pk=1)
    if since is None or call in INDEPENDENT_CALLS:
        return True
    name = key.partition("-")[0]
    if name.startswith("ord_"):
        return Order.objects.filter(public_id=name, created_at__gte=since).exists()
    if name.startswith("ref_"):
        return Refund.objects.filter(public_id=name, order__created_at__gte=since).exists()
    return StripeCustomer.objects.filter(key=name, created_at__gte=since).exists()


def _judged_row() -> StripeAccount | None:
    """Return the row of this database, unless its standing is of another home."""
    return StripeAccount.objects.filter(pk=1, judged_home=current_home()).first()


def may_recover_orphans() -> bool:
    """Return whether unknown payments at Stripe may belong to orders that this database has lost."""
    row = _judged_row()
    return row is not None and row.standing == Standing.OWNER


def is_claim_needed() -> bool:
    """Return whether staff must claim this database before it may change what was created at Stripe before."""
    row = _judged_row()
    if row is None or row.standing not in {Standing.OTHER, Standing.BEHIND}:
        return False
    return is_live() or row.standing == Standing.BEHIND or row.house_since is not None
