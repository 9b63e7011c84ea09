"""A group that was granted a permission before a model got another name still has it, and back again."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.exhaustive]


@pytest.fixture
def before_renames(transactional_db: None) -> Iterator[None]:
    call_command("migrate", "accounts", "0009", verbosity=0)
    call_command("migrate", "payments", "0022", verbosity=0)
    try:
        yield
    finally:
        call_command("migrate", verbosity=0)


def permissions_of(group: Group) -> set[tuple[str, str, str]]:
    rows = group.permissions.values_list("content_type__model", "codename", "name")
    return {(model, codename, name) for model, codename, name in rows}


def test_granted_permissions_follow_renamed_models(before_renames: None) -> None:
    group = Group.objects.create(name="Auditors")
    codenames = ["view_staffact", "change_lookout", "delete_attempts"]
    group.permissions.set(Permission.objects.filter(codename__in=codenames))
    assert {codename for _, codename, _ in permissions_of(group)} == set(codenames)
    call_command("migrate", verbosity=0)
    assert permissions_of(group) == {
        ("auditlogentry", "view_auditlogentry", "Can view audit log entry"),
        ("synccursor", "change_synccursor", "Can change sync cursor"),
        ("ratelimitcounter", "delete_ratelimitcounter", "Can delete rate limit counter"),
    }
    assert not Permission.objects.filter(codename__in=codenames).exists()
