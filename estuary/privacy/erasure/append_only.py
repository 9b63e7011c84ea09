"""Updates of rows that triggers protect: of texts alone, when a person is erased."""

from django.db import connection

from estuary.accounts.models import AuditLogEntry
from estuary.credits.models import CreditTransaction
from estuary.documents.models import CreditNote, Receipt

# The setting of pgtrigger's ``ignore``, which does not work with named parameters. It ends with the transaction.
SET_IGNORED_TRIGGERS = "SELECT set_config('pgtrigger.ignore', %s, true)"


def allow_append_only_updates() -> None:
    """Disable the append-only triggers of ledger, audit trail and receipts until the open transaction ends."""
    names = [
        trigger.get_pgid(model)
        for model in (CreditTransaction, AuditLogEntry, Receipt, CreditNote)
        for trigger in model._meta.triggers  # type: ignore[union-attr]
    ]
    with connection.cursor() as cursor:
        cursor.execute(SET_IGNORED_TRIGGERS, ["{" + ",".join(names) + "}"])
