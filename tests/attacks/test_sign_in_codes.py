"""A stranger at the door of mailed codes: learns of no account, guesses no code, and keeps no owner out."""

from datetime import timedelta
from unittest.mock import ANY

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from estuary.accounts.models import User
from estuary.common import clock
from tests.attacks.visitor import Visitor, codes_mailed_to, keys_mailed_to, subjects_mailed_to
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)

OWNER, NEW = "owner@example.com", "newcomer@example.com"
NOBODY_HOME = {"id": "login_by_code", "is_pending": True}


@pytest.fixture(autouse=True)
def production_limits(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.SIGN_IN_LIMITS


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


def errors_of(visitor: Visitor, code: str) -> list[str]:
    _, answer = visitor.ask("POST", "auth/code/confirm", {"code": code})
    return [error["code"] for error in answer.get("errors", [])]


def test_no_answer_tells_whether_there_is_an_account() -> None:
    User.objects.create_user(OWNER, PASSWORD)
    User.objects.create_user("closed@example.com", PASSWORD, is_active=False)
    answers = []
    for email in (OWNER, NEW, "closed@example.com"):
        visitor = Visitor()
        code_answer = visitor.ask("POST", "auth/code/request", {"email": email, "name": "Maya"})
        tried = visitor.ask("POST", "auth/code/confirm", {"code": "00000000"})
        for _, body in (code_answer, tried):
            body["meta"] = ANY if body.get("meta") else None
            body.pop("request_id", None)
        answers.append((code_answer, tried))
    assert answers[0] == answers[1] == answers[2]
    assert NOBODY_HOME in answers[0][0][1]["data"]["flows"]


def test_what_is_stored_while_a_code_waits_names_no_account_and_holds_no_code() -> None:
    User.objects.create_user(OWNER, PASSWORD)
    visitor = Visitor()
    visitor.request_code(OWNER)
    [job] = ProcrastinateJob.objects.values_list("args", flat=True)
    assert (job["template"], job["email"], job["user_id"]) == ("sign_in_code", OWNER, None)
    [code] = codes_mailed_to(OWNER)
    stored = [str(job), *(str(session.get_decoded()) for session in Session.objects.all())]
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key || value FROM cache")
        stored += [row[0] for row in cursor.fetchall()]
    assert [text for text in stored if code in text.replace(" ", "")] == []
    assert visitor.enter(code) == 200


def test_three_wrong_tries_end_a_code() -> None:
    User.objects.create_user(OWNER, PASSWORD)
    visitor = Visitor()
    visitor.request_code(OWNER)
    [code] = codes_mailed_to(OWNER)
    assert [errors_of(visitor, wrong(code)) for _ in range(3)] == [
        ["incorrect_code"], ["incorrect_code"], ["code_used_up"],
    ]  # fmt: skip
    status, answer = visitor.ask("POST", "auth/code/confirm", {"code": code})
    assert (status, answer["code"]) == (409, "conflict")
    assert "another one" in answer["detail"]


def test_a_code_of_another_browser_opens_nothing() -> None:
    User.objects.create_user(OWNER, PASSWORD)
    owner, attacker = Visitor(), Visitor("203.0.113.9")
    owner.request_code(OWNER)
    attacker.request_code(OWNER)
    first, second = codes_mailed_to(OWNER)
    assert errors_of(attacker, first) == ["incorrect_code"]
    assert owner.enter(first) == 200
    assert Visitor().ask("POST", "auth/code/confirm", {"code": second})[0] == 409


def test_a_code_ends_with_its_time_and_with_another_password_or_address() -> None:
    user = User.objects.create_user(OWNER, PASSWORD)
    for change in ("time", "password", "address", "closing"):
        visitor = Visitor()
        visitor.request_code(user.email)
        code = codes_mailed_to(user.email)[-1]
        at = clock.now() + timedelta(minutes=16 if change == "time" else 1)
        if change == "password":
            user.set_password("another-odd-one-77")
        if change == "address":
            user.email = NEW
        user.is_active = change != "closing"
        user.save()
        with time_machine.travel(at):
            assert visitor.enter(code) in {400, 409}, change
    assert User.objects.count() == 1


def test_codes_are_guessed_no_more_often_than_passwords() -> None:
    User.objects.create_user(OWNER, PASSWORD)
    guesser, errors = Visitor(), []
    for _ in range(3):
        assert guesser.request_code(OWNER) == 401
        code = codes_mailed_to(OWNER)[-1]
        errors += [errors_of(guesser, wrong(code)) for _ in range(3)]
    assert errors[5:] == [["too_many_login_attempts"]] * 4
    assert errors_of(guesser, code) == ["too_many_login_attempts"]
    assert guesser.sign_in(OWNER, PASSWORD) == 400


def test_who_spends_the_codes_of_a_day_keeps_no_owner_out() -> None:
    User.objects.create_user(OWNER, PASSWORD)
    owner = Visitor("203.0.113.9")
    assert owner.sign_in(OWNER, PASSWORD) == 200
    owner.session = ""
    for number in range(40):
        Visitor(f"198.51.100.{number}").request_code(OWNER)
    status, answer = Visitor("192.0.2.77").ask("POST", "auth/code/request", {"email": OWNER})
    assert (status, [e["code"] for e in answer["errors"]]) == (400, ["too_many_codes"])
    assert len(codes_mailed_to(OWNER)) == 12
    assert owner.request_code(OWNER) == 401
    assert owner.enter(codes_mailed_to(OWNER)[-1]) == 200
    assert Visitor("192.0.2.78").sign_in(OWNER, PASSWORD) == 200


def test_who_opened_an_account_with_somebody_elses_address_is_out_once_its_owner_comes_by_code() -> None:
    attacker = Visitor()
    assert attacker.sign_up(OWNER) == 200
    owner = Visitor("203.0.113.9")
    owner.request_code(OWNER)
    assert owner.enter(codes_mailed_to(OWNER)[-1]) == 200
    assert owner.opens_the_api()
    assert not attacker.opens_the_api()
    assert attacker.ask("POST", "tokens/refresh", {"refresh_token": attacker.refresh})[0] != 200
    assert Visitor().sign_in(OWNER) != 200
    assert any("password was removed" in subject for subject in subjects_mailed_to(OWNER))
    assert EmailAddress.objects.get().verified


def test_who_comes_by_code_in_the_browser_of_the_password_keeps_the_password() -> None:
    owner = Visitor()
    assert owner.sign_up(OWNER) == 200
    owner.session = ""
    owner.request_code(OWNER)
    assert owner.enter(codes_mailed_to(OWNER)[-1]) == 200
    assert Visitor().sign_in(OWNER) == 200
    assert User.objects.get().email_verified_at


def test_a_stolen_session_of_somebody_without_a_password_changes_nothing() -> None:
    owner = Visitor()
    owner.request_code(NEW)
    assert owner.enter(codes_mailed_to(NEW)[-1]) == 200
    for path, body in (
        ("account/email", {"email": "thief@example.com"}),
        ("account/password/change", {"new_password": "thief-odd-one-77"}),
    ):
        assert owner.ask("POST", path, body)[0] == 401, path
    assert not User.objects.get().has_usable_password()
    assert keys_mailed_to("thief@example.com") == []
    assert owner.ask("POST", "auth/code/reauthenticate/request")[0] == 200
    code = codes_mailed_to(NEW)[-1]
    assert owner.ask("POST", "auth/code/reauthenticate", {"code": wrong(code)})[0] == 400
    assert owner.ask("POST", "auth/code/reauthenticate", {"code": code})[0] == 200
    assert owner.ask("POST", "account/password/change", {"new_password": "owners-odd-one-77"})[0] == 200
    assert owner.opens_the_api()
    assert Visitor().sign_in(NEW, "owners-odd-one-77") == 200
    assert owner.ask("POST", "account/email", {"email": "new@example.com"})[0] == 200
    assert len(keys_mailed_to("new@example.com")) == 1


def test_an_address_that_staff_wrote_with_capitals_is_the_same_address() -> None:
    User.objects.bulk_create([User(email="Owner@Example.com", first_name="Ole")])
    visitor = Visitor()
    visitor.request_code("OWNER@example.com", name="Nobody")
    assert visitor.enter(codes_mailed_to(OWNER)[-1]) == 200
    assert User.objects.get().get_full_name() == "Ole"


def test_a_code_to_enter_is_none_to_prove_it_again() -> None:
    user = make_user()
    signed_in, other = Visitor(), Visitor()
    assert signed_in.sign_in(user.email, PASSWORD) == 200
    signed_in.ask("POST", "auth/code/reauthenticate/request")
    other.request_code(user.email)
    _, to_enter = codes_mailed_to(user.email)
    assert signed_in.ask("POST", "auth/code/reauthenticate", {"code": to_enter})[0] == 400


def test_a_mail_with_a_code_has_it_in_the_text_alone() -> None:
    Visitor().request_code(NEW)
    [code] = codes_mailed_to(NEW)
    [message] = mail.outbox
    assert code[:4] not in str(message.subject)
    assert "opens an account" in str(message.body)
