"""Errors of sign-up and sign-in are problem documents as everywhere else, and keep what allauth says."""

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.factories import PASSWORD, make_practitioner, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def ask(method: str, path: str, body: Any = None, session: str = "") -> tuple[int, dict[str, Any]]:
    """Send a request to an address of accounts; whatever is refused is a whole problem document."""
    headers = {"X-Session-Token": session} if session else {}
    content = b"" if body is None else json.dumps(body)
    answer = Client().generic(
        method, f"/_allauth/app/v1/{path}", content, content_type="application/json", headers=headers
    )
    document = answer.json()
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert document["status"] == answer.status_code
        assert document["type"] == f"/docs/errors/#{document['code']}"
        assert document["request_id"] == answer.headers["X-Request-ID"]
        assert document["title"] and len(document["detail"].split()) > 2
    return answer.status_code, document


def sign_in(email: str, password: str = PASSWORD) -> tuple[int, dict[str, Any]]:
    return ask("POST", "auth/login", {"email": email, "password": password})


def test_a_wrong_password_is_said_in_both_forms() -> None:
    status, document = sign_in(make_user().email, "not-the-password")
    assert (status, document["code"]) == (400, "invalid_request")
    [error] = document["errors"]
    assert (error["code"], document["detail"]) == ("email_password_mismatch", error["message"])


def test_what_is_missing_is_named() -> None:
    status, document = ask("POST", "auth/signup", {})
    assert (status, document["code"]) == (400, "invalid_request")
    assert {error["param"] for error in document["errors"]} == {"email", "password"}


def test_who_is_not_signed_in_gets_the_next_steps() -> None:
    status, document = ask("GET", "auth/session")
    assert (status, document["code"]) == (401, "not_authenticated")
    assert {"id": "login"} in document["data"]["flows"]
    assert document["meta"]["is_authenticated"] is False


def test_a_session_that_has_ended_says_so() -> None:
    status, document = ask("GET", "auth/session", session="a-session-that-never-was")
    assert (status, document["code"]) == (410, "session_ended")


def test_who_is_signed_in_already_is_a_conflict() -> None:
    email = make_user().email
    session = sign_in(email)[1]["meta"]["session_token"]
    status, document = ask("POST", "auth/login", {"email": email, "password": PASSWORD}, session)
    assert (status, document["code"]) == (409, "conflict")


def test_too_many_sign_ups_say_when_to_come_back(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"signup": "1/m/ip"}
    assert ask("POST", "auth/signup", {"email": "one@example.com", "password": PASSWORD})[0] == 200
    body = json.dumps({"email": "two@example.com", "password": PASSWORD})
    answer = Client().post("/_allauth/app/v1/auth/signup", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert answer.headers["Retry-After"] == "60"


@pytest.mark.parametrize("path", ["no-such-thing", "auth/no-such-thing"])
def test_an_unknown_address_of_sign_in_is_not_found(path: str) -> None:
    assert ask("GET", path)[1]["code"] == "not_found"


def test_a_sign_in_that_works_is_as_allauth_sends_it() -> None:
    status, document = sign_in(make_user().email)
    assert status == 200
    assert set(document) == {"status", "data", "meta"}


def test_a_sign_in_says_whether_somebody_is_a_practitioner() -> None:
    practitioner = make_practitioner().user
    for user, is_practitioner in ((practitioner, True), (make_user(), False)):
        status, document = sign_in(user.email)
        assert (status, document["data"]["user"]["practitioner"]) == (200, is_practitioner)
