"""The owner's mark at Stripe: who asks for it, who counts on it and who may take it over."""

import inspect
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.common.errors import Unavailable
from estuary.payments import client, tasks
from estuary.payments.gateway import ownership
from estuary.payments.models import StripeAccount
from stripe_sandbox import Sandbox
from tests.database_state import contents, put_back
from tests.flows import buying
from tests.flows.buying import Json, status_of
from tests.flows.payments.gateway.test_copies import HOUR, STAGING, as_copy, owner_at
from tests.flows.payments.reconciliation.test_orphans import later, sweep_for
from tests.sandbox_bridge import estuary_talks_to, settle_everything

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("staff_mail")]


def test_the_first_write_of_a_process_asks_who_the_owner_is_and_no_other_does(
    stripe: Sandbox, buyer: APIClient
) -> None:
    buying.buy_credits(stripe, buyer)
    calls = [(sent.method, sent.path) for sent in stripe.requests if "/products" in sent.path]
    assert calls == [
        ("GET", "/v1/products/estuary_owner"),
        ("POST", "/v1/products"),
        ("GET", "/v1/products/estuary_owner"),
    ]
    buying.buy_credits(stripe, buyer)
    assert len([sent for sent in stripe.requests if "/products" in sent.path]) == len(calls)
    with estuary_talks_to(stripe):
        buying.credits(buyer)
    assert len([sent for sent in stripe.requests if "/products" in sent.path]) == len(calls) + 1


def test_the_count_goes_up_once_an_hour_by_whichever_worker(stripe: Sandbox, buyer: APIClient) -> None:
    buying.buy_credits(stripe, buyer)
    tasks.ask_stripe(0)
    first = int(owner_at(stripe)["count"])
    for _ in range(3):
        tasks.ask_stripe(0)
    assert int(owner_at(stripe)["count"]) == first
    with later(HOUR):
        for _ in range(2):
            with estuary_talks_to(stripe):
                tasks.ask_stripe(0)
    assert int(owner_at(stripe)["count"]) == first + 1
    row = StripeAccount.objects.get()
    assert (row.count, row.count_token) == (first + 1, owner_at(stripe)["mark"])
    assert row.count_token.startswith(
        "mark_"
    )  # sixteen digits by themselves would be redacted as a card number


@pytest.mark.parametrize("fault", ["timeout_after", "timeout_before"])
def test_a_count_whose_answer_is_lost_leaves_the_owner_the_owner(
    stripe: Sandbox, buyer: APIClient, fault: str
) -> None:
    buying.buy_credits(stripe, buyer)
    tasks.ask_stripe(0)
    with later(HOUR):
        stripe.faults.add(fault, "POST /v1/products/*", times=1)
        tasks.ask_stripe(0)
        with estuary_talks_to(stripe):
            tasks.ask_stripe(0)
            assert StripeAccount.objects.get().owner_status == "owner"


@pytest.mark.parametrize("effect", [False, True], ids=["nothing done", "done all the same"])
def test_a_failure_that_stripe_remembers_keeps_the_owner_from_refunding_for_a_minute_and_not_for_a_day(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, effect: bool
) -> None:
    stripe.faults.add("error_saved", "POST /v1/products", effect=effect)
    order = buying.buy_credits(stripe, buyer)
    with later(ownership.OWNER_STATUS_TTL):
        buying.refund(staff, order, amount="20.00")
        settle_everything(stripe)
    assert (status_of(order), StripeAccount.objects.get().owner_status) == ("partially_refunded", "owner")


def test_a_key_that_may_not_read_products_sells_refunds_and_takes_in_nothing_unknown(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, mailoutbox: list[Any]
) -> None:
    stripe.faults.add("forbidden", "GET /v1/products/*", times=None)
    order = buying.buy_credits(stripe, buyer)
    buying.refund(staff, order, amount="20.00")
    settle_everything(stripe)
    sweep_for()
    assert (status_of(order), StripeAccount.objects.get().owner_status) == ("partially_refunded", "untold")
    assert [mail.subject for mail in mailoutbox if "stripe_untold" in mail.subject] == [
        "[Estuary alert] stripe_untold"
    ]
    assert not ownership.may_recover_orphans()


def test_a_key_that_may_read_products_later_makes_the_shop_their_owner_without_a_restart(
    stripe: Sandbox, buyer: APIClient
) -> None:
    """Otherwise the first other installation with this key would be, and the shop would sell nothing."""
    stripe.faults.add("forbidden", "GET /v1/products/*", times=None)
    buying.buy_credits(stripe, buyer)
    tasks.ask_stripe(0)
    stripe.faults.clear()
    tasks.ask_stripe(0)
    row = StripeAccount.objects.get()
    assert (row.owner_status, bool(owner_at(stripe))) == ("owner", True)
    assert row.counted_at is not None


def test_a_shop_that_moves_to_another_address_is_claimed_there(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, shop: dict[str, Json], settings: Settings
) -> None:
    old = contents()
    settings.FRONTEND_URL = STAGING
    with estuary_talks_to(stripe):
        with pytest.raises(Unavailable):
            client.cancel_intent(
                shop["waiting"]["payment_intent_id"], reason="abandoned", key="ord_x-cancel-1"
            )
        out = StringIO()
        call_command("stripe_account", stdout=out)
        assert "not the owner" in out.getvalue()
        call_command("stripe_account", "--claim", stdout=out)
        assert owner_at(stripe)["home"] == STAGING
        with later(timedelta(minutes=2)):
            assert buyer.post(f"/api/v1/orders/{shop['waiting']['order_id']}/cancel/").status_code == 200
    settings.FRONTEND_URL = "http://localhost:8000"
    moved = contents()
    put_back(old)
    with estuary_talks_to(stripe), pytest.raises(Unavailable):  # and the old database has become the copy
        client.cancel_intent(shop["waiting"]["payment_intent_id"], reason="abandoned", key="ord_x-cancel-2")
    put_back(moved)


def test_a_product_that_somebody_deleted_is_made_again_by_the_house_and_not_by_a_copy(
    stripe: Sandbox, buyer: APIClient, shop: dict[str, Json]
) -> None:
    backup = contents()
    stripe.state.store.products._objects.pop("estuary_owner")
    with as_copy(stripe, backup):
        tasks.ask_stripe(0)
        assert "estuary_owner" not in stripe.state.store.products
    with later(HOUR), estuary_talks_to(stripe):
        tasks.ask_stripe(0)
    assert "estuary_owner" in stripe.state.store.products


def test_every_call_that_writes_says_so_and_is_asked_for_its_right(stripe: Sandbox) -> None:
    """What carries an idempotency key, or is posted, gives its key to the one place that refuses."""
    functions = [function for _, function in inspect.getmembers(client, inspect.isfunction)]
    ours = [
        function
        for function in functions
        if function.__module__ == client.__name__ and function is not client._post
    ]
    sources = map(inspect.getsource, ours)
    writing = [source for source in sources if re.search(r"idempotency_key|\b_write\(|\(_post\(", source)]
    assert len(writing) >= 9
    guarded = re.compile(r'_call\((call|"[a-z_.]+"), key\)|\b_write\("[a-z_.]+", [^()]*key=key\)')
    assert all(guarded.search(source) for source in writing), writing
