"""The admin's sign-in page under guesses: few are hashed, each once, and the owner gets in all the while."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import get_hasher
from django.test import Client
from pytest_django import Settings

from tests.attacks.visitor import Visitor, keys_mailed_to
from tests.factories import PASSWORD, make_staff, make_user

pytestmark = pytest.mark.django_db(transaction=True)

GUESSER, OWNER = "203.0.113.7", "198.51.100.2"
LOGIN = "/admin/login/?next=/admin/"
AT_ACCOUNT, FROM_ADDRESS = 5, 10
NEW_PASSWORD = "a-new-and-odd-one-8"
type Door = Callable[[str, str, str], int]


@pytest.fixture(autouse=True)
def limits_of_production(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.SIGN_IN_LIMITS


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that is hashed."""
    kind, hashed = type(get_hasher()), list[str]()
    encode = kind.encode

    def count(self: Any, password: str, *rest: Any, **more: Any) -> str:
        hashed.append(password)
        return str(encode(self, password, *rest, **more))

    monkeypatch.setattr(kind, "encode", count)
    return hashed


def sign_in(email: str, password: str, address: str) -> Any:
    return Client(REMOTE_ADDR=address).post(LOGIN, {"username": email, "password": password})


def test_a_guess_is_hashed_once_and_none_beyond_the_limit(hashes: list[str]) -> None:
    email = make_staff("Sam Okafor", is_superuser=True).email
    hashes.clear()
    for _ in range(3 * AT_ACCOUNT):
        answer = sign_in(email, "wrong", GUESSER)
    assert hashes == ["wrong"] * AT_ACCOUNT
    assert "Too many tries" in answer.content.decode()
    assert sign_in(email.upper(), PASSWORD, GUESSER).status_code == 200


def test_many_accounts_bring_one_address_no_more_guesses(hashes: list[str]) -> None:
    for number in range(3 * FROM_ADDRESS):
        sign_in(f"nobody{number}@estuary.example", "wrong", GUESSER)
    assert len(hashes) == FROM_ADDRESS


def by_the_api(email: str, password: str, address: str) -> int:
    return Visitor(address).sign_in(email, password)


def by_the_admin(email: str, password: str, address: str) -> int:
    return {302: 200, 200: 400}[sign_in(email, password, address).status_code]


DOORS = [by_the_api, by_the_admin]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("guessed_at", DOORS)
def test_guesses_from_elsewhere_do_not_lock_the_owner_out(guessed_at: Door, door: Door) -> None:
    email = make_staff("Sam Okafor", is_superuser=True).email
    for _ in range(2 * AT_ACCOUNT):
        guessed_at(email, "wrong", GUESSER)
    for number in range(2 * AT_ACCOUNT):
        guessed_at(email, "wrong", f"203.0.113.{number}")
    assert door(email, PASSWORD, OWNER) == 200


@pytest.mark.parametrize("door", DOORS)
def test_what_is_guessed_at_one_door_counts_at_the_other(door: Door, hashes: list[str]) -> None:
    email = make_staff("Sam Okafor", is_superuser=True).email
    for guess in (by_the_api, by_the_admin):
        for _ in range(AT_ACCOUNT):
            guess(email, "wrong", GUESSER)
    hashes.clear()
    assert door(email, PASSWORD, GUESSER) != 200
    assert hashes == []


@pytest.mark.parametrize("door", DOORS)
def test_a_reset_by_mail_lets_in_who_forgot_the_password(door: Door) -> None:
    email = make_user("Sam Okafor", is_staff=True).email
    for _ in range(AT_ACCOUNT):
        assert door(email, "forgotten", OWNER) == 400
    owner = Visitor(OWNER)
    owner.request_reset(email)
    owner.reset(keys_mailed_to(email)[-1], NEW_PASSWORD)
    assert door(email, NEW_PASSWORD, OWNER) == 200


def test_a_stolen_cookie_guesses_few_old_passwords(hashes: list[str]) -> None:
    client = Client()
    client.force_login(make_staff("Sam Okafor"), "estuary.accounts.staff.sign_in.StaffBackend")
    body = {"old_password": "wrong", "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    hashes.clear()
    answers = [client.post("/admin/password_change/", body).status_code for _ in range(3 * AT_ACCOUNT)]
    assert answers == [200] * AT_ACCOUNT + [429] * 2 * AT_ACCOUNT
    assert hashes == ["wrong"] * AT_ACCOUNT


def test_signing_in_often_uses_up_no_tries() -> None:
    email = make_staff("Sam Okafor", is_superuser=True).email
    for _ in range(2 * FROM_ADDRESS):
        assert sign_in(email, PASSWORD, OWNER).status_code == 302


def test_a_buyer_who_knows_the_password_is_not_let_in() -> None:
    buyer = make_user()
    for _ in range(2 * AT_ACCOUNT):
        assert sign_in(buyer.email, PASSWORD, GUESSER).status_code == 200
