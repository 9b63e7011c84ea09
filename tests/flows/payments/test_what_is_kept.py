"""The page on retention is true: it names every table, and what is deleted when it is old is deleted by the worker."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from rest_framework.test import APIClient

from estuary.common import clock
from estuary.config.environment import Environment
from estuary.notifications import staff_alerts
from estuary.payments import tasks
from estuary.payments.models import Decline, SetupIntent, WebhookEvent
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.buying import DECLINED
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = Path("docs/reference/retention.md").read_text()


def test_every_table_is_on_the_page(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
    assert set(re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE)) == tables


def test_every_setting_is_on_the_page_with_its_default() -> None:
    kept = {name for name in Environment.model_fields if name.endswith("_kept_days")}
    named = {setting.lower(): int(days) for days, setting in re.findall(r"(\d+) days \| `(\w+)`", PAGE)}
    assert named == {name: Environment.model_fields[name].default for name in kept}


def test_the_worker_deletes_what_is_over(stripe: Sandbox, buyer: APIClient) -> None:
    setup = buyer.post(f"{buying.METHODS}setup/").json()["setup_intent_id"]
    stripe.control.confirm_setup(setup, card=DECLINED)
    settle_everything(stripe)
    WebhookEvent.objects.update(status="dead")
    cache.set("sign-in", 1, timeout=60)
    staff_alerts.alert_staff("failing", "a job that fails for good")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed'")
    assert Decline.objects.count() == 1
    nightly = (
        tasks.forget_old_events,
        tasks.forget_old_attempts,
        tasks.forget_old_setup_intents,
        tasks.forget_failed_jobs,
        tasks.forget_expired_cache,
    )
    with time_machine.travel(clock.now() + timedelta(days=1), tick=True):
        tasks.expire_orders(timestamp=0)
        for forget in nightly:
            forget(timestamp=0)
        assert (WebhookEvent.objects.count() > 0, SetupIntent.objects.count(), _rows("cache")) == (True, 1, 0)
        assert _rows("procrastinate_jobs") == 1
    with time_machine.travel(clock.now() + timedelta(days=settings.DEAD_EVENTS_KEPT_DAYS + 3), tick=True):
        for forget in nightly:
            forget(timestamp=0)
        assert not WebhookEvent.objects.exists()
        assert not SetupIntent.objects.exists()
        assert not Decline.objects.exists()
        assert _rows("procrastinate_jobs") == 0


def _rows(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 (ours)
        return int(cursor.fetchone()[0])
