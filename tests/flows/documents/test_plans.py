"""What is asked every ten seconds about receipts and credit notes is found by index, however many orders there are."""

import pytest
from rest_framework.test import APIClient

from estuary.documents.issuing import issue_due_documents
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.query_plans import as_if_large, read_whole
from tests.sandbox_bridge import settle_everything

# An index that another test has just built anew is not used while an older transaction runs.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.exhaustive]


def test_with_nothing_due_no_table_is_read_whole(stripe: Sandbox, buyer: APIClient, staff: APIClient) -> None:
    order = buying.buy_credits(stripe, buyer, "40.00")
    buying.refund(staff, order, amount="15.00")
    settle_everything(stripe)
    assert issue_due_documents() == 2
    with as_if_large() as plans:
        assert issue_due_documents() == 0
    all_plans = "\n".join(plans)
    for index in ("order_by_completion", "refund_by_settlement"):
        assert f"on {index}" in all_plans, all_plans
    assert read_whole(plans) == []
    assert len(plans) < 10
