"""What staff see of disputes: which is due first, what is overdue, and where to answer."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from estuary.accounts.models import User
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.models import Dispute
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client, created
from tests.factories import make_user
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/payments/dispute/"


def disputed(stripe: Sandbox, buyer: User, amount: str) -> Dispute:
    """A credit purchase that its bank disputes."""
    order = created(buyer, is_credit_purchase=True, amount=amount)
    stripe.control.confirm(order["payment_intent_id"], card="4242424242424242")
    opened = stripe.control.dispute(order["payment_intent_id"])
    settle_everything(stripe)
    return Dispute.objects.get(stripe_dispute_id=opened["id"])


def listed(client: Client, **query: str) -> list[str]:
    page = client.get(LIST, query).context["cl"]
    return [row.stripe_dispute_id for row in page.queryset]


def test_the_soonest_deadline_comes_first_and_decided_disputes_last(stripe: Sandbox) -> None:
    client, buyer = admin_client(), make_user()
    rows = [disputed(stripe, buyer, amount) for amount in ("30.00", "20.00", "10.00")]
    late, soon, over = (row.stripe_dispute_id for row in rows)
    Dispute.objects.filter(stripe_dispute_id=late).update(due_by=clock.now() + timedelta(days=9))
    Dispute.objects.filter(stripe_dispute_id=soon).update(due_by=clock.now() + timedelta(days=2))
    stripe.control.close_dispute(over, "lost")
    settle_everything(stripe)
    assert listed(client) == [soon, late, over]
    assert listed(client, standing="open") == [soon, late]
    assert listed(client, standing="closed") == [over]
    assert listed(client, q=rows[0].order.public_id) == [late]


def test_what_is_not_answered_in_time_is_marked_overdue(stripe: Sandbox) -> None:
    client, row = admin_client(), disputed(stripe, make_user(), "30.00")
    assert "overdue" not in client.get(LIST).content.decode()
    with time_machine.travel(clock.now() + timedelta(days=30), tick=True):
        client = admin_client()
        assert "overdue" in client.get(LIST).content.decode()
        Dispute.objects.filter(pk=row.pk).update(status="under_review")  # the evidence was sent in
        assert "overdue" not in client.get(LIST).content.decode()


def test_a_dispute_leads_to_its_order_and_to_stripes_dashboard(stripe: Sandbox, settings: Settings) -> None:
    row = disputed(stripe, make_user(), "30.00")
    settings.SANDBOX = False  # whose payments no dashboard shows
    client = admin_client()
    order_url = reverse("admin:orders_order_change", args=[row.order_id])
    dashboard = f"https://dashboard.stripe.com/test/disputes/{row.stripe_dispute_id}"
    for address in (LIST, f"{LIST}{row.pk}/change/"):
        page = client.get(address).content.decode()
        assert order_url in page
        assert dashboard in page
    page = client.get(order_url).content.decode()
    for shown in (dashboard, "to be answered", "disputed", "30.00 USD"):
        assert shown in page


def test_the_overview_counts_the_open_ones(stripe: Sandbox) -> None:
    row = disputed(stripe, make_user(), "30.00")
    figures = {figure.name: figure for figure in admin_client().get("/admin/").context["figures"]}
    assert (figures["Open disputes"].value, figures["Open disputes"].alarm) == ("1", True)
    assert listed(admin_client(), standing="open") == [row.stripe_dispute_id]
    assert figures["Open disputes"].url.endswith("?standing=open")
    stripe.control.close_dispute(row.stripe_dispute_id, "won")
    settle_everything(stripe)
    figures = {figure.name: figure for figure in admin_client().get("/admin/").context["figures"]}
    assert (figures["Open disputes"].value, figures["Open disputes"].alarm) == ("0", False)


def test_a_disputed_order_is_found_by_its_dispute_and_offers_no_refund(stripe: Sandbox) -> None:
    row = disputed(stripe, make_user(), "30.00")
    client = admin_client()
    page = client.get("/admin/orders/order/", {"q": row.stripe_dispute_id}).context["cl"]
    assert list(page.queryset) == [Order.objects.get()]
    refund = reverse("admin:orders_order_refund", args=[row.order_id])
    assert (
        refund not in client.get(reverse("admin:orders_order_change", args=[row.order_id])).content.decode()
    )
