"""What is asked about many things of Stripe's at once is found by index, however many: a list may have thousands.

PostgreSQL looks at no more than a hundred values to find out that none of them is empty, and the indexes of Stripe's
ids leave the empty ones out.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from estuary.accounts.models import Practitioner
from estuary.catalog.availability import free_slots
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.payments.doctor import stripe_comparison
from estuary.payments.reconciliation import disputes, stripe_lists
from estuary.payments.stripe_objects import StripeDispute, StripeRefund
from tests.factories import make_service
from tests.query_plans import as_if_large, read_whole

pytestmark = pytest.mark.django_db(transaction=True)

MANY = range(150)
INTENTS = [f"pi_{number:024}" for number in MANY]
REFUNDS = [
    StripeRefund(
        f"re_{number:024}", "succeeded", 100, "usd", INTENTS[number], refund_ref="", failure_reason=""
    )
    for number in MANY
]
DISPUTES = [
    StripeDispute(
        f"du_{number:024}", f"ch_{number:024}", INTENTS[number], "needs_response", "general", 100, "usd",
        refundable=False, due_by=None, opened_at=datetime(2030, 1, 7, tzinfo=UTC),
    )
    for number in MANY
]  # fmt: skip
AT_STRIPE = stripe_comparison.StripeFigures(
    {}, {}, {one.id: one for one in REFUNDS}, {one.id: one for one in DISPUTES}
)

QUERIES: dict[str, Callable[[], Any]] = {
    "orders by their names": lambda: stripe_lists.orders_by_name(INTENTS),
    "refunds that are not known": lambda: stripe_lists.differing_orders(REFUNDS),
    "payments that are disputed": lambda: disputes._own_payments(DISPUTES),
    "all that the doctor compares": lambda: stripe_comparison._read_own(AT_STRIPE),
}


@pytest.mark.parametrize("name", QUERIES)
def test_many_names_are_found_by_index(name: str) -> None:
    with as_if_large() as plans:
        QUERIES[name]()
    assert plans
    assert read_whole(plans) == []


def test_what_a_practitioner_has_taken_is_found_by_the_index_that_keeps_it_from_overlapping(
    ana: Practitioner,
) -> None:
    """By both of its columns: all that one has taken, and all that others have in the same weeks, may be long lists."""
    service = make_service(ServiceType.SESSION, ana)
    with as_if_large() as plans:
        free_slots(service, first_day=clock.now().date(), days=14, at=clock.now())
    [plan] = [plan for plan in plans if "catalog_calendarentry" in plan.partition("\n")[0]]
    [condition] = re.findall(r"Index Cond: (.*)", plan)
    assert "calendar_practitioner_never_overlaps" in plan
    assert condition.count("&&") == 2
