"""What a user has open is ended one by one: what Stripe would not end just now stops no other, and is tried again."""

from typing import Any

import pytest
from django.core.management import CommandError
from rest_framework.test import APIClient
from structlog.testing import capture_logs

from estuary.accounts.models import User
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.common.errors import EstuaryError
from estuary.payments import tasks
from estuary.payments.checkout import cancel_order
from estuary.payments.customers import setup_intents
from estuary.payments.errors import NotOwner, StripeBusy
from estuary.payments.models import SetupIntent
from estuary.privacy.erasure.erase import MAX_REQUEST_AGE
from estuary.privacy.models import Erasure
from estuary.privacy.tasks import finish_erasures
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service
from tests.flows import buying
from tests.flows.buying import METHODS
from tests.flows.privacy.erasing import erase
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

# What Stripe says when it is not down, and did not do it.
BUSY: list[tuple[str, dict[str, Any]]] = [("rate_limit", {}), ("lock_timeout", {}), ("error_before", {})]


def two_orders(buyer: APIClient) -> tuple[buying.Json, buying.Json]:
    massage = make_service(ServiceType.SESSION, make_practitioner())
    slot = a_free_slot(massage).isoformat()
    return buying.credits(buyer, "20.00"), buying.service(buyer, massage, start_datetime=slot)


def setup(buyer: APIClient) -> str:
    return str(buyer.post(f"{METHODS}setup/").json()["setup_intent_id"])


def at_stripe(stripe: Sandbox, setup_intent_id: str) -> dict[str, Any]:
    setup_intent = stripe.state.store.setup_intents.get(setup_intent_id)
    assert setup_intent is not None
    return setup_intent


def ended(setup_intent_id: str) -> bool:
    return SetupIntent.objects.get(stripe_setup_intent_id=setup_intent_id).ended_at is not None


@pytest.mark.parametrize(("fault", "options"), BUSY)
def test_one_order_that_stripe_will_not_end_now_stops_no_other_and_is_tried_again(
    stripe: Sandbox, buyer: APIClient, maya: User, fault: str, options: dict[str, Any]
) -> None:
    first, second = two_orders(buyer)
    stripe.faults.add(fault, f"POST /v1/payment_intents/{first['payment_intent_id']}/cancel", times=9)
    with pytest.raises(EstuaryError):
        cancel_order.close_open_orders(maya.pk, cause="too many cards were declined")
    assert [buying.status_of(order) for order in (first, second)] == ["pending", "canceled"]
    stripe.faults.clear()
    cancel_order.close_open_orders(maya.pk, cause="too many cards were declined")
    assert buying.status_of(first) == "canceled"


def test_the_job_fails_so_that_it_is_tried_again(stripe: Sandbox, buyer: APIClient, maya: User) -> None:
    first, second = two_orders(buyer)
    secret = setup(buyer)
    stripe.faults.add(
        "rate_limit", f"POST /v1/payment_intents/{first['payment_intent_id']}/cancel", times=None
    )
    stripe.faults.add("rate_limit", f"POST /v1/setup_intents/{secret}/cancel", times=None)
    with capture_logs() as logs, pytest.raises(StripeBusy):
        tasks.end_open_payments(maya.pk)
    # The order, the SetupIntent, and the part of the job that each belongs to.
    assert [log["code"] for log in logs if log["event"] == "one_of_many_failed"] == [StripeBusy.code] * 4
    assert buying.status_of(second) == "canceled"
    stripe.faults.clear()
    tasks.end_open_payments(maya.pk)
    assert (buying.status_of(first), at_stripe(stripe, secret)["status"]) == ("canceled", "canceled")


def test_one_setup_intent_that_stripe_will_not_end_now_stops_no_other(
    stripe: Sandbox, buyer: APIClient, maya: User
) -> None:
    secrets = [setup(buyer) for _ in range(3)]
    stripe.faults.add("rate_limit", f"POST /v1/setup_intents/{secrets[1]}/cancel", times=None)
    with pytest.raises(StripeBusy):
        setup_intents.end_setup_intents_of(maya.pk)
    assert [ended(secret) for secret in secrets] == [True, False, True]
    stripe.faults.clear()
    setup_intents.end_setup_intents_of(maya.pk)
    assert all(ended(secret) for secret in secrets)


def test_an_erasure_with_an_order_that_stripe_will_not_end_now_closes_no_account(
    stripe: Sandbox, buyer: APIClient, maya: User
) -> None:
    first, second = two_orders(buyer)
    stripe.faults.add("rate_limit", f"POST /v1/payment_intents/{first['payment_intent_id']}/cancel", times=9)
    with pytest.raises(CommandError, match="Stripe did not do its part"):
        erase(maya.pk)
    assert buying.status_of(second) == "canceled"
    assert User.objects.get(pk=maya.pk).is_active
    stripe.faults.clear()
    settle_everything(stripe)
    erase(maya.pk)
    assert buying.status_of(first) == "canceled"
    assert Erasure.objects.get(user=maya).erased_at is not None


@pytest.mark.parametrize("kind", ["busy", "a copy of the database"])
def test_an_erasure_of_which_stripe_ends_no_order_says_why_and_waits(
    stripe: Sandbox, buyer: APIClient, maya: User, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The orders are of requests that were under way when the account was closed."""
    for order in two_orders(buyer):
        stripe.faults.add(
            "rate_limit", f"POST /v1/payment_intents/{order['payment_intent_id']}/cancel", times=None
        )
    User.objects.filter(pk=maya.pk).update(is_active=False)
    Erasure.objects.create(user=maya, requested_at=clock.now() - MAX_REQUEST_AGE)
    if kind != "busy":
        monkeypatch.setattr(cancel_order, "close_order", refuse_as_copy)
    with capture_logs() as logs:
        finish_erasures(timestamp=0)
    events = {log["event"] for log in logs}
    assert "periodic_job_failed" not in events
    assert ("erasure_waits" in events) == (kind == "busy")
    assert Erasure.objects.get(user=maya).erased_at is None


def refuse_as_copy(*_: Any, **__: Any) -> None:
    raise NotOwner("This database is a copy.")


@pytest.mark.parametrize("path", ["payment_methods", "setup_intents", "payment_intents", "checkout/sessions"])
def test_a_list_that_stripe_no_longer_has_hides_none_of_the_others_from_an_erasure(
    stripe: Sandbox, buyer: APIClient, maya: User, path: str
) -> None:
    """A customer that somebody deletes at Stripe meanwhile: what the other lists told is found by its id later."""
    order = buying.credits(buyer, "20.00")
    secret = setup(buyer)
    SetupIntent.objects.all().delete()  # of code before the rows: only Stripe's list tells
    stripe.faults.add("refuse", f"GET /v1/{path}", times=None, code="resource_missing", message="No such")
    erase(maya.pk)
    remembered = set(Erasure.objects.get(user=maya).stripe_ids)
    customer = buying.order_of(order).stripe_customer_id
    assert {customer, order["payment_intent_id"]} <= remembered
    if path != "setup_intents":
        assert secret in remembered
        assert at_stripe(stripe, secret)["status"] == "canceled"


def test_a_customer_that_is_gone_at_stripe_stops_no_ending(
    stripe: Sandbox, buyer: APIClient, maya: User
) -> None:
    first, _ = two_orders(buyer)
    setup(buyer)
    stripe.faults.add(
        "refuse", "GET /v1/setup_intents", times=None, code="resource_missing", message="No such"
    )
    tasks.end_open_payments(maya.pk)
    assert buying.status_of(first) == "canceled"
