"""Audit log entries about others that name a person: staff read them, and have those erased that mean the person.

Nobody has checked a name, and a person may be called like a piece of any text. So no name decides by itself.
"""

from django.db import connection, transaction

from estuary.accounts.models import AuditLogEntry, Practitioner, User
from estuary.notifications import staff_alerts
from estuary.privacy.erasure.append_only import allow_append_only_updates
from estuary.privacy.identifiers import find_identifiers, match_any
from estuary.privacy.personal_data import ENTRY_MENTIONS_PERSON

# An alert lists no more.
LISTED = 50
ENTRIES = f"""
    SELECT id FROM django_admin_log
    WHERE (object_repr ~* %(name_pattern)s OR change_message ~* %(name_pattern)s) AND NOT {ENTRY_MENTIONS_PERSON}
    ORDER BY id DESC LIMIT {LISTED}"""  # noqa: S608 (ours)


def find_mentions(user: User) -> list[int]:
    """Return the newest entries that hold a person's full name, less those that an erasure finds by itself."""
    practices = Practitioner.objects.filter(user=user).values_list("display_name", flat=True)
    names = {name for name in [user.get_full_name(), *practices] if " " in name}
    if not names:
        return []
    pattern = match_any(names, r"(?<!\w)", r"(?!\w)")
    with connection.cursor() as cursor:
        cursor.execute(ENTRIES, find_identifiers(user) | {"name_pattern": pattern})
        return sorted(row[0] for row in cursor.fetchall())


def alert_about_mentions(user: User, entries: list[int]) -> None:
    """Have staff look at entries that may name a person who is erased in the open transaction."""
    if not entries:
        return
    ids = " ".join(map(str, entries))
    staff_alerts.alert_staff(
        "erased_person_named",
        f"User {user.pk} is erased. A name like theirs stands in the audit log, in the entries {ids}. Read them. Erase"
        f" those that mean the person: manage.py erase_person {user.pk} --yes --entries {ids}",
    )


def erase_entries(entries: list[int]) -> list[int]:
    """Erase the texts of audit log entries that staff chose; returns those that are not there."""
    with transaction.atomic():
        allow_append_only_updates()
        rows = AuditLogEntry.objects.filter(pk__in=entries)
        there = set(rows.values_list("pk", flat=True))
        rows.update(object_repr="(erased)", change_message="(erased)")
    return sorted(set(entries) - there)
