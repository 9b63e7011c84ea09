"""Bearer tokens: two queries find the session and its user, and nobody else is let in."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.common import clock
from tests.factories import make_user, signed_in

pytestmark = pytest.mark.django_db

LIST = "/api/v1/payments/methods/"


@pytest.fixture
def maya() -> User:
    return make_user()


@pytest.fixture
def as_maya(maya: User) -> APIClient:
    return signed_in(maya)


def change_session(**changed: str) -> None:
    row = Session.objects.get()
    held = SessionStore().decode(row.session_data) | changed
    row.session_data = SessionStore().encode(held)
    row.save()


def sign_out(maya: User) -> None:
    Session.objects.all().delete()


def expire(maya: User) -> None:
    Session.objects.update(expire_date=clock.now() - timedelta(seconds=1))


def change_the_password(maya: User) -> None:
    maya.set_password("another password than before")
    maya.save()


def be_shut_out(maya: User) -> None:
    User.objects.update(is_active=False)


def leave(maya: User) -> None:
    maya.delete()


def have_a_session_of_another(maya: User) -> None:
    other = make_user()
    change_session(**{SESSION_KEY: str(other.pk), HASH_SESSION_KEY: other.get_session_auth_hash()})


def have_a_session_of_nobody(maya: User) -> None:
    change_session(**{HASH_SESSION_KEY: ""})


def have_been_let_in_by_a_way_that_is_closed(maya: User) -> None:
    change_session(**{BACKEND_SESSION_KEY: "django.contrib.auth.backends.AllowAllUsersModelBackend"})


def test_who_is_signed_in_is_known_by_two_queries(
    as_maya: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):  # and the list
        assert as_maya.get(LIST).status_code == 200


@pytest.mark.parametrize(
    "happen",
    [
        sign_out,
        expire,
        change_the_password,
        be_shut_out,
        leave,
        have_a_session_of_another,
        have_a_session_of_nobody,
        have_been_let_in_by_a_way_that_is_closed,
    ],
    ids=lambda happen: happen.__name__,
)
def test_who_is_not_signed_in_any_more_is_refused(
    maya: User, as_maya: APIClient, happen: Callable[[User], None]
) -> None:
    assert as_maya.get(LIST).status_code == 200
    happen(maya)
    answer = as_maya.get(LIST)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."])
def test_what_is_no_token_of_ours_is_refused(token: str) -> None:
    assert APIClient().get(LIST, headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_session_that_an_older_secret_key_began_goes_on(
    maya: User, as_maya: APIClient, settings: Settings
) -> None:
    settings.SECRET_KEY_FALLBACKS = ["the key before"]
    [under_it] = maya.get_session_auth_fallback_hash()
    change_session(**{HASH_SESSION_KEY: under_it})
    assert as_maya.get(LIST).status_code == 200
