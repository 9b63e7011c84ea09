"""A browser and the web process behind it: an answer, or a connection that broke because the process was killed."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from rest_framework.test import APIClient

from estuary.accounts.models import User
from tests.simulation.oracle.answers import NO_500
from tests.simulation.oracle.violation import InvariantViolation
from tests.simulation.run_log import RunLog
from tests.simulation.scheduler import Crash, Scheduler, current


class Answer(dict[str, Any]):
    """What came back; ``status`` 0 is a broken connection. Also what the process behind it did meanwhile."""

    status: int = 0
    wrote: bool = False
    called_stripe: bool = False
    text: str = ""
    location: str = ""

    @property
    def fine(self) -> bool:
        return 200 <= self.status < 300


type Judge = Callable[[int, str, int, Any], None]


class Browser:
    """One user's requests, through the real middleware and views; no signing in, for that is not in question here."""

    def __init__(
        self,
        scheduler: Scheduler,
        run_log: RunLog,
        recover: Callable[[], None],
        user: User | None,
        judge: Judge | None = None,
        address: str = "",
        visit: Callable[[], AbstractContextManager[bool]] = lambda: nullcontext(True),
    ) -> None:
        """``judge`` hears who was answered what, and where; ``address`` is where the browser is.

        ``visit`` is entered for each request, and says whether the person may still sign in.
        """
        self._visit = visit
        self._scheduler, self._run_log, self._recover = scheduler, run_log, recover
        self._user, self._judge = user, judge
        self._client = self._open()
        if address:
            self._client.defaults["REMOTE_ADDR"] = address

    def _open(self) -> Client:
        client = APIClient(raise_request_exception=False)
        if self._user:
            # A copy: what one request has read of the permissions is not kept for the next scenario.
            client.force_authenticate(copy(self._user))
        return client

    def ask(self, method: str, path: str, body: Any = None, *, key: str = "", **headers: str) -> Answer:
        """Send a request; a 5xx that is no 503 or 502 told in a problem document is a failure of the product."""
        with self._visit() as is_let_in:
            if is_let_in:
                return self._ask(method, path, body, key, headers)
            answer = Answer()
            answer.status = 401
            return answer

    def _ask(self, method: str, path: str, body: Any, key: str, headers: dict[str, str]) -> Answer:
        sent = headers | ({"Idempotency-Key": key} if key else {})
        answer, me = Answer(), current()
        assert me
        begin = len(me.points)
        try:
            kwargs: dict[str, Any] = {"headers": sent}
            if isinstance(body, bytes):
                kwargs["content_type"] = "application/json"
            response = getattr(self._client, method)(path, body, **kwargs)
            answer.status = response.status_code
            answer.wrote = "before commit" in me.points[begin:]
            answer.called_stripe = "before send" in me.points[begin:]
            content = self._read(response, answer)
            if self._judge and self._user:
                self._judge(self._user.pk, path, answer.status, content)
            self._scheduler.point("before ack", f"{method} {response.status_code}")
        except Crash as crash:
            self._recover()
            self._run_log.add(f"  the web process is killed {crash}; the connection breaks")
            return Answer()
        if answer.status == 500:
            raise InvariantViolation(NO_500, (method, path, body, response.exc_info))
        return answer

    def _read(self, response: HttpResponse, answer: Answer) -> Any:
        answer.text, answer.location = response.content.decode(), response.headers.get("Location", "")
        if not answer.text or "json" not in response.headers.get("Content-Type", ""):
            return {}
        body = response.json()  # type: ignore[attr-defined]
        answer.update(body if isinstance(body, dict) else {"list": body})
        return body


class AdminBrowser(Browser):
    """Opens pages of the admin, with the session that its sign-in page made."""

    def __init__(self, *line: Any, cookie: str) -> None:
        self._cookie = cookie
        super().__init__(*line)

    def _open(self) -> Client:
        client = Client(raise_request_exception=False)
        client.cookies[settings.SESSION_COOKIE_NAME] = self._cookie
        return client
