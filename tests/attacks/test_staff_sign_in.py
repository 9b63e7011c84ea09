"""The admin's sign-in page under guesses: few are hashed, each once, and the owner gets in all the while."""

from typing import Any

import pytest
from django.contrib.auth.hashers import get_hasher
from django.test import Client

from tests.marketplace import PASSWORD, make_staff, make_user

pytestmark = pytest.mark.django_db

GUESSER, OWNER = "203.0.113.7", "198.51.100.2"
LOGIN = "/admin/login/?next=/admin/"
AT_ACCOUNT, FROM_ADDRESS = 5, 10


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


def test_guesses_from_elsewhere_do_not_lock_the_owner_out() -> None:
    email = make_staff("Sam Okafor", is_superuser=True).email
    for number in range(3 * AT_ACCOUNT):
        sign_in(email, "wrong", f"203.0.113.{number}")
    assert sign_in(email, PASSWORD, OWNER).status_code == 302


def test_signing_in_often_uses_up_no_tries() -> None:
    email = make_staff("Sam Okafor", is_superuser=True).email
    for _ in range(2 * FROM_ADDRESS):
        assert sign_in(email, PASSWORD, OWNER).status_code == 302


def test_a_buyer_who_knows_the_password_is_not_let_in() -> None:
    buyer = make_user()
    for _ in range(2 * AT_ACCOUNT):
        assert sign_in(buyer.email, PASSWORD, GUESSER).status_code == 200
