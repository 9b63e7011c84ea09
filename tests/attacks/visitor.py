"""Somebody at the doors of accounts: signs up, signs in, and reads the mails that reach an address."""

import json
import re
from typing import Any
from urllib.parse import unquote

from django.core import mail
from django.test import Client

from tests.sandbox_bridge import run_jobs

PASSWORD = "a-long-and-odd-one-7"
ACCOUNTS = "/_allauth/app/v1/"


class Visitor:
    """One browser: it keeps the tokens that it was given, and sends them with each request."""

    def __init__(self, came_from: str = "198.51.100.7", **environ: Any) -> None:
        self.session, self.access, self.refresh = "", "", ""
        self.browser = Client(raise_request_exception=False, REMOTE_ADDR=came_from, **environ)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """Send a request to an address of accounts; returns the status and the answer."""
        if self.session:
            headers.setdefault("X-Session-Token", self.session)
        answer = self.browser.generic(
            method,
            ACCOUNTS + path,
            b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers=headers,
        )
        content = answer.json() if answer.content else {}
        self._keep(content.get("meta") or {})
        return answer.status_code, content

    def _keep(self, meta: dict[str, Any]) -> None:
        self.session = meta.get("session_token", self.session)
        self.access = meta.get("access_token", self.access)
        self.refresh = meta.get("refresh_token", self.refresh)

    def sign_up(self, email: str, password: str = PASSWORD) -> int:
        return self.ask("POST", "auth/signup", {"email": email, "password": password})[0]

    def sign_in(self, email: str, password: str = PASSWORD) -> int:
        return self.ask("POST", "auth/login", {"email": email, "password": password})[0]

    def request_code(self, email: str, **body: str) -> int:
        return self.ask("POST", "auth/code/request", {"email": email, **body})[0]

    def enter(self, code: str) -> int:
        """Type a mailed code; returns the status."""
        return self.ask("POST", "auth/code/confirm", {"code": code})[0]

    def reauthenticate(self, password: str = PASSWORD) -> int:
        return self.ask("POST", "auth/reauthenticate", {"password": password})[0]

    def change_address(self, email: str) -> int:
        return self.ask("POST", "account/email", {"email": email})[0]

    def confirm(self, key: str) -> int:
        return self.ask("POST", "auth/email/verify", {"key": key})[0]

    def request_reset(self, email: str) -> int:
        return self.ask("POST", "auth/password/request", {"email": email})[0]

    def reset(self, key: str, password: str) -> int:
        return self.ask("POST", "auth/password/reset", {"key": key, "password": password})[0]

    def call(self, method: str, path: str) -> int:
        """Send a request to the API of payments with the access token; returns the status."""
        headers = {"Authorization": f"Bearer {self.access}"}
        return self.browser.generic(method, path, headers=headers).status_code

    def opens_the_api(self) -> bool:
        """Tell whether the access token opens the API of payments."""
        status = self.call("GET", "/api/v1/orders/")
        assert status in {200, 401}
        return status == 200


def keys_mailed_to(email: str) -> list[str]:
    """Return the keys of all links that were mailed to an address, oldest first."""
    run_jobs()
    bodies = [str(message.body) for message in mail.outbox if message.to == [email]]
    return [unquote(key) for body in bodies for key in re.findall(r"\?key=(\S+)", body)]


def codes_mailed_to(email: str) -> list[str]:
    """Return the codes that were mailed to an address, oldest first."""
    run_jobs()
    bodies = [str(message.body) for message in mail.outbox if message.to == [email]]
    return [
        "".join(code) for body in bodies for code in re.findall(r"^ +(\d{4}) (\d{4})$", body, re.MULTILINE)
    ]


def subjects_mailed_to(email: str) -> list[str]:
    run_jobs()
    return [str(message.subject) for message in mail.outbox if message.to == [email]]
