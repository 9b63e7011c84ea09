"""Small scenarios played in a process of their own as a role of production: of the shop, and of the worker's nights.

``python -m tests.flows.role_scenarios [worker]``, with that role's DATABASE_URL.
"""

import asyncio
import os
import sys
import time
from datetime import timedelta
from itertools import count

import django

django.setup()

import time_machine  # noqa: E402
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.db import transaction  # noqa: E402
from django.db.models import Model  # noqa: E402
from django.test import Client  # noqa: E402
from procrastinate import PsycopgConnector  # noqa: E402
from procrastinate.contrib.django import app  # noqa: E402
from procrastinate.contrib.django.utils import connector_params  # noqa: E402
from rest_framework.test import APIClient  # noqa: E402

from estuary.accounts.models import AuditLogEntry, User  # noqa: E402
from estuary.accounts.staff import audit  # noqa: E402
from estuary.accounts.staff.second_factor import drop_factor, enrol  # noqa: E402
from estuary.catalog.models import ServiceType  # noqa: E402
from estuary.common import clock  # noqa: E402
from estuary.common.observability import metrics  # noqa: E402
from estuary.credits.models import CreditTransaction  # noqa: E402
from estuary.orders.models import Order  # noqa: E402
from estuary.payments.client import API_VERSION  # noqa: E402
from estuary.payments.models import (  # noqa: E402
    Hold,
    IdempotencyKey,
    RateLimitCounter,
    SetupIntent,
    WebhookEvent,
)
from estuary.privacy.erasure.erase import MAX_REQUEST_AGE, begin_erasure, finish_erasure  # noqa: E402
from stripe_sandbox import Sandbox  # noqa: E402
from tests import factories  # noqa: E402
from tests.factories import (  # noqa: E402
    PASSWORD,
    a_free_slot,
    make_practitioner,
    make_service,
    make_sessions,
    make_staff,
    make_user,
    signed_in,
)
from tests.flows import buying  # noqa: E402
from tests.sandbox_bridge import SECRET, estuary_talks_to, settle_everything  # noqa: E402

APP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
FORGOTTEN: tuple[type[Model], ...] = (WebhookEvent, RateLimitCounter, Hold, IdempotencyKey, SetupIntent)


def shop(stripe: Sandbox) -> User:
    """Sign in, buy credits, spend them, hold a time and give it back, save a card, cancel, and have staff refund."""
    maya = make_user()
    buyer = signed_in(maya)
    sign_in = {"email": maya.email, "password": PASSWORD}
    assert APIClient().post("/_allauth/app/v1/auth/login", sign_in).status_code == 200
    bought = buying.buy_credits(stripe, buyer, "100.00")
    ana = make_practitioner()
    workshop = make_service(ServiceType.WORKSHOP, ana, usd=4_000)
    [date] = make_sessions(workshop)
    scheduling = {"service_session_id": str(date.pk)}
    buying.create(buyer, service_id=str(workshop.pk), use_credits=True, scheduling_data=scheduling)
    settle_everything(stripe)
    [booking] = buyer.get("/api/v1/bookings/").json()["results"]
    assert buyer.post(f"/api/v1/bookings/{booking['id']}/cancel/", {}).status_code in {200, 201}
    hour = make_service(ServiceType.SESSION, ana)
    scheduling = {"start_datetime": a_free_slot(hour).isoformat()}
    body = {"service_id": str(hour.pk), "scheduling_data": scheduling}
    held = buyer.post(buying.CREATE, body, headers={"Idempotency-Key": "a click"}).json()
    assert buyer.post(f"/api/v1/orders/{held['order_id']}/cancel/", {}).status_code == 200
    setup = buyer.post(f"{buying.METHODS}setup/").json()["setup_intent_id"]
    stripe.control.confirm_setup(setup, card=buying.DECLINED)
    stripe.control.confirm_setup(setup)
    settle_everything(stripe)
    [card] = buying.cards(buyer)
    assert buyer.delete(f"{buying.METHODS}{card['id']}/").status_code == 204
    maya.email = f"new-{maya.email}"
    maya.save()
    refunds = f"/api/v1/orders/{bought['order_id']}/refunds/"
    assert serve_staff(maya).post(refunds, {"reason": "asked for"}).status_code == 201
    settle_everything(stripe)
    return maya


def serve_staff(maya: User) -> APIClient:
    """Have somebody of staff enrol a second factor, sign in, open pages, and write about a buyer."""
    ines = make_staff("Ines Duarte", is_superuser=True)
    code = format_hotp_value(hotp_value(APP_SECRET, int(time.time()) // 30))
    assert enrol(ines, APP_SECRET, code)
    assert drop_factor(ines, "Dropped the second factor")
    browser = Client()
    sign_in = {"username": ines.email, "password": PASSWORD}
    assert browser.post("/admin/login/?next=/admin/orders/order/", sign_in).status_code == 302
    assert browser.get("/admin/orders/order/").status_code == 200
    with transaction.atomic():
        audit.record(ines, maya, "called back")
    return signed_in(ines)


def work(maya: User) -> None:
    """Do what the worker does: its jobs, all that it does by the clock, a year of nights, and an erasure."""
    asyncio.run(run_jobs())
    cache.set("sign-in", 1, timeout=60)
    old = ids_by_model()
    assert all(old.values()), old
    for days in (1, settings.DEAD_EVENTS_KEPT_DAYS + 30):  # SetupIntents are ended first, and then forgotten
        with time_machine.travel(clock.now() + timedelta(days=days), tick=True):
            run_by_the_clock()
    assert not any(ids & old[model] for model, ids in ids_by_model().items())
    erasure = begin_erasure(User.objects.get(pk=maya.pk), forfeit_credits=True)
    with time_machine.travel(clock.now() + MAX_REQUEST_AGE, tick=True):
        changed = finish_erasure(erasure)
    assert changed["credits_credittransaction"] and changed["django_admin_log"]
    assert AuditLogEntry.objects.filter(change_message="(erased)").exists()
    run_by_the_clock()


def ids_by_model() -> dict[type[Model], set[object]]:
    return {model: set(model._default_manager.values_list("pk", flat=True)) for model in FORGOTTEN}


async def run_jobs() -> None:
    with app.replace_connector(PsycopgConnector(kwargs=connector_params())) as working:
        async with working.open_async():
            await working.run_worker_async(wait=False, install_signal_handlers=False)


def run_by_the_clock() -> None:
    """Run each periodic job once: one that fails is only counted, so that the next can do its work."""
    for periodic in app.periodic_registry.periodic_tasks.values():
        if not periodic.task.pass_context:
            periodic.task(timestamp=0)
    failed = [sample for metric in metrics.JOBS_FAILED.collect() for sample in metric.samples]
    assert not [sample.labels for sample in failed if sample.name.endswith("_total") and sample.value]


if __name__ == "__main__":
    factories._numbers = count(os.getpid() * 1000)  # whoever played here before has other names
    sandbox = Sandbox(
        webhook_url="http://testserver/", webhook_secret=SECRET, webhook_api_version=API_VERSION
    )
    with estuary_talks_to(sandbox):
        buyer = shop(sandbox)
        if "worker" in sys.argv:
            work(buyer)
    assert Order.objects.exists() and CreditTransaction.objects.exists()
    sys.stdout.write("played")
