"""Whoever of staff takes an account over, by its address or its password, does so before its owner's eyes."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from estuary.accounts.models import User
from tests.api.staff import admin_client
from tests.attacks.visitor import subjects_mailed_to
from tests.factories import PASSWORD, make_staff, make_user

pytestmark = pytest.mark.django_db(transaction=True)

NEW, NEW_PASSWORD = "somebody-else@example.com", "a-new-and-odd-one-8"


@pytest.fixture(autouse=True)
def limits_of_production(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.SIGN_IN_LIMITS


def change(client: Client, user: User, **fields: str) -> int:
    page = reverse("admin:accounts_user_change", args=[user.pk])
    form = {
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "is_active": "on",
    }
    return client.post(page, form | fields).status_code


@pytest.mark.parametrize("permissions", [(), ("accounts.view_user", "accounts.change_user")])
def test_the_old_address_is_told_of_the_new_one(permissions: tuple[str, ...]) -> None:
    maya = make_user()
    old = maya.email
    assert change(admin_client(*permissions), maya, email=NEW) == 302
    assert User.objects.get(pk=maya.pk).email == NEW
    [subject] = subjects_mailed_to(old)
    assert "Your e-mail address was changed" in subject
    [notice] = [message for message in mail.outbox if message.to == [old]]
    assert f"from {old} to {NEW}" in str(notice.body)


def test_a_name_or_the_same_address_in_capitals_is_no_change() -> None:
    maya = make_user()
    client = admin_client()
    assert change(client, maya, email=maya.email.upper(), first_name="Maja") == 302
    assert subjects_mailed_to(maya.email) == []


def test_a_change_that_is_refused_tells_nobody() -> None:
    maya, tom = make_user(), make_user("Tom Achterberg")
    assert change(admin_client(), maya, email=tom.email) == 200
    assert subjects_mailed_to(maya.email) == subjects_mailed_to(tom.email) == []


def test_the_owner_is_told_of_a_password_that_staff_have_set() -> None:
    maya = make_user()
    page = reverse("admin:auth_user_password_change", args=[maya.pk])
    body = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    assert admin_client().post(page, body | {"set-password": "1"}).status_code == 302
    assert User.objects.get(pk=maya.pk).check_password(NEW_PASSWORD)
    [subject] = subjects_mailed_to(maya.email)
    assert "Your password was changed" in subject


def test_staff_are_told_of_their_own_password() -> None:
    sam, client = make_staff("Sam Okafor"), Client()
    client.force_login(sam, "estuary.accounts.staff.sign_in.StaffBackend")
    body = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert client.post(reverse("admin:password_change"), body).status_code == 302
    [subject] = subjects_mailed_to(sam.email)
    assert "Your password was changed" in subject
