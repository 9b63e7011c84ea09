"""The audit trail: who of staff did what to which row, written in the transaction of the action, never changed."""

from django.contrib.admin.models import CHANGE
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet

from estuary.accounts.models import AuditLogEntry, User
from estuary.common.observability.redaction import redact


def record(by: User, row: Model, message: str) -> None:
    """Add an entry to the audit trail, in the open transaction; ``message`` is a sentence."""
    kind = ContentType.objects.get_for_model(row)
    AuditLogEntry.objects.create(
        user_id=by.pk,
        content_type_id=kind.pk,
        object_id=str(row.pk),
        object_repr=str(row)[:200],
        action_flag=CHANGE,
        change_message=redact(message),
    )


def entries_about(*rows: Model) -> QuerySet[AuditLogEntry]:
    """Return the entries about rows of one model, oldest first; the index ``audit_by_object`` serves it."""
    kind = ContentType.objects.get_for_model(rows[0])
    keys = [str(row.pk) for row in rows]
    # The manager is that of Django's log, whose model mypy takes it for.
    about: QuerySet[AuditLogEntry] = QuerySet(AuditLogEntry).filter(
        content_type_id=kind.pk, object_id__in=keys
    )
    return about.select_related("user").order_by("action_time", "pk")
