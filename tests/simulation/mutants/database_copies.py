"""Slips of a copy of the database that has the shop's key."""

from typing import Any

from estuary.common import ids
from estuary.payments.gateway import ownership
from tests.simulation.mutants.patching import breaks, instead_of, nothing

WRITES = "a copy writes nothing at Stripe"


@breaks("S9", WRITES)
def a_copy_writes_as_if_it_were_the_shop() -> None:
    instead_of(ownership.refuse_write, nothing)


@breaks("S9", WRITES)
def another_home_is_as_good_as_ours() -> None:
    judge = ownership.compare_with_owner

    def anywhere(row: Any, here: str, there: Any) -> Any:
        return judge(row, row.site_url or here, there)

    instead_of(judge, anywhere)


@breaks("S9", WRITES)
def nobody_looks_how_far_the_other_has_counted() -> None:
    judge, owner_statuses = ownership.compare_with_owner, ownership.OwnerStatus

    def lenient(row: Any, here: str, there: Any) -> Any:
        owner_status = judge(row, here, there)
        return owner_statuses.OWNER if owner_status == owner_statuses.BEHIND else owner_status

    instead_of(judge, lenient)


@breaks("S9", WRITES, scenarios="copy")
def a_copy_that_got_no_answer_writes() -> None:
    """As it was: one failed read of the owner's product let it write for a minute."""
    instead_of(ownership._status_until_stripe_answers, lambda: ownership.OwnerStatus.UNKNOWN)


@breaks("L2", "no refund is left unsent", "no order is stuck", scenarios="owner not created")
def the_owner_is_created_under_one_key() -> None:
    """As it was: Stripe repeats a failure under its key for a day, and until the owner stands nothing is refunded."""
    instead_of(ids.owner_request_key, lambda: "owner")
