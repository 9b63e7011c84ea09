"""The buyer's time zone is for mails only: no payment fails by it."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from stripe_sandbox import Sandbox
from tests.flows import buying

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "name", ["", None, " ", "Europe/Atlantis", "../../etc/passwd", "a" * 65, "Europe/" + "b" * 5000]
)
def test_a_zone_that_is_none_is_ignored(stripe: Sandbox, buyer: APIClient, name: Any) -> None:
    order = buying.credits(buyer, "20.00", time_zone=name)
    assert buying.order_of(order).time_zone == ""
    buying.pay(stripe, order)
    assert buying.status_of(order) == "completed"


def test_a_zone_that_is_one_is_kept(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "20.00", time_zone="America/Argentina/Buenos_Aires")
    assert buying.order_of(order).time_zone == "America/Argentina/Buenos_Aires"
