"""Strangers guess at one account from two, ten and a hundred addresses: they are stopped, and the owner gets in."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from estuary.accounts.models import User
from estuary.accounts.sign_in import limits
from estuary.common import clock
from tests.attacks.test_staff_sign_in import DOORS, NEW_PASSWORD, Door, hashes
from tests.attacks.visitor import Visitor, keys_mailed_to
from tests.factories import PASSWORD, make_staff

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["hashes"]

OWNER, ELSEWHERE = "198.51.100.2", "198.51.100.99"
ADMIN = "/admin/login/?next=/admin/"


@pytest.fixture(autouse=True)
def limits_of_production(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.SIGN_IN_LIMITS


@pytest.fixture
def few_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of 100 and 1,000 in an hour at one account, which the tests of strangers reach."""
    few = {"at_account": "10/h/key", "once_at_account": "20/h/key"}
    monkeypatch.setattr(limits, "LIMITS", limits.LIMITS | few)


@pytest.fixture
def owner() -> User:
    return make_staff("Sam Okafor", is_superuser=True)


def strangers(how_many: int) -> list[str]:
    return [f"203.0.113.{number}" for number in range(how_many)]


def guess(door: Door, email: str, addresses: list[str], *, times: int) -> None:
    for address in addresses:
        for _ in range(times):
            door(email, "wrong", address)


def sign_in_at(door: str, browser: Visitor, email: str, password: str = PASSWORD) -> bool:
    browser.session = ""
    if door == "api":
        return browser.sign_in(email, password) == 200
    return browser.browser.post(ADMIN, {"username": email, "password": password}).status_code == 302


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize(
    ("door", "how_many", "times", "rounds"),
    [(DOORS[0], 2, 6, 12), (DOORS[1], 10, 6, 3), (DOORS[0], 100, 2, 1)],
)
def test_strangers_hold_no_account_shut(
    owner: User, door: Door, how_many: int, times: int, rounds: int, hashes: list[str]
) -> None:
    """``rounds`` of five minutes each, in which every stranger guesses as often as it is let."""
    hashes.clear()
    start = clock.now()
    for number in range(rounds):
        with time_machine.travel(start + timedelta(minutes=5, seconds=1) * number, tick=True):
            guess(door, owner.email, strangers(how_many), times=times)
    guessed = len(hashes)
    with time_machine.travel(start + timedelta(minutes=5, seconds=1) * (rounds - 1), tick=True):
        assert door(owner.email, PASSWORD, OWNER) == 200
        guess(door, owner.email, strangers(how_many)[:20], times=2)
    assert guessed <= 200
    assert len(hashes) - guessed <= 20 + 1


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("door", DOORS)
def test_each_stranger_guesses_few_passwords_of_one_account_in_an_hour_and_in_a_day(
    owner: User, door: Door, hashes: list[str]
) -> None:
    hashes.clear()
    start = clock.now()
    for number in range(6):
        with time_machine.travel(start + timedelta(minutes=5, seconds=1) * number, tick=True):
            guess(door, owner.email, strangers(1), times=6)
    assert len(hashes) == 10
    for number in range(1, 5):
        with time_machine.travel(start + timedelta(hours=2) * number, tick=True):
            guess(door, owner.email, strangers(1), times=6)
    assert len(hashes) == 20


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("door", ["api", "admin"])
def test_the_owners_browser_is_let_in_whoever_guesses_from_its_own_address(
    owner: User, door: str, few_guesses: None
) -> None:
    browser = Visitor(OWNER)
    assert sign_in_at(door, browser, owner.email)
    guess(DOORS[0], owner.email, [OWNER, *strangers(10)], times=2)
    guess(DOORS[1], owner.email, [OWNER], times=6)
    assert not sign_in_at(door, Visitor(OWNER), owner.email)
    for another in ("api", "admin"):
        assert sign_in_at(another, browser, owner.email)


def test_a_reset_lets_the_owner_in_while_others_guess(owner: User, few_guesses: None) -> None:
    browser, door = Visitor(OWNER), DOORS[0]
    guess(door, owner.email, [OWNER, *strangers(10)], times=2)
    browser.request_reset(owner.email)
    browser.reset(keys_mailed_to(owner.email)[-1], NEW_PASSWORD)
    guess(door, owner.email, [OWNER, *strangers(10)], times=2)
    guess(door, owner.email, [OWNER], times=6)
    assert sign_in_at("admin", browser, owner.email, NEW_PASSWORD)
    assert sign_in_at("api", browser, owner.email, NEW_PASSWORD)


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("door", ["api", "admin"])
def test_a_browser_that_is_known_guesses_few_passwords(owner: User, door: str, hashes: list[str]) -> None:
    browser = Visitor(OWNER)
    assert sign_in_at(door, browser, owner.email)
    hashes.clear()
    for _ in range(8):
        assert not sign_in_at(door, browser, owner.email, "wrong")
    assert len(hashes) == 5
    start = clock.now()
    for number in range(1, 12):
        with time_machine.travel(start + timedelta(minutes=5, seconds=1) * number, tick=True):
            for _ in range(6):
                sign_in_at(door, browser, owner.email, "wrong")
    assert len(hashes) == 20


def test_a_browser_is_known_to_the_account_alone_whose_password_it_sent(
    owner: User, hashes: list[str]
) -> None:
    thief = Visitor(ELSEWHERE)
    own = make_staff("Thief")
    assert thief.sign_in(own.email, PASSWORD) == 200
    cookies = thief.browser.cookies
    [name] = [name for name in cookies if name.startswith("estuary_device_")]
    cookie = cookies[name].value
    assert Visitor(OWNER).sign_in(owner.email, PASSWORD) == 200
    victims = Visitor(OWNER)
    victims.sign_in(owner.email, PASSWORD)
    [name] = [name for name in victims.browser.cookies if name.startswith("estuary_device_")]
    thief.browser.cookies[name] = cookie
    hashes.clear()
    for _ in range(8):
        thief.sign_in(owner.email, "wrong")
    sign_in_at("api", Visitor(ELSEWHERE), owner.email, "wrong")
    assert len(hashes) == 5


def test_a_browser_is_known_until_the_password_is_another(owner: User, hashes: list[str]) -> None:
    thief, browser = Visitor(ELSEWHERE), Visitor(OWNER)
    assert thief.sign_in(owner.email, PASSWORD) == 200
    browser.request_reset(owner.email)
    browser.reset(keys_mailed_to(owner.email)[-1], NEW_PASSWORD)
    guess(DOORS[0], owner.email, [ELSEWHERE], times=6)
    hashes.clear()
    thief.sign_in(owner.email, "wrong")
    assert hashes == []


def test_the_cookie_opens_nothing_and_is_for_the_server_alone(owner: User) -> None:
    browser = Visitor(OWNER)
    browser.sign_in(owner.email, PASSWORD)
    [cookie] = [cookie for name, cookie in browser.browser.cookies.items() if name != "estuary_wrote"]
    attributes: dict[str, Any] = dict(cookie)
    assert (attributes["httponly"], attributes["samesite"]) == (True, "Strict")
    assert owner.email not in cookie.value
    assert browser.browser.get("/api/v1/orders/").status_code == 401
    assert browser.browser.get("/admin/").status_code == 302


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("door", DOORS)
def test_a_thousand_guesses_in_an_hour_leave_mail_and_the_owners_browser(
    owner: User, door: Door, hashes: list[str], few_guesses: None
) -> None:
    browser = Visitor(OWNER)
    assert browser.sign_in(owner.email, PASSWORD) == 200
    hashes.clear()
    guess(door, owner.email, strangers(40), times=1)
    assert len(hashes) == 30
    assert door(owner.email, PASSWORD, OWNER) != 200
    assert sign_in_at("api", browser, owner.email)
    elsewhere = Visitor(ELSEWHERE)
    elsewhere.request_reset(owner.email)
    elsewhere.reset(keys_mailed_to(owner.email)[-1], NEW_PASSWORD)
    guess(door, owner.email, strangers(40), times=1)
    assert sign_in_at("admin", elsewhere, owner.email, NEW_PASSWORD)
    assert sign_in_at("api", elsewhere, owner.email, NEW_PASSWORD)


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("door", DOORS)
def test_whoever_has_a_network_of_addresses_guesses_as_one(
    owner: User, door: Door, hashes: list[str]
) -> None:
    """A /48 of IPv6, which anybody gets for nothing, has 65,536 of the networks that count as one address."""
    hashes.clear()
    guess(door, owner.email, [f"2001:db8:7:{number:x}::1" for number in range(30)], times=1)
    assert len(hashes) == 20
    assert door(owner.email, PASSWORD, OWNER) == 200
