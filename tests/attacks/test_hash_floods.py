"""Many sign up or guess at once, from as many addresses: they compute in turns, and everybody else is served."""

from collections.abc import Callable

import httpx
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hasher, make_password
from django.db import connection, transaction
from pytest_django import Settings

from estuary.accounts.models import User
from estuary.accounts.sign_in.hashing import QueuedPBKDF2PasswordHasher, wait_for_sign_up_turn
from estuary.catalog.models import Service
from tests.attacks.test_locked_rows import (
    SIGN_IN,
    Answer,
    answer_of,
    bystanders,
    elsewhere,
    shop,
    while_they_wait,
)
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["elsewhere", "shop"]

SIGN_UP = "/_allauth/app/v1/auth/signup"
STRANGERS = 60
SIGNS_IN = 4  # among the bystanders: waits with those who guess


def stranger(shop: httpx.Client, number: int) -> Callable[[], Answer]:
    """Somebody with an address of their own, whom no limit of one address holds up."""
    body = {"email": f"stranger{number}@estuary.example", "password": "a-long-and-odd-one-7"}
    headers = {"X-Forwarded-For": f"198.51.100.{number}"}
    return lambda: answer_of(shop.post(SIGN_UP, json=body, headers=headers))


def guesser(shop: httpx.Client, number: int) -> Callable[[], Answer]:
    """Somebody who tries a password on an address that nobody has: it costs as much as a real one."""
    body = {"email": f"nobody{number}@estuary.example", "password": "a-long-and-odd-one-7"}
    headers = {"X-Forwarded-For": f"198.51.100.{number}"}
    return lambda: answer_of(shop.post(SIGN_IN, json=body, headers=headers))


@pytest.mark.exhaustive
def test_whoever_signs_up_sixty_times_at_once_keeps_nobody_else_waiting(
    shop: httpx.Client, elsewhere: Service
) -> None:
    others = bystanders(shop, elsewhere)
    crowd = [stranger(shop, number) for number in range(STRANGERS)]
    answers, served = while_they_wait(crowd, others)
    assert set(served) == {(200, "")}
    assert set(answers) <= {(200, ""), (503, "busy")}
    signed_up = User.objects.filter(email__startswith="stranger").count()
    assert 0 < signed_up == answers[200, ""]


def test_sixty_guesses_at_once_keep_nobody_waiting_who_is_signed_in(
    shop: httpx.Client, elsewhere: Service
) -> None:
    others = [verb for number, verb in enumerate(bystanders(shop, elsewhere)) if number != SIGNS_IN]
    answers, served = while_they_wait([guesser(shop, number) for number in range(STRANGERS)], others)
    assert set(served) == {(200, "")}
    assert {status for status, _ in answers} <= {400, 503}


@pytest.fixture
def as_in_production(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["estuary.accounts.sign_in.hashing.QueuedPBKDF2PasswordHasher"]


def test_nobody_holds_a_connection_while_a_password_is_hashed(
    as_in_production: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []
    encode = PBKDF2PasswordHasher.encode

    def look(hasher: PBKDF2PasswordHasher, password: str, salt: str, iterations: int | None = None) -> str:
        held.append(connection.connection is not None)
        return encode(hasher, password, salt, iterations)

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", look)
    assert not User.objects.filter(email="nobody").exists()
    make_password(PASSWORD)
    with wait_for_sign_up_turn(), transaction.atomic():
        make_password(PASSWORD)
    # A sign-up writes all or nothing, so it has one: but it alone.
    assert held == [False, True]


def test_hashes_from_before_are_still_the_right_ones(as_in_production: None) -> None:
    before = PBKDF2PasswordHasher().encode(PASSWORD, "salt")
    assert isinstance(get_hasher(), QueuedPBKDF2PasswordHasher)
    assert get_hasher().verify(PASSWORD, before)
    assert not get_hasher().must_update(QueuedPBKDF2PasswordHasher().encode(PASSWORD, get_hasher().salt()))
