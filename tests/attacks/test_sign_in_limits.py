"""A guesser washes the limits of sign-in away: by many other counters, by another Host, by resets of one's own."""

import pytest
from django.core.cache import cache
from django.db import connection
from pytest_django import Settings

from tests.attacks.visitor import Visitor, keys_mailed_to
from tests.factories import PASSWORD as RIGHT
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)

WRONG = "not-the-password"


@pytest.fixture(autouse=True)
def production_limits(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.SIGN_IN_LIMITS


def refused_for_good(visitor: Visitor, email: str) -> bool:
    """Tell whether a guess is refused by a limit, before any password is looked at."""
    status, body = visitor.ask("POST", "auth/login", {"email": email, "password": WRONG})
    return status == 429 or any(error["code"] == "too_many_login_attempts" for error in body["errors"])


def test_other_peoples_counters_wash_none_away() -> None:
    email = make_user("Maya").email
    guesser = Visitor()
    while not refused_for_good(guesser, email):
        pass
    for number in range(700):  # allauth's own keys begin alike, and end in the hash of an address
        cache.set(f"allauth:rl:allauth.account:login_failed:5/300/key:{number:064x}", [1.0], 300)
    assert refused_for_good(guesser, email)
    assert Visitor("203.0.113.9").sign_in(make_user("Jonas").email, RIGHT) == 200


def test_another_host_is_no_new_beginning() -> None:
    email = make_user("Maya").email
    for number in range(40):
        guesser = Visitor("198.51.100.7", HTTP_HOST=f"localhost:{9000 + number}")
        if refused_for_good(guesser, email):
            break
    assert number <= 5
    assert Visitor("203.0.113.9").sign_in(make_user("Jonas").email, RIGHT) == 200


def test_a_reset_of_ones_own_password_gives_no_new_guesses_at_others() -> None:
    own = make_user("Guesser").email
    guesser = Visitor()
    others = (f"somebody-{number}@example.com" for number in range(100))
    while not refused_for_good(guesser, next(others)):
        pass
    guesser.request_reset(own)
    assert guesser.reset(keys_mailed_to(own)[-1], "another-odd-one-77") in {200, 401}
    assert refused_for_good(guesser, next(others))


def test_whole_networks_do_not_share_one_counter() -> None:
    """IPv4 within IPv6, as a socket for both says it: cut to /64, all would be one, and one guesser all of them."""
    guesser = Visitor("::ffff:198.51.100.7")
    others = (f"somebody-{number}@example.com" for number in range(100))
    while not refused_for_good(guesser, next(others)):
        pass
    assert Visitor("::ffff:203.0.113.9").sign_in(make_user("Jonas").email, RIGHT) == 200


def test_addresses_of_one_network_share_a_counter() -> None:
    for number in range(1, 40):
        if refused_for_good(Visitor(f"2001:db8::{number:x}"), f"somebody-{number}@example.com"):
            break
    assert number <= 11


def test_a_request_that_came_around_the_proxy_is_answered(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    visitor = Visitor("203.0.113.9", HTTP_X_FORWARDED_FOR="198.51.100.7")
    assert visitor.sign_in(make_user("Jonas").email, RIGHT) == 200


def test_what_is_over_goes_and_what_counts_stays() -> None:
    for number in range(50):
        cache.set(f"over-{number}", [1.0], -1)
        cache.set(f"live-{number}", [1.0], 300)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cache WHERE cache_key LIKE '%live%'")
        assert cursor.fetchone() == (50,)
    assert cache.get("over-7") is None
    assert cache.get("live-7") == [1.0]
