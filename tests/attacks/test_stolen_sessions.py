"""A session token that was stolen ends with its day, and never becomes an account."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.sessions.models import Session

from estuary.accounts.models import User
from estuary.common import clock
from tests.attacks.visitor import PASSWORD, Visitor, keys_mailed_to

pytestmark = pytest.mark.django_db(transaction=True)

OWNER, THIEF = "owner@example.com", "thief@example.com"
DAY = timedelta(days=1)


@pytest.fixture
def owner() -> Visitor:
    owner = Visitor("203.0.113.9")
    assert owner.sign_up(OWNER) == 200
    owner.confirm(keys_mailed_to(OWNER)[-1])
    return owner


@pytest.fixture
def thief(owner: Visitor) -> Visitor:
    thief = Visitor()
    thief.session = owner.session
    return thief


def test_a_thief_without_the_password_changes_no_address(owner: Visitor, thief: Visitor) -> None:
    assert thief.change_address(THIEF) == 401
    assert thief.ask("PATCH", "account/email", {"email": THIEF, "primary": True})[0] >= 400
    assert thief.ask("DELETE", "account/email", {"email": OWNER})[0] >= 400
    assert keys_mailed_to(THIEF) == []
    assert list(EmailAddress.objects.values_list("email", flat=True)) == [OWNER]
    assert owner.opens_the_api()


def test_a_thief_without_the_password_sets_none(owner: Visitor, thief: Visitor) -> None:
    for guess in ("", "not-the-password"):
        body = {"current_password": guess, "new_password": "the-thiefs-own-one-4"}
        assert thief.ask("POST", "account/password/change", body)[0] == 400
    assert User.objects.get().check_password(PASSWORD)


def test_a_thief_gets_no_token_for_the_api_from_a_session_token(thief: Visitor) -> None:
    for method, path, body in (
        ("GET", "auth/session", None),
        ("POST", "auth/login", {"email": OWNER, "password": "wrong"}),
        ("POST", "tokens/refresh", {"refresh_token": thief.session}),
        ("PUT", "account/email", {"email": OWNER}),
    ):
        thief.ask(method, path, body)
        assert (thief.access, thief.refresh) == ("", ""), path


def test_guesses_behind_a_stolen_session_are_few(thief: Visitor, settings: object) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.SIGN_IN_LIMITS  # type: ignore[attr-defined]
    body = {"current_password": "wrong", "new_password": "the-thiefs-own-one-4"}
    answers = [thief.ask("POST", "account/password/change", body)[0] for _ in range(7)]
    assert answers == [400] * 5 + [429] * 2


def test_a_session_lasts_a_day_from_the_sign_in_however_much_it_is_used(owner: Visitor) -> None:
    [session] = Session.objects.all()
    ends_at = session.expire_date
    assert DAY - timedelta(minutes=5) < ends_at - clock.now() <= DAY
    owner.ask("POST", "tokens/refresh", {"refresh_token": owner.refresh})
    owner.reauthenticate()
    assert {row.expire_date for row in Session.objects.all()} == {ends_at}


def test_no_sign_in_is_kept_longer_than_the_token_that_renews_it() -> None:
    assert (
        settings.SESSION_COOKIE_AGE == settings.HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN == DAY.total_seconds()
    )


def test_a_password_change_ends_every_other_session(owner: Visitor) -> None:
    thief = Visitor()
    assert thief.sign_in(OWNER) == 200
    body = {"current_password": PASSWORD, "new_password": "owners-new-password-3"}
    assert owner.ask("POST", "account/password/change", body)[0] == 200
    assert not thief.opens_the_api()
    assert thief.ask("GET", "auth/session")[0] != 200
    assert owner.ask("GET", "auth/session")[0] == 200
