"""Whoever knows a password of staff, and no more, opens no page of theirs, and is not of staff for the API."""

import re
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from estuary.accounts.models import AuditLogEntry, User
from estuary.accounts.staff.second_factor import enrol
from estuary.common import clock
from tests.attacks.visitor import Visitor, keys_mailed_to
from tests.factories import PASSWORD, REFUNDING, make_staff, make_user
from tests.sandbox_bridge import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN, ENROL, CODE = "/admin/login/", "/admin/second-factor/enrol/", "/admin/second-factor/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
APPS_TIME = time.time()  # stands still, or a period of 30 s could end between a code and its use
PAGES = (
    "/admin/",
    "/admin/orders/order/",
    "/admin/accounts/user/",
    "/admin/password_change/",
    "/admin/jsi18n/",
)


@pytest.fixture(autouse=True)
def required(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STAFF_SECOND_FACTOR = True
    settings.ACCOUNT_RATE_LIMITS = settings.SIGN_IN_LIMITS
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.time", SimpleNamespace(time=lambda: APPS_TIME))


@pytest.fixture
def sam() -> User:
    return make_staff("Sam Okafor", is_superuser=True)


def code_of(secret: str, *, periods_ago: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(APPS_TIME) // 30 - periods_ago))


def enrolled(user: User) -> list[str]:
    """Enrol an app, whose code of now stays unused; returns the recovery codes."""
    cache.clear()  # which knows the codes that were used
    enrolment = enrol(user, SECRET, code_of(SECRET))
    assert enrolment is not None
    cache.clear()
    return enrolment.codes


def after_password(user: User, address: str = "198.51.100.7", password: str = PASSWORD) -> Client:
    browser = Client(REMOTE_ADDR=address)
    answer = browser.post(
        f"{LOGIN}?next=/admin/orders/order/", {"username": user.email, "password": password}
    )
    assert answer.status_code == 302
    return browser


def opens(browser: Client) -> list[str]:
    return [page for page in PAGES if browser.get(page).status_code == 200]


def enter(browser: Client, code: str) -> Any:
    return browser.post(CODE, {"code": code, "next": "/admin/orders/order/"})


def test_a_password_alone_opens_no_page_and_the_code_opens_all(sam: User) -> None:
    enrolled(sam)
    browser = after_password(sam)
    assert opens(browser) == []
    assert browser.get(LOGIN, follow=True).request["PATH_INFO"] == CODE
    assert enter(browser, "000000").status_code == 200
    assert opens(browser) == []
    answer = enter(browser, code_of(SECRET))
    assert (answer.status_code, answer["Location"]) == (302, "/admin/orders/order/")
    assert opens(browser) == list(PAGES)


def test_the_first_sign_in_enrols_shows_recovery_codes_once_and_is_written_down(sam: User) -> None:
    browser = after_password(sam)
    assert opens(browser) == []
    shown = browser.get(LOGIN, follow=True)
    assert shown.request["PATH_INFO"] == ENROL
    secret = re.search(r">([A-Z2-7]{32})<", shown.content.decode())[1]  # type: ignore[index]
    assert browser.post(ENROL, {"code": "000000"}).status_code == 200
    assert opens(browser) == []
    page = browser.post(ENROL, {"code": code_of(secret), "next": "/admin/"}).content.decode()
    codes = re.findall(r">(\d{8})<", page)
    assert len(set(codes)) == 10
    assert secret not in page
    assert opens(browser) == list(PAGES)
    assert codes[0] not in browser.get(ENROL, follow=True).content.decode()
    assert AuditLogEntry.objects.get(user=sam).get_change_message() == "Enrolled a second factor"
    run_jobs()
    assert mail.outbox[-1].to == [sam.email]


def test_each_code_is_good_once(sam: User) -> None:
    codes = enrolled(sam)
    for code in (code_of(SECRET), codes[3]):
        assert enter(after_password(sam), code).status_code == 302
        assert enter(after_password(sam), code).status_code == 200
    assert enter(after_password(sam), code_of(SECRET, periods_ago=3)).status_code == 200


def test_codes_are_guessed_as_seldom_as_passwords(sam: User) -> None:
    codes = enrolled(sam)
    thief = after_password(sam)
    for number in range(10):
        answer = enter(thief, f"{number:06}")
    assert "Too many tries" in answer.content.decode()
    assert enter(thief, codes[0]).status_code == 200
    assert enter(after_password(sam, "203.0.113.9"), codes[0]).status_code == 302


def test_whoever_knows_the_password_does_not_enrol_another_app(sam: User) -> None:
    enrolled(sam)
    thief = after_password(sam)
    for answer in (thief.get(ENROL), thief.post(ENROL, {"code": code_of(SECRET)})):
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, CODE)
    assert Authenticator.objects.filter(user=sam, type="totp").count() == 1


def test_the_api_asks_for_the_code_too(sam: User) -> None:
    enrolled(sam)
    thief = Visitor()
    assert thief.sign_in(sam.email, PASSWORD) == 401
    assert not thief.access
    assert thief.ask("POST", "auth/2fa/authenticate", {"code": code_of(SECRET)})[0] == 200
    assert thief.opens_the_api()
    for method in ("DELETE", "POST", "GET"):
        assert thief.ask(method, "account/authenticators/totp", {"code": code_of(SECRET)})[0] == 404
    assert Authenticator.objects.filter(user=sam, type="totp").exists()


def is_staff_for_the_api(visitor: Visitor) -> bool:
    """Tell whether a visitor may look for an order of somebody else, which does not exist."""
    status = visitor.call("GET", "/api/v1/orders/ord_nobodys/refunds/")
    assert status in {403, 404}
    return status == 404


@pytest.fixture
def ines() -> User:
    return make_staff("Ines Duarte", *REFUNDING)


def signed_in_with_code(user: User, code: str) -> Visitor:
    visitor = Visitor("203.0.113.9")
    assert visitor.sign_in(user.email, PASSWORD) == 401
    assert visitor.ask("POST", "auth/2fa/authenticate", {"code": code})[0] == 200
    return visitor


def test_who_has_not_enrolled_does_nothing_as_staff(ines: User) -> None:
    visitor = Visitor()
    assert visitor.sign_in(ines.email, PASSWORD) == 200
    assert not is_staff_for_the_api(visitor)


def test_a_session_of_the_api_from_before_the_factor_is_never_of_staff(ines: User) -> None:
    thief = Visitor()
    assert thief.sign_in(ines.email, PASSWORD) == 200
    codes = enrolled(ines)
    assert not is_staff_for_the_api(thief)
    thief.ask("POST", "tokens/refresh", {"refresh_token": thief.refresh})
    assert thief.reauthenticate(PASSWORD) == 200
    assert not is_staff_for_the_api(thief)
    assert is_staff_for_the_api(signed_in_with_code(ines, codes[0]))
    assert is_staff_for_the_api(signed_in_with_code(ines, code_of(SECRET)))
    assert not is_staff_for_the_api(thief)


def test_a_session_of_the_api_becomes_staffs_once_it_is_given_the_code(ines: User) -> None:
    owner = Visitor()
    owner.sign_in(ines.email, PASSWORD)
    enrolled(ines)
    assert owner.ask("POST", "auth/2fa/reauthenticate", {"code": "000000"})[0] == 400
    assert not is_staff_for_the_api(owner)
    assert owner.ask("POST", "auth/2fa/reauthenticate", {"code": code_of(SECRET)})[0] == 200
    assert is_staff_for_the_api(owner)


@pytest.mark.parametrize("by", ["app", "recovery code"])
def test_a_session_of_a_factor_that_was_dropped_is_not_of_staff_with_the_next(ines: User, by: str) -> None:
    codes = enrolled(ines)
    thief = signed_in_with_code(ines, code_of(SECRET) if by == "app" else codes[0])
    assert is_staff_for_the_api(thief)
    call_command("drop_second_factor", ines.email)
    assert not is_staff_for_the_api(thief)
    enrolled(ines)
    assert not is_staff_for_the_api(thief)


def test_a_lost_factor_is_dropped_by_command_and_ends_its_sessions(sam: User) -> None:
    enrolled(sam)
    browser = after_password(sam)
    enter(browser, code_of(SECRET))
    assert opens(browser)
    call_command("drop_second_factor", sam.email)
    assert opens(browser) == []
    assert "dropped by manage.py" in AuditLogEntry.objects.order_by("-id")[0].get_change_message()
    assert browser.get(LOGIN, follow=True).request["PATH_INFO"] == ENROL
    for email in (sam.email, "nobody@estuary.example"):
        with pytest.raises(CommandError):
            call_command("drop_second_factor", email)


def test_nobody_else_reaches_the_pages_of_the_factor(sam: User) -> None:
    for page in (ENROL, CODE):
        assert Client().get(page)["Location"].partition("?")[0] == LOGIN


def test_no_secret_is_shown_in_the_admin(sam: User) -> None:
    enrolled(sam)
    browser = after_password(sam)
    enter(browser, code_of(SECRET))
    assert browser.get("/admin/mfa/authenticator/").status_code == 404


@pytest.mark.parametrize("rights", [{"is_staff": True}, {"is_staff": True, "is_superuser": True}])
def test_whoever_reads_the_mailbox_of_staff_resets_the_password_and_not_the_factor(
    rights: dict[str, bool],
) -> None:
    """Made by createsuperuser or in the admin, whose address nobody has verified."""
    sam = make_user("Sam Okafor", **rights)
    sam.user_permissions.add(*Permission.objects.filter(codename__in=["view_order", "add_refund"]))
    codes = enrolled(sam)
    thief, password = Visitor(), "the-thiefs-own-one-4"
    thief.request_reset(sam.email)
    thief.reset(keys_mailed_to(sam.email)[-1], password)
    assert (thief.sign_in(sam.email, password), thief.access) == (401, "")
    browser = after_password(sam, password=password)
    assert opens(browser) == []
    assert browser.get(LOGIN, follow=True).request["PATH_INFO"] == CODE
    assert enter(browser, codes[0]).status_code == 302
    assert opens(browser)


@pytest.mark.parametrize("path", ["auth/2fa/authenticate", "auth/2fa/reauthenticate"])
def test_codes_at_the_api_are_few_in_an_hour_from_however_many_addresses(sam: User, path: str) -> None:
    """Who knows the password guesses one of a million codes: five in five minutes would be 1,440 a day."""
    signed_in = Visitor("203.0.113.9")
    assert signed_in.sign_in(sam.email, PASSWORD) == 200
    codes = enrolled(sam)
    start, refusals = clock.now(), list[str]()
    for number in range(12):
        with time_machine.travel(start + timedelta(minutes=4) * number, tick=True):
            thief = Visitor(f"198.51.100.{number}")
            if path.endswith("/authenticate"):
                assert thief.sign_in(sam.email, PASSWORD) == 401
            else:
                thief.session = signed_in.session
            _, answer = thief.ask("POST", path, {"code": "000000"})
            refusals += [error["code"] for error in answer["errors"]]
    assert refusals == ["incorrect_code"] * 10 + ["too_many_login_attempts"] * 2
    with time_machine.travel(start + timedelta(minutes=49), tick=True):
        assert enter(after_password(sam, "192.0.2.9"), codes[0]).status_code == 200  # the admin counts along
    with time_machine.travel(start + timedelta(hours=2), tick=True):
        assert enter(after_password(sam, "192.0.2.9"), codes[0]).status_code == 302


def test_the_right_code_uses_up_no_tries(sam: User) -> None:
    codes = enrolled(sam)
    for code in codes:
        thief = Visitor("203.0.113.9")
        assert thief.sign_in(sam.email, PASSWORD) == 401
        assert thief.ask("POST", "auth/2fa/authenticate", {"code": code})[0] == 200
    signed_in_with_code(sam, code_of(SECRET))
