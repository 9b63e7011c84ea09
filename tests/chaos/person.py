"""Somebody signed in, over HTTP: who gets no answer asks again with the same key, until one comes."""

import random
import time
from typing import Any

import httpx

from tests.chaos.counters import Counters
from tests.chaos.promises import Promises
from tests.factories import PASSWORD

type Json = dict[str, Any]

TIMEOUT_S = 20.0
PATIENCE_S = 120.0
UNDER_WAY_S = 5.0  # a request that died keeps its key for a minute: nobody looks at the same page for so long
PAUSE_MIN_S, PAUSE_MAX_S = 0.1, 2.0
NOT_NOW = frozenset({429, 503})


class GaveUp(Exception):
    """No answer came, however often it was asked for."""


class UnderWay(GaveUp):
    """A request with this key is still under way, or died so recently that nobody can know."""


class Person:
    """One user with a browser: ``url`` is where all web servers listen."""

    def __init__(
        self, email: str, url: str, *, promises: Promises, counters: Counters, chance: random.Random
    ) -> None:
        self.email, self.promises, self.counters, self.chance = email, promises, counters, chance
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False)
        self._token = self._refresh = ""

    def sign_in(self) -> None:
        answer = self._send(
            "POST", "/_allauth/app/v1/auth/login", {"email": self.email, "password": PASSWORD}, {}
        )
        meta = answer.json()["meta"]
        self._token, self._refresh = meta["access_token"], meta["refresh_token"]

    def ask(self, method: str, path: str, body: Json | None = None, *, key: str = "") -> httpx.Response:
        """Ask until there is an answer; raises GaveUp, or UnderWay when the key is not free again soon."""
        answer = self._send(method, path, body, self._headers(key))
        if answer.status_code == 401:  # a token lasts for five minutes
            renewed = self._send(
                "POST", "/_allauth/app/v1/tokens/refresh", {"refresh_token": self._refresh}, {}
            )
            self._token = renewed.json()["data"]["access_token"]
            answer = self._send(method, path, body, self._headers(key))
        return answer

    def _headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} | ({"Idempotency-Key": key} if key else {})

    def _send(self, method: str, path: str, body: Json | None, headers: dict[str, str]) -> httpx.Response:
        began, pause_s = time.monotonic(), PAUSE_MIN_S
        while (waited_s := time.monotonic() - began) < PATIENCE_S:
            answer = self._try(method, path, body, headers)
            if answer is not None and not _is_under_way(answer):
                return answer
            if answer is not None and waited_s > UNDER_WAY_S:
                self.counters.count("left under way", method)
                raise UnderWay(path)
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, PAUSE_MAX_S)
        self.counters.count("gave up", f"{method} {path}")
        raise GaveUp(path)

    def _try(
        self, method: str, path: str, body: Json | None, headers: dict[str, str]
    ) -> httpx.Response | None:
        """Return an answer that is one; None for a broken connection and for what says to ask again."""
        try:
            answer = self._http.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            self.counters.count("broken connections", type(error).__name__)
            return None
        self.counters.count("answers", str(answer.status_code))
        if answer.status_code >= 500 and answer.status_code not in NOT_NOW:
            self.counters.count(
                "unhandled", f"{method} {path} {body} → {answer.status_code} {answer.text[:300]}"
            )
            return None
        if not answer.is_success:
            self.counters.count("refusals", _code(answer))
        return None if answer.status_code in NOT_NOW else answer


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("code", answer.status_code))
    except ValueError:
        return str(answer.status_code)


def _is_under_way(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and _code(answer) == "idempotency_key_in_flight"
