"""The checkup: silent on a shop that is set up well, and for each mistake it names that one, with a cure."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.common import clock
from estuary.documents.seller import Seller
from estuary.payments import client
from estuary.payments.checkup.endpoint import check_endpoint
from estuary.payments.checkup.processes import check_mail
from estuary.payments.checkup.settings_and_database import check_database, check_settings
from estuary.payments.models import Refusal, StripeAccount, WebhookEvent
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client
from tests.database_state import contents
from tests.flows import buying
from tests.flows.buying import pay_only
from tests.flows.payments.checkup.conftest import Checkup
from tests.flows.payments.reconciliation.test_orphans import later
from tests.sandbox_bridge import estuary_talks_to, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

A_MOMENT = timedelta(seconds=20)


def test_on_a_shop_that_is_set_up_well_nothing_must_be_mended_and_nothing_is_written(
    stripe: Sandbox, buyer: APIClient, checkup: Checkup
) -> None:
    buying.buy_credits(stripe, buyer)
    before = contents()
    with later(A_MOMENT):
        report = checkup()
    assert (report.status, report.broken) == (0, {})
    assert report.good.keys() >= {
        *("mode", "database", "account", "clock", "endpoint", "last_event", "publishable_key", "worker"),
        *("mail_server", "seller"),
    }
    assert contents() == before


@pytest.mark.parametrize(("key", "level"), [("sk_test_of_a_shop", "look"), ("sk_live_of_a_shop", "broken")])
def test_a_shop_whose_receipts_name_no_seller_is_told_how_to_name_it(
    settings: Settings, key: str, level: str
) -> None:
    settings.SELLER, settings.STRIPE_SECRET_KEY = Seller(name=""), key
    [unnamed] = [finding for finding in check_settings() if finding.code == "seller_unnamed"]
    assert unnamed.level == level
    assert unnamed.cure.startswith("export ESTUARY_SELLER_NAME=") and "receipt_missing" in unnamed.why
    settings.SELLER = Seller(name="Riverside Yoga Lda")
    codes = {finding.code: finding for finding in check_settings()}
    assert "seller_unnamed" not in codes and "Riverside Yoga Lda" in codes["seller"].what


def test_a_stripe_that_does_not_answer_is_one_finding_and_one_call(
    stripe: Sandbox, buyer: APIClient, checkup: Checkup
) -> None:
    buying.buy_credits(stripe, buyer)
    stripe.faults.add("timeout_before", times=None)
    calls_before = len(stripe.requests)
    report = checkup()
    assert report.broken.keys() == {"stripe_unreachable"}
    assert "does not answer" in report.broken["stripe_unreachable"]["what"]
    assert len(stripe.requests) - calls_before == 2  # the command was called twice
    assert {"last_event", "worker"} <= report.good.keys()


def test_a_stripe_that_fails_in_one_call_stops_no_other_check(stripe: Sandbox, checkup: Checkup) -> None:
    stripe.faults.add("error_before", "GET /v1/webhook_endpoints*", times=None)
    report = checkup()
    assert report.broken.keys() == {"stripe_failed"}
    assert {"account", "publishable_key", "worker"} <= report.good.keys()


@pytest.fixture
def restricted(stripe: Sandbox, settings: Settings) -> Any:
    """Work with a restricted key that may do only what is said."""
    settings.STRIPE_SECRET_KEY = "rk_test_restricted_by_its_owner"
    client._client.cache_clear()

    def may(*permissions: str) -> None:
        stripe.control.restrict_key(settings.STRIPE_SECRET_KEY, ",".join(permissions))

    yield may
    client._client.cache_clear()


ENOUGH = (
    *("customer_write", "payment_intent_write", "payment_method_write", "setup_intent_write", "event_read"),
    *("checkout_session_write", "product_write", "dispute_read", "webhook_read", "accounts_kyc_basic_read"),
    *("review_read", "radar_read"),
)


def test_a_restricted_key_with_enough_permissions_is_fine(
    stripe: Sandbox, restricted: Any, checkup: Checkup
) -> None:
    restricted(*ENOUGH, "charge_write")
    report = checkup()
    assert report.broken == {}
    assert "12 of 12" in report.good["reads"]["what"]


@pytest.mark.parametrize(
    ("lacking", "call"),
    [
        ("dispute_read", "disputes.list"),
        ("review_read", "reviews.list"),
        ("radar_read", "radar.early_fraud_warnings.list"),
    ],
)
def test_what_a_restricted_key_may_not_read_is_found_and_named(
    stripe: Sandbox, restricted: Any, checkup: Checkup, lacking: str, call: str
) -> None:
    restricted(*(one for one in ENOUGH if one != lacking), "charge_write")
    report = checkup()
    assert report.broken.keys() == {"permission_missing"}
    assert call in report.broken["permission_missing"]["what"]
    assert f"rak_{lacking}" in report.broken["permission_missing"]["cure"]


def test_what_a_restricted_key_may_not_write_is_learned_from_stripe_s_refusal_and_forgotten_once_it_may(
    stripe: Sandbox, restricted: Any, buyer: APIClient, staff: APIClient, checkup: Checkup
) -> None:
    restricted(*ENOUGH, "charge_read")
    bought = buying.buy_credits(stripe, buyer)
    buying.refund(staff, bought)
    report = checkup()
    assert report.broken.keys() == {"permission_missing"}
    assert "refunds.create" in report.broken["permission_missing"]["what"]
    assert "rak_charge_write" in report.broken["permission_missing"]["cure"]
    restricted(*ENOUGH, "charge_write")
    buying.refund(staff, buying.buy_credits(stripe, buyer, "20.00"))
    assert (checkup().broken, Refusal.objects.count()) == ({}, 0)
    settle_everything(stripe)


def test_a_key_that_hides_its_account_is_looked_at(
    stripe: Sandbox, restricted: Any, checkup: Checkup
) -> None:
    restricted(*(one for one in ENOUGH if "kyc" not in one), "charge_write")
    report = checkup()
    assert (report.broken, "account_hidden" in report.look) == ({}, True)


def test_a_key_of_another_account_than_the_database_is_named(
    stripe: Sandbox, buyer: APIClient, checkup: Checkup
) -> None:
    buying.buy_credits(stripe, buyer)
    with estuary_talks_to(Sandbox(account_id="acct_of_somebody_else")):
        report = checkup()
    assert "wrong_account" in report.broken
    assert "acct_of_somebody_else" in report.broken["wrong_account"]["what"]


def test_a_clock_that_differs_from_stripe_s_is_named_with_the_seconds(
    stripe: Sandbox, checkup: Checkup
) -> None:
    stripe.clock.advance(600)
    report = checkup()
    assert report.broken.keys() == {"clock_off"}
    [seconds] = re.findall(r"clock is (\d+) seconds behind", report.broken["clock_off"]["what"])
    assert int(seconds) in range(540, 601)  # a date has no fractions, and the test takes time


def test_without_a_worker_that_is_said(stripe: Sandbox, checkup: Checkup) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
    assert checkup().broken.keys() == {"worker_silent"}


def test_an_event_that_waits_is_named(stripe: Sandbox, buyer: APIClient, checkup: Checkup) -> None:
    buying.buy_credits(stripe, buyer)
    past = clock.now() - timedelta(minutes=10)
    WebhookEvent.objects.filter(type="payment_intent.succeeded").update(status="pending", received_at=past)
    assert checkup().broken.keys() == {"events_unsettled"}


def test_events_that_get_lost_on_the_way_are_missed(
    stripe: Sandbox, buyer: APIClient, checkup: Checkup
) -> None:
    pay_only(stripe, buying.credits(buyer))
    stripe.take_deliveries()
    assert checkup().broken == {}  # they may be on their way
    with later(A_MOMENT):
        report = checkup()
    assert report.broken.keys() == {"events_missing"}
    assert "payment_intent.succeeded" in report.broken["events_missing"]["what"]


def test_once_events_arrive_again_those_that_were_missed_are_only_looked_at(
    stripe: Sandbox, buyer: APIClient, other: APIClient, checkup: Checkup
) -> None:
    pay_only(stripe, buying.credits(buyer))
    stripe.take_deliveries()
    with later(A_MOMENT):
        buying.buy_credits(stripe, other, "20.00")
    with later(A_MOMENT * 2):
        report = checkup()
        assert (report.broken, "events_missed" in report.look) == ({}, True)


def test_events_from_before_the_endpoint_are_not_missed(
    stripe: Sandbox, buyer: APIClient, checkup: Checkup
) -> None:
    pay_only(stripe, buying.credits(buyer))
    stripe.take_deliveries()
    with later(A_MOMENT):
        [endpoint] = stripe.state.store.webhook_endpoints
        endpoint["created"] = stripe.state.now
        assert checkup().broken == {}


# --- The endpoint, in a shop that Stripe can reach ----------------------------------------------------------


@pytest.fixture
def endpoint(stripe: Sandbox, settings: Settings) -> Any:
    settings.FRONTEND_URL = "https://estuary.example"
    settings.ALLOWED_HOSTS = ["estuary.example"]
    [row] = stripe.state.store.webhook_endpoints
    row["url"] = "https://estuary.example/api/v1/payments/webhook/"
    return row


def endpoint_codes() -> list[str]:
    return [finding.code for finding in check_endpoint(client.probes())]


def test_the_endpoint_is_held_to_what_we_need(stripe: Sandbox, endpoint: Any) -> None:
    assert endpoint_codes() == ["endpoint"]
    endpoint["url"] = endpoint["url"].removesuffix("/")
    assert endpoint_codes() == ["endpoint"]
    endpoint["api_version"] = None
    assert endpoint_codes() == ["endpoint_version"]
    endpoint |= {"api_version": client.API_VERSION, "status": "disabled"}
    assert endpoint_codes() == ["endpoint_disabled"]
    endpoint |= {"status": "enabled", "enabled_events": ["payment_intent.succeeded"]}
    assert endpoint_codes() == ["endpoint_lacks_events"]
    endpoint |= {"enabled_events": ["*"], "url": "https://estuary.example/payments/webhook/"}
    assert endpoint_codes() == ["endpoint_address"]
    endpoint["url"] = "https://another.example/hook"
    assert endpoint_codes() == ["endpoint_missing"]
    endpoint["deleted"] = True
    assert endpoint_codes() == ["endpoint_missing"]


def test_two_endpoints_that_lead_here_are_looked_at(stripe: Sandbox, endpoint: Any) -> None:
    stripe.add_endpoint(endpoint["url"], "whsec_second", api_version=client.API_VERSION)
    assert endpoint_codes() == ["endpoint_twice", "endpoint"]


# --- What stands around -------------------------------------------------------------------------------------


def test_a_mail_server_that_does_not_answer_is_named(checkup: Checkup, settings: Settings) -> None:
    backend = "django.core.mail.backends.smtp.EmailBackend"
    settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": {"host": "localhost", "port": 9}}}
    codes = [finding.code for finding in check_mail()]
    assert codes == ["mail_server_silent"]


def test_a_database_without_all_migrations_is_named_and_nothing_else_is_asked(
    stripe: Sandbox, checkup: Checkup
) -> None:
    [(app, newest)] = MigrationLoader(connection).graph.leaf_nodes("payments")
    rename = "UPDATE django_migrations SET name = %s WHERE app = %s AND name = %s"
    with connection.cursor() as cursor:
        cursor.execute(rename, ["gone", app, newest])
    try:
        report = checkup()
        assert [finding.code for finding in check_database()] == ["migrations_missing"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute(rename, [newest, app, "gone"])
    assert report.broken["migrations_missing"]["cure"] == "manage.py migrate"
    assert stripe.requests == []


def test_staff_read_the_same_findings_on_a_page(
    stripe: Sandbox, checkup: Checkup, settings: Settings
) -> None:
    stripe.control.revoke_key(settings.STRIPE_SECRET_KEY)
    page = admin_client("payments.view_webhookevent").get("/admin/checkup/")
    assert page.status_code == 200
    shown = page.content.decode()
    assert "key_refused" in shown and "export STRIPE_SECRET_KEY=" in shown
    assert settings.STRIPE_SECRET_KEY not in shown
    assert admin_client("orders.view_order").get("/admin/checkup/").status_code == 403
    assert Client().get("/admin/checkup/").status_code == 302
    assert not StripeAccount.objects.exists()  # nothing was bound by looking
