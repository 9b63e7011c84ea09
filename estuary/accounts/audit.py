"""Who of staff did what to which row, and when: written in the transaction of the act, and never changed."""

from django.contrib.admin.models import CHANGE
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from estuary.accounts.models import StaffAct, User
from estuary.common.observability.redaction import redact


def record(by: User, row: Model, message: str) -> None:
    """Write an act down, in the open transaction; ``what`` is a sentence for people."""
    kind = ContentType.objects.get_for_model(row)
    StaffAct.objects.create(
        user_id=by.pk,
        content_type_id=kind.pk,
        object_id=str(row.pk),
        object_repr=str(row)[:200],
        action_flag=CHANGE,
        change_message=redact(message),
    )
