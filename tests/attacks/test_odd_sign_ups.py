"""Sign-ups that come at the same moment, or with an address that is none: a clear answer each, and never a 500."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db import connections
from pytest_django import Settings

from estuary.accounts.models import User
from estuary.common import clock
from tests.attacks.visitor import Visitor
from tests.factories import PASSWORD, make_user
from tests.sandbox_bridge import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "newcomer@example.com"
ODD = [
    "a" * 65 + "@example.com",
    "a" * 250 + "@example.com",
    "a@" + "b" * 250 + ".com",
    "a@" + ".".join(["b" * 60] * 4) + ".com",
    "a" * 60 + "@" + ".".join(["b" * 60] * 4) + ".com",
    "a@" + ".".join(["b" * 60] * 3) + "." + "c" * 50 + ".com",
    "ma\u017fa@example.com",
    "\u212aim@example.com",
    "\u0130stanbul@example.com",
    "maya@ex\u00e4mple.com",
    "maya@\u0130.com",
    "maya@xn--a.com",
    "maya@[127.0.0.1]",
    "maya@[IPv6:::1]",
    "maya@localhost",
    "erased-1@erased.invalid",
    "maya@Example.INVALID",
    '"a b"@example.com',
    '"a\\"b"@example.com',
    "maya@example.com\nBcc: x@example.com",
    "maya@-example-.com",
    "a..b@example.com",
    ".@example.com",
    "MAYA@EXAMPLE.COM",
    "  maya2@example.com ",
    "maya@example.com.",
    "@",
    "",
    None,
    7,
    ["a@example.com"],
    {"a": 1},
    True,
]


@pytest.mark.parametrize("path", ["auth/signup", "auth/login", "auth/password/request"])
def test_an_odd_address_is_no_bug_and_every_mail_can_be_sent(path: str) -> None:
    for email in ODD:
        status, _ = Visitor().ask("POST", path, {"email": email, "password": "a-long-and-odd-one-7"})
        assert status < 500, email
    run_jobs()
    for message in mail.outbox:
        assert message.message().as_bytes()
    for user in User.objects.all():
        assert user.email.isascii()
        assert user.emailaddress_set.count() == 1


def test_nobody_has_an_address_that_becomes_of_the_erased() -> None:
    for email in ("erased-1@erased.invalid", "Erased-2@ERASED.Invalid"):
        assert (
            Visitor().ask("POST", "auth/signup", {"email": email, "password": "a-long-and-odd-one-7"})[0]
            == 400
        )
    assert not User.objects.exists()


def test_a_stranger_has_an_owner_mailed_a_dozen_times_a_day(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.SIGN_IN_LIMITS
    User.objects.create_user(ADDRESS, PASSWORD)
    at = clock.now()
    for minute in range(0, 24 * 60, 20):
        with time_machine.travel(at + timedelta(minutes=minute)):
            Visitor().ask("POST", "auth/password/request", {"email": ADDRESS})
    run_jobs()
    assert 6 < len(mail.outbox) <= 12


def test_an_odd_address_to_change_to_is_no_bug() -> None:
    visitor = Visitor()
    assert visitor.sign_up(ADDRESS) == 200
    visitor.reauthenticate()
    for email in ODD:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            body = {"email": email, "primary": True}
            assert visitor.ask(method, "account/email", body)[0] < 500, (method, email)
    run_jobs()


ODD_KEYS = [
    "",
    "-",
    "-x",
    "x",
    "zzzzzzzzzzzzz-x",
    "9" * 5000,
    "1-1",
    "-" * 300,
    "\u0661-x",
    "0-c-c",
    7,
    None,
    [1],
]
BY_HEADER = {
    "X-Password-Reset-Key": "auth/password/reset",
    "X-Email-Verification-Key": "auth/email/verify",
}


def test_an_odd_key_is_no_bug() -> None:
    make_user("Maya")
    visitor = Visitor()
    for key in ODD_KEYS:
        for header, path in BY_HEADER.items():
            assert visitor.ask("POST", path, {"key": key, "password": "a-long-and-odd-one-7"})[0] == 400, key
            if isinstance(key, str) and key.isascii():
                assert visitor.ask("GET", path, **{header: key})[0] < 500, key


def test_parallel_sign_ups_of_one_address_make_one_account_and_no_500() -> None:
    def sign_up(number: int) -> int:
        try:
            return Visitor(f"198.51.100.{number}").sign_up(ADDRESS if number % 2 else ADDRESS.upper())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        answers = sorted(threads.map(sign_up, range(16)))
    assert answers == [200] + [400] * 15
    assert User.objects.count() == 1
