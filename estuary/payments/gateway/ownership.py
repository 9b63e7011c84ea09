"""One database owns what is written at Stripe; its copies, which have the same key, only read.

A row can't tell a shop from its copy, since the copy contains the same row. So a Product at Stripe names the owner: its
site's URL, its database's random id and a count that the owner raises every hour.
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
OWNER_STATUS_TTL = timedelta(minutes=1)

OwnerStatus = StripeAccount.OwnerStatus

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

OWNER_STATUS_SENTENCES = {
    OwnerStatus.OTHER: (
        "This database is not the owner of its Stripe account: {there} is, and this is {here}. A copy of a shop's "
        "database reads from Stripe and writes nothing there. If the shop moved here: manage.py stripe_account --claim"
    ),
    OwnerStatus.BEHIND: (
        "Another database at {here} has counted further at Stripe than this one: a backup was restored, or two "
        "databases are at work. Nothing is canceled or refunded until this is the only one at work and you say so: "
        "manage.py stripe_account --claim"
    ),
    OwnerStatus.UNKNOWN: (
        "STRIPE_SECRET_KEY may not read or write products, so nothing distinguishes a copy of this database from "
        "the shop. Give the key write access to products."
    ),
}

STRIPE_NOT_ANSWERED = (
    "Stripe has not said yet whether this database is the owner of the account: it fails to return the product "
    "estuary_owner. Until it does, nothing is canceled or refunded; it is asked again every minute."
)

log = structlog.get_logger(__name__)


def compare_with_owner(row: StripeAccount, site_url: str, owner: Owner | None) -> OwnerStatus:
    """Return the owner status of this database, from what Stripe says of the owner.

    Our count 7, Stripe's 8: another database has counted since ours was copied. Our count 8, Stripe's 7: the answer
    to our last update was lost.
    """
    if row.site_url not in {"", site_url}:
        return OwnerStatus.OTHER
    if owner is None:
        return OwnerStatus.OWNER
    if (owner.site_url, owner.database_id) != (site_url, row.database_id):
        return OwnerStatus.OTHER
    if owner.count > row.count or (owner.count == row.count and owner.count_token != row.count_token):
        return OwnerStatus.BEHIND
    return OwnerStatus.OWNER


def current_site_url() -> str:
    """Return the origin that this process serves."""
    return origin_of(settings.FRONTEND_URL)


def describe_owner_status(owner_status: OwnerStatus, owner: Owner | None = None) -> str:
    """Return the text for staff about an owner status; empty for the owner."""
    return OWNER_STATUS_SENTENCES.get(owner_status, "").format(
        here=current_site_url(), there=owner.site_url if owner else "another installation"
    )


class OwnershipGuard:
    """Reads the owner status of this database at Stripe once, then from its row.

    Until Stripe has answered this process once, the row proves nothing: a backup's row is the owner's too.
    """

    def __init__(self, product: OwnerProductClient) -> None:
        self._product, self._owner_status, self._read_at = product, "", clock.now()
        self._has_asked_stripe = False

    def refuse_write(self, call: str, key: str) -> None:
        owner_status = self._read_owner_status()
        refuse_write(owner_status, call, key, why="" if self._has_asked_stripe else STRIPE_NOT_ANSWERED)

    def _read_owner_status(self) -> str:
        at = clock.now()
        if self._owner_status and timedelta(0) <= at - self._read_at < OWNER_STATUS_TTL:
            return self._owner_status
        row = _checked_row() if self._has_asked_stripe else None
        try:
            self._owner_status = (row and row.owner_status) or find_owner_status(self._product)
            self._has_asked_stripe = True
        except StripeRefused:
            self._owner_status, self._has_asked_stripe = _status_until_stripe_answers(), False
        self._read_at = at
        return self._owner_status


def _status_until_stripe_answers() -> OwnerStatus:
    """Return the owner status of a process whose question has failed: it sells, and it ends and refunds nothing."""
    row = _checked_row()
    return OwnerStatus.OTHER if row and row.owner_status == OwnerStatus.OTHER else OwnerStatus.BEHIND


def find_owner_status(product: OwnerProductClient, *, may_create: bool = True) -> OwnerStatus:
    """Read the owner at Stripe, save this database's owner status, and return it.

    Without an owner, a database that has written or is about to (``may_create``) becomes the owner. When Stripe fails,
    a copy knows itself by the URL in its row; any other database raises StripeRefused.
    """
    row = _own_row()
    owner: Owner | None = None
    try:
        owner = product.read()
        owner_status = compare_with_owner(row, current_site_url(), owner)
        # A key that was not allowed to see products may have written already.
        has_written = row.counted_at or row.owner_status == OwnerStatus.UNKNOWN
        if owner_status == OwnerStatus.OWNER and owner is None and (may_create or has_written):
            owner = product.create(_owner_of_row(row))
            owner_status = compare_with_owner(row, current_site_url(), owner)
            StripeAccount.objects.filter(pk=1, counted_at=None).update(counted_at=clock.now())
    except (PermissionMissing, StripeRefused) as error:
        owner_status = compare_with_owner(row, current_site_url(), None)
        if owner_status == OwnerStatus.OWNER and isinstance(error, StripeRefused):
            raise
        if owner_status == OwnerStatus.OWNER:
            owner_status = OwnerStatus.UNKNOWN
    _record_owner_status(row, owner_status, owner)
    return owner_status


def _owner_of_row(row: StripeAccount) -> Owner:
    return Owner(current_site_url(), row.database_id, row.count, row.count_token)


def raise_owner_count(product: OwnerProductClient) -> OwnerStatus:
    """Save the owner status again and, as the owner, raise the count once an hour; one worker at a time.

    The new count is committed before it is sent to Stripe: a database that fails in between is ahead, never behind.
    """
    owner_status = find_owner_status(product, may_create=False)
    at = clock.now()
    due = Q(counted_at__lte=at - COUNT_INTERVAL) | Q(counted_at__gt=at + COUNT_INTERVAL)
    unleased = (
        Q(count_leased_until=None)
        | Q(count_leased_until__lte=at)
        | Q(count_leased_until__gt=at + COUNT_INTERVAL)
    )
    rows = StripeAccount.objects.filter(due, unleased, pk=1)
    if owner_status != OwnerStatus.OWNER or not rows.update(count_leased_until=at + COUNT_LEASE):
        return owner_status
    _write_owner(product, count=_own_row().count + 1)
    return owner_status


def claim(product: OwnerProductClient) -> None:
    """Make this database the owner, by a person's decision; the previous owner can only read from now on."""
    row = _own_row()
    owner = product.read()
    StripeAccount.objects.filter(pk=1).update(
        site_url=current_site_url(), owner_status=OwnerStatus.OWNER, copied_at=None
    )
    count = max(row.count, owner.count if owner else 0) + 1
    if owner is None:
        product.create(_owner_of_row(row))
    _write_owner(product, count=count)
    log.warning("stripe_account_claimed", site_url=current_site_url(), before=owner.site_url if owner else "")


def _write_owner(product: OwnerProductClient, *, count: int) -> None:
    token, at = ids.owner_count_token(), clock.now()
    StripeAccount.objects.filter(pk=1).update(
        count=count, count_token=token, counted_at=at, count_leased_until=None
    )
    product.update(_owner_of_row(_own_row()))


def _own_row() -> StripeAccount:
    """Return the row of this database, with a random id from the first call on."""
    row, _ = StripeAccount.objects.get_or_create(pk=1)
    if not row.database_id:
        new = {
            "database_id": ids.public_id("house"),
            "count_token": ids.owner_count_token(),
            "site_url": current_site_url(),
        }
        StripeAccount.objects.filter(pk=1, database_id="").update(**new)
        row.refresh_from_db()
    return row


def ensure_database_id() -> None:
    """Give this database its random id, unless it has one."""
    _own_row()


def _record_owner_status(row: StripeAccount, owner_status: OwnerStatus, owner: Owner | None) -> None:
    """Save the owner status for other processes and for staff, who are alerted when it changes."""
    changed = (row.owner_status, row.owner_status_url) != (owner_status, current_site_url())
    since = None
    if owner_status == OwnerStatus.OTHER and (
        row.site_url != current_site_url() or (owner and owner.database_id == row.database_id)
    ):
        # Objects older than our first check from this URL belong to another database. Either we are its copy,
        # or it is a copy of us that went on.
        since = row.copied_at or clock.now() if row.owner_status_url == current_site_url() else clock.now()
    with transaction.atomic():
        StripeAccount.objects.filter(pk=1).update(
            owner_status=owner_status,
            owner_status_url=current_site_url(),
            owner_status_checked_at=clock.now(),
            copied_at=since,
        )
        if (
            changed
            and owner_status in OWNER_STATUS_SENTENCES
            and (is_live() or owner_status != OwnerStatus.OTHER or since)
        ):
            text = describe_owner_status(owner_status, owner)
            log.error("alert", code=f"stripe_{owner_status}", text=text)
            staff_alerts.alert_staff(f"stripe_{owner_status}", text)


def refuse_write(owner_status: str, call: str, key: str, *, why: str = "") -> None:
    """Raise NotOwner for a request that this database may not send; ``why`` tells operators more than the status.

    - Behind: it may sell and settle, but cancel and refund nothing.
    - At another URL: it may only read. In test mode it may also write what it has created itself.
    """
    if owner_status in {OwnerStatus.OWNER, OwnerStatus.UNKNOWN, ""}:
        return
    if owner_status == OwnerStatus.BEHIND and call in SELLING_CALLS:
        return
    if owner_status == OwnerStatus.OTHER and not is_live() and _is_own(call, key):
        return
    log.warning("stripe_write_refused", call=call, owner_status=owner_status)
    raise NotOwner(
        "Payments can't be made or changed here right now. We have been told.",
        retry_after_s=60,
        for_operators=why or describe_owner_status(OwnerStatus(owner_status)),
    )


def _is_own(call: str, key: str) -> bool:
    """Return whether a request is about an object created by this database, by its key: each key names its row."""
    since = StripeAccount.objects.values_list("copied_at", flat=True).get(pk=1)
    if since is None or call in INDEPENDENT_CALLS:
        return True
    name = key.partition("-")[0]
    if name.startswith("ord_"):
        return Order.objects.filter(public_id=name, created_at__gte=since).exists()
    if name.startswith("ref_"):
        return Refund.objects.filter(public_id=name, order__created_at__gte=since).exists()
    return StripeCustomer.objects.filter(key=name, created_at__gte=since).exists()


def _checked_row() -> StripeAccount | None:
    """Return the row of this database, unless its status was found at another URL."""
    return StripeAccount.objects.filter(pk=1, owner_status_url=current_site_url()).first()


def may_recover_orphans() -> bool:
    """Return whether unknown payments at Stripe may belong to orders that this database has lost."""
    row = _checked_row()
    return row is not None and row.owner_status == OwnerStatus.OWNER and _is_recent(row)


def _is_recent(row: StripeAccount) -> bool:
    """Return whether Stripe was asked within the hour: the row of an older backup says what is no longer true."""
    checked_at = row.owner_status_checked_at
    return checked_at is not None and abs(clock.now() - checked_at) < COUNT_INTERVAL


def is_claim_needed() -> bool:
    """Return whether staff must claim this database before it may change what was created at Stripe before.

    Until Stripe has said who the owner is, nobody knows: the answer is yes for so long.
    """
    row = _checked_row()
    if row is None or not _is_recent(row):
        return True
    if row.owner_status not in {OwnerStatus.OTHER, OwnerStatus.BEHIND}:
        return False
    return is_live() or row.owner_status == OwnerStatus.BEHIND or row.copied_at is not None
