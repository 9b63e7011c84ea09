"""The seller that receipts name in these flows, and how a receipt is read."""

from zoneinfo import ZoneInfo

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.documents.seller import Seller, Tax
from tests.flows.buying import Json

SELLER = Seller(
    name="Riverside Yoga Lda",
    address="12 Riverside Walk\n1200-109 Lisbon",
    country="PT",
    tax_id="PT501234567",
    email="books@riverside.example",
    zone=ZoneInfo("Europe/Lisbon"),
)


@pytest.fixture(autouse=True)
def seller(settings: Settings) -> Seller:
    settings.SELLER, settings.TAX = SELLER, Tax(note="VAT exempt.")
    return SELLER


def receipt(buyer: APIClient, order: Json, status: int = 200) -> Json:
    answer = buyer.get(f"/api/v1/orders/{order['order_id']}/receipt/")
    assert answer.status_code == status, answer.json()
    return dict(answer.json())
