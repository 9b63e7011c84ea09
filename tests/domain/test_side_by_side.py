"""While a new version is rolled out, code before it runs on its tables, and it runs what code before has enqueued."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import (
    AddField,
    CreateModel,
    DeleteModel,
    RemoveField,
    RenameField,
    RenameModel,
)
from django.db.models import NOT_PROVIDED, GeneratedField
from procrastinate.contrib.django import app

from estuary.documents import tasks as document_tasks
from estuary.notifications import order_mail_texts
from estuary.payments import tasks
from estuary.privacy import tasks as privacy_tasks

OURS = {"accounts", "bookings", "catalog", "credits", "orders", "payments"}
TAKES_AWAY = (DeleteModel, RemoveField, RenameField, RenameModel)
# It took a column away that nothing had written yet, before anybody ran a version of this.
BEFORE_ANY_RELEASE = {("payments", "0002_asked_and_asked_again")}

# What a version that somebody runs may have enqueued: a name goes only when no version before knows it any more.
JOBS: dict[str, dict[str, Any]] = {
    "payments.send_refund": {"refund_id": 1},
    "payments.update_customer": {"user_id": 1},
    "payments.detach_card": {"payment_method_id": "pm_1"},
    "payments.send_mail": {"order_id": 1, "template": "completed"},
    "payments.send_mails": {"wanted": [{"order_id": 1, "template": "completed"}]},
    "payments.send_account_mail": {"template": "password_reset_key", "email": "a@example.com", "user_id": 1},
    "payments.send_method_removed": {"user_id": 1, "last4": "4242"},
    "payments.alert_staff": {"code": "a_code", "text": "A text."},
    "payments.call_receiver": {"signal": "order_completed", "receiver": "a.receiver", "pk": 1, "order_id": 1},
    "payments.end_open_payments": {"user_id": 1},
    "payments.expire_orders": {"timestamp": 0},
    "payments.sweep_minute": {"timestamp": 0},
    "payments.close_past_bookings": {"timestamp": 0},
    "payments.ask_stripe": {"timestamp": 0},
    "payments.ask_stripe_far_back": {"timestamp": 0},
    "payments.forget_old_keys": {"timestamp": 0},
    "payments.forget_old_attempts": {"timestamp": 0},
    "payments.forget_old_events": {"timestamp": 0},
    "payments.forget_old_sessions": {"timestamp": 0},
    "payments.forget_unsent_account_mails": {"timestamp": 0},
    "payments.forget_old_setup_intents": {"timestamp": 0},
    "payments.forget_failed_jobs": {"timestamp": 0},
    "payments.forget_expired_cache": {"timestamp": 0},
    "payments.finish_erasures": {"timestamp": 0},
    "payments.forget_old_mails": {"timestamp": 0},
    "payments.send_booking_mail": {"mail_id": 1},
    "payments.send_scheduled": {"booking_id": 1},
    "payments.enqueue_due_mails": {"timestamp": 0},
    "payments.warn_of_expiring_cards": {"timestamp": 0},
    "payments.carry_out_date_change": {"change_id": 1},
    "payments.issue_documents": {"timestamp": 0},
    "payments.issue_missed_documents": {"timestamp": 0},
}
MAILS = {"completed", "refunded", "late_payment", "recovered", "refund_failed", "dispute_lost"}


def migrations(loader: MigrationLoader) -> Iterator[tuple[tuple[str, str], Any]]:
    """Every migration of ours that finds tables there already."""
    for key, migration in loader.disk_migrations.items():
        if key[0] in OURS and not key[1].startswith("0001") and key not in BEFORE_ANY_RELEASE:
            yield key, migration


def is_rename_in_python(operation: Any, key: tuple[str, str], loader: MigrationLoader) -> bool:
    """Whether the column or the table stays as it is, by ``db_column`` or ``db_table``."""
    models = loader.project_state(key).models
    if isinstance(operation, RenameField):
        field = models[key[0], operation.model_name.lower()].fields[operation.new_name]
        return bool(field.db_column == operation.old_name)
    if isinstance(operation, RenameModel):
        options = models[key[0], operation.new_name.lower()].options
        return bool(
            options.get("proxy") or options.get("db_table") == f"{key[0]}_{operation.old_name.lower()}"
        )
    return False


@pytest.mark.django_db
def test_every_migration_leaves_the_code_before_it_working() -> None:
    """It takes nothing away, and what it adds to a table may be left out by who does not know it."""
    seen, wrong = 0, []
    loader = MigrationLoader(connection)
    for key, migration in migrations(loader):
        new = {one.name.lower() for one in migration.operations if isinstance(one, CreateModel)}
        for one in migration.operations:
            seen += 1
            if isinstance(one, TAKES_AWAY) and not is_rename_in_python(one, key, loader):
                wrong.append((key, one.describe()))
            if isinstance(one, AddField) and one.model_name.lower() not in new:
                field = one.field
                is_optional = field.null or field.many_to_many or field.db_default is not NOT_PROVIDED
                if not (is_optional or isinstance(field, GeneratedField)):
                    wrong.append((key, one.describe()))
    assert wrong == []
    assert seen > 20


@pytest.mark.parametrize("name", JOBS)
def test_every_job_that_code_before_may_have_enqueued_is_still_understood(name: str) -> None:
    task = app.tasks[name]
    assert task.func.__module__ in {tasks.__name__, document_tasks.__name__, privacy_tasks.__name__}
    inspect.signature(task.func).bind(**JOBS[name])


def test_every_mail_that_code_before_may_have_enqueued_can_still_be_written() -> None:
    assert order_mail_texts.TEXTS.keys() == order_mail_texts.SUBJECTS.keys() >= MAILS


def test_every_job_that_is_enqueued_now_is_written_down_here() -> None:
    ours = {name for name in app.tasks if name.startswith("payments.")}
    assert ours - {"payments.revive_stalled_jobs"} == set(JOBS)
