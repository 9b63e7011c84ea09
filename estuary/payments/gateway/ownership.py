"""Which database owns what we do at Stripe: of several copies with one key, the one that is written down there.

A row can't tell a shop from its copy, since a copy copies the row. So a Product at Stripe with an id of our choosing
says it: the home's address, the house's random id, and a count that the owner raises every hour. See
docs/decisions/0024-an-owner-record-at-stripe.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from estuary.common import clock, ids
from estuary.common.livemode import is_live
from estuary.common.origins import origin_of
from estuary.orders.models import Order
from estuary.payments import outbox
from estuary.payments.errors import NotOwner, PermissionMissing, StripeRefused
from estuary.payments.models import Refund, StripeAccount, StripeCustomer
from estuary.payments.stripe_objects import Owner

COUNT_INTERVAL = timedelta(hours=1)
COUNT_LEASE = timedelta(minutes=2)
STANDING_TTL = timedelta(minutes=1)  # how soon a process hears of a claim

Standing = StripeAccount.Standing

# What a shop needs to sell. Everything else changes, ends or gives back what is at Stripe already.
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
        "database looks at Stripe and writes nothing there. Has the shop moved here: manage.py stripe_account --claim"
    ),
    Standing.BEHIND: (
        "Another database at {here} has counted further at Stripe than this one: a backup was restored, or two "
        "databases are at work. Nothing is canceled or refunded until this is the only one at work and you say so: "
        "manage.py stripe_account --claim"
    ),
    Standing.UNTOLD: (
        "STRIPE_SECRET_KEY may not read or write products, so a copy of this database could not be told from the shop. "
        "Give the key write access to products."
    ),
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OwnerProductClient:
    """How the product at Stripe is read, made and changed; ``read`` returns None where there is none.

    ``create`` and ``update`` take the key of their POST. All three raise PermissionMissing for a key without it.
    """

    read: Callable[[], Owner | None]
    create: Callable[[Owner, str], Owner | None]
    update: Callable[[Owner, str], None]


def compare_with_owner(row: StripeAccount, home: str, owner: Owner | None) -> Standing:
    """Return how a database stands beside what Stripe says of its owner.

    Ours counts 7 and theirs 8: another has counted since we were copied. Ours 8, theirs 7: our last answer was lost.
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
    """Return the address that this process serves."""
    return origin_of(settings.FRONTEND_URL)


def describe_standing(standing: Standing, owner: Owner | None = None) -> str:
    """Return what staff are told of a standing, and nothing of the owner's."""
    return STANDING_SENTENCES.get(standing, "").format(
        here=current_home(), there=owner.home if owner else "another house"
    )


class OwnershipGuard:
    """How this process knows where the database stands: by Stripe at first, then by the row, looked at now and then."""

    def __init__(self, product: OwnerProductClient) -> None:
        self._product, self._standing, self._read_at = product, "", clock.now()

    def refuse_write(self, call: str, key: str) -> None:
        """Raise NotOwner for a POST that this database may not send."""
        refuse_write(self._read_standing(), call, key)

    def _read_standing(self) -> str:
        at = clock.now()
        if not self._standing:
            self._standing = find_standing(self._product)
        elif not timedelta(0) <= at - self._read_at < STANDING_TTL:
            row = StripeAccount.objects.filter(pk=1, judged_home=current_home()).values_list(
                "standing", flat=True
            )
            self._standing = row.first() or find_standing(self._product)
        else:
            return self._standing
        self._read_at = at
        return self._standing


def find_standing(product: OwnerProductClient, *, may_create: bool = True) -> Standing:
    """Ask Stripe who the owner is, and write down how we stand; returns that.

    Where there is none, whoever ``makes`` something at Stripe becomes it.
    """
    row = _own_row()
    owner: Owner | None = None
    try:
        owner = product.read()
        standing = compare_with_owner(row, current_home(), owner)
        if standing == Standing.OWNER and owner is None and (may_create or row.counted_at):
            owner = product.create(_owner_of_row(row), _key_of(row))
            standing = compare_with_owner(row, current_home(), owner)
            StripeAccount.objects.filter(pk=1, counted_at=None).update(counted_at=clock.now())
    except StripeRefused:
        # It fails at this alone, so that what was known last is as good as ever.
        is_judged = row.standing and row.judged_home == current_home()
        return Standing(row.standing) if is_judged else Standing.UNTOLD
    except PermissionMissing:
        is_at_home = compare_with_owner(row, current_home(), None) == Standing.OWNER
        standing = Standing.UNTOLD if is_at_home else Standing.OTHER
    _record_standing(row, standing, owner)
    return standing


def _owner_of_row(row: StripeAccount) -> Owner:
    return Owner(current_home(), row.house, row.count, row.mark)


def _key_of(row: StripeAccount) -> str:
    return f"{row.house}-owner-{row.count}-{row.mark}"


def raise_owner_count(product: OwnerProductClient) -> Standing:
    """Look again, and as the owner raise the count once an hour: the worker's part, by one of them at a time.

    The new count is committed before Stripe hears of it: a database that dies in between is ahead, never behind.
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
    """Make this database the owner, on purpose: whoever was it before can only look from now on."""
    row = _own_row()
    owner = product.read()
    StripeAccount.objects.filter(pk=1).update(home=current_home(), standing=Standing.OWNER, house_since=None)
    count = max(row.count, owner.count if owner else 0) + 1
    if owner is None:
        product.create(_owner_of_row(row), _key_of(row))
    _write_owner(product, count=count)
    log.warning("stripe_account_claimed", home=current_home(), before=owner.home if owner else "")


def _write_owner(product: OwnerProductClient, *, count: int) -> None:
    mark, at = ids.owner_mark(), clock.now()
    StripeAccount.objects.filter(pk=1).update(count=count, mark=mark, counted_at=at, count_leased_until=None)
    row = _own_row()
    product.update(_owner_of_row(row), _key_of(row))


def _own_row() -> StripeAccount:
    """Return our row, with a house of its own from the first look on."""
    row, _ = StripeAccount.objects.get_or_create(pk=1)
    if not row.house:
        new = {"house": ids.public_id("house"), "mark": ids.owner_mark(), "home": current_home()}
        StripeAccount.objects.filter(pk=1, house="").update(**new)
        row.refresh_from_db()
    return row


def _record_standing(row: StripeAccount, standing: Standing, owner: Owner | None) -> None:
    """Write down how we stand, for other processes and for staff, who are told when it changes."""
    changed = (row.standing, row.judged_home) != (standing, current_home())
    since = None
    if standing == Standing.OTHER and (row.home != current_home() or (owner and owner.house == row.house)):
        # What is older than our first look from here is another's: we are its copy, or it has gone on as ours.
        since = row.house_since or clock.now() if row.judged_home == current_home() else clock.now()
    with transaction.atomic():
        StripeAccount.objects.filter(pk=1).update(
            standing=standing, judged_home=current_home(), judged_at=clock.now(), house_since=since
        )
        if changed and standing in STANDING_SENTENCES and (is_live() or standing != Standing.OTHER or since):
            text = describe_standing(standing, owner)
            log.error("alert", code=f"stripe_{standing}", text=text)
            outbox.alert_staff(f"stripe_{standing}", text)


def refuse_write(standing: str, call: str, key: str) -> None:
    """Raise NotOwner for a POST that this database may not send as it stands.

    Behind, it sells and settles, and ends or returns nothing. At another home it only looks, except in test mode: there
    it does with what it has made itself as it likes.
    """
    if standing in {Standing.OWNER, Standing.UNTOLD, ""}:
        return
    if standing == Standing.BEHIND and call in SELLING_CALLS:
        return
    if standing == Standing.OTHER and not is_live() and _is_own(call, key):
        return
    log.warning("stripe_write_refused", call=call, standing=standing)
    raise NotOwner("Payments can't be made or changed here right now. We have been told.", retry_after_s=60)


def _is_own(call: str, key: str) -> bool:
    """Whether a POST is about something of this house alone, by the key that it is sent with: each names its row."""
    since = StripeAccount.objects.values_list("house_since", flat=True).get(pk=1)
    if since is None or call in INDEPENDENT_CALLS:
        return True
    name = key.partition("-")[0]
    if name.startswith("ord_"):
        return Order.objects.filter(public_id=name, created_at__gte=since).exists()
    if name.startswith("ref_"):
        return Refund.objects.filter(public_id=name, order__created_at__gte=since).exists()
    return StripeCustomer.objects.filter(key=name, created_at__gte=since).exists()


def may_recover_orphans() -> bool:
    """Whether payments at Stripe of orders that are not known here may be of an hour that we have lost."""
    row = StripeAccount.objects.filter(pk=1).first()
    return row is not None and row.standing == Standing.OWNER and row.judged_home == current_home()


def is_claim_needed() -> bool:
    """Whether this database has to be claimed before it may go on with what was done at Stripe."""
    row = StripeAccount.objects.filter(pk=1, judged_home=current_home()).first()
    if row is None or row.standing not in {Standing.OTHER, Standing.BEHIND}:
        return False
    return is_live() or row.standing == Standing.BEHIND or row.house_since is not None
