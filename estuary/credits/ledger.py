"""The ledger of credits: ``post`` is the only function that changes balances, together with their ledger rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from estuary.accounts.models import User
from estuary.common.db.bulk import AnyOf, insert_ignoring_conflicts, insert_rows, update_rows
from estuary.common.db.prepared_queries import Param, PreparedQuery, build_instance
from estuary.common.errors import Conflict
from estuary.common.money import display
from estuary.credits.models import NOTE_MAX, CreditAccount, CreditTransaction

Kind = CreditTransaction.Kind
ACCOUNTS = PreparedQuery(
    lambda: (
        CreditAccount.objects.filter(AnyOf("user_id", Param("users")), AnyOf("currency", Param("currencies")))
        .order_by("id")
        .select_for_update(no_key=True)
    )
)


class NotEnoughCredits(Conflict):
    code = "not_enough_credits"


@dataclass(frozen=True, slots=True)
class Posting:
    """A ledger row to write: signed minor units, and an ``effect`` that is unique within its order."""

    user_id: int
    currency: str
    kind: Kind
    amount_minor: int
    effect: str
    order_id: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Freeze:
    """A change of an account's frozen amount, in minor units; negative unfreezes."""

    user_id: int
    currency: str
    amount_minor: int


def post(
    postings: Sequence[Posting],
    *,
    at: datetime,
    allow_debt: bool = True,
    locked: CreditAccount | None = None,
    freezes: Sequence[Freeze] = (),
) -> list[CreditTransaction]:
    """Write ledger rows, balances and frozen amounts, in bulk.

    A balance may fall below zero (a claw-back), unless ``allow_debt`` is False. Then frozen credits can't be spent
    either: balance 50, frozen 20 -> at most 30 can be spent.

    Must run inside a transaction. Raises django.db.IntegrityError if an order's effect was written before; the
    transaction is then lost, and nothing is posted twice.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("credits are posted inside the transaction of what they pay for")
    postings = [posting for posting in postings if posting.amount_minor]
    owners = {(posting.user_id, posting.currency) for posting in postings}
    owners |= {(freeze.user_id, freeze.currency) for freeze in freezes}
    accounts = _lock_or_create_accounts(owners, locked=locked)
    for freeze in freezes:
        accounts[freeze.user_id, freeze.currency].frozen_minor += freeze.amount_minor
    rows = []
    for posting in postings:
        account = accounts[posting.user_id, posting.currency]
        if not allow_debt and account.spendable_minor + posting.amount_minor < 0:
            raise _insufficient_credits(account, posting)
        account.balance_minor += posting.amount_minor
        rows.append(_transaction_row(account, posting, at))
    update_rows(accounts.values(), ["balance_minor", "frozen_minor"] if freezes else ["balance_minor"])
    insert_rows(rows)
    return rows


def _transaction_row(account: CreditAccount, posting: Posting, at: datetime) -> CreditTransaction:
    """Return the ledger row for a change of an account that has just been made."""
    return build_instance(
        CreditTransaction,
        account_id=account.pk,
        kind=posting.kind,
        amount_minor=posting.amount_minor,
        balance_after_minor=account.balance_minor,
        order_id=posting.order_id,
        effect=posting.effect,
        # The name in it may be as long as the column.
        note=posting.note[:NOTE_MAX],
        created_at=at,
    )


def _lock_or_create_accounts(
    owners: set[tuple[int, str]], *, locked: CreditAccount | None
) -> dict[tuple[int, str], CreditAccount]:
    """Return the accounts of these owners, created where missing, locked in id order; ``locked`` is locked already."""
    if locked and owners == {(locked.user_id, locked.currency)}:
        return {(locked.user_id, locked.currency): locked}
    if not owners:
        return {}
    accounts = _lock_accounts(owners)
    if missing_owners := sorted(owners - accounts.keys()):
        created = insert_ignoring_conflicts(
            [CreditAccount(user_id=user_id, currency=currency) for user_id, currency in missing_owners]
        )
        # If another transaction has created an account meanwhile, lock all again, in id order.
        accounts = (
            _lock_accounts(owners) if len(created) < len(missing_owners) else accounts | _by_owner(created)
        )
    return accounts


def _lock_accounts(owners: set[tuple[int, str]]) -> dict[tuple[int, str], CreditAccount]:
    users, currencies = {user_id for user_id, _ in owners}, {currency for _, currency in owners}
    rows = ACCOUNTS.fetch(users=list(users), currencies=list(currencies))
    return _by_owner(row for row in rows if (row.user_id, row.currency) in owners)


def _by_owner(accounts: Iterable[CreditAccount]) -> dict[tuple[int, str], CreditAccount]:
    return {(account.user_id, account.currency): account for account in accounts}


def lock_account(user: User, currency: str) -> CreditAccount | None:
    """Lock the user's account until the transaction ends, and return it; None if there is none."""
    return _lock_accounts({(user.pk, currency)}).get((user.pk, currency))


def spend(*, account: CreditAccount, amount_minor: int, order_id: int, note: str, at: datetime) -> None:
    """Spend ``amount_minor`` of a locked account on an order; raises NotEnoughCredits if too little is spendable."""
    posting = Posting(
        account.user_id, account.currency, Kind.SPEND, -amount_minor, "spend", order_id=order_id, note=note
    )
    post([posting], at=at, allow_debt=False, locked=account)


def _insufficient_credits(account: CreditAccount, posting: Posting) -> NotEnoughCredits:
    return NotEnoughCredits(
        f"You can spend {display(account.spendable_minor, posting.currency)} in credits, which is less than "
        f"{display(-posting.amount_minor, posting.currency)}. Pay the rest by card, or buy credits first."
    )


def spendable_of(user: User, currency: str) -> int:
    """Return what the user can spend, in minor units: balance 50, frozen 20 -> 30."""
    account = CreditAccount.objects.filter(user=user, currency=currency).first()
    return account.spendable_minor if account else 0
