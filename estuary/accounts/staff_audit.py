"""The audit trail: who of staff did what to which row, written in the transaction of the action, never changed."""

from django.contrib.admin.models import CHANGE
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

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
