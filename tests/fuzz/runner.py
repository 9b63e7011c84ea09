"""Sends schemathesis' cases through the whole product in this process, and writes down what is not as documented."""

import json
import os
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import schemathesis
from django.core.signals import got_request_exception
from django.core.wsgi import get_wsgi_application
from django.db import connection
from schemathesis import Case, Response, hooks
from schemathesis.core.failures import Failure
from schemathesis.engine import events, from_schema
from schemathesis.hooks import HookContext

from estuary.accounts.models import User
from tests.fuzz.checks import Judge
from tests.fuzz.deepen import deepen
from tests.fuzz.world import Buyer, Marketplace

SEED = int(os.environ.get("ESTUARY_FUZZ_SEED", "1"))
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
]
# Stripe may be down, and the document says so.
CHECKED = {"enabled": False, **{name: {"enabled": True} for name in CHECKS}} | {
    "not_a_server_error": {"enabled": True, "expected-statuses": ["2xx", "3xx", "4xx", "503"]}
}
FAULTS = ["timeout_before", "timeout_after", "cut", "error_before", "error_saved", "lock_timeout", "refuse"]
FAULTY = 0.01  # of all cases that change something meet a Stripe that does not answer as it should

type Finding = tuple[str, str, int, str]


@dataclass
class Role:
    """Who sends the cases, and with whose things in them most of the time."""

    name: str
    user: User | None
    headers: dict[str, str]
    owner: Buyer
    other: Buyer


@dataclass
class Run:
    """What was sent as one role, what was answered, and what was wrong with it."""

    role: Role
    market: Marketplace
    tally: Counter[tuple[str, int]] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    findings: dict[Finding, str] = field(default_factory=dict)
    tracebacks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(f"{SEED} {self.role.name}")
        self.judge = Judge(self.market, self.role.user)

    def send_all(self, cases: int, *, phases: Sequence[str], only: str | None = None) -> None:
        """Send so many cases to each operation, or what its phase lists; the run goes on whatever a check says.

        ``only`` is the one path to send to, as the document writes it.
        """
        schema = self._schema(cases, phases)
        if only:
            schema = schema.include(path=only)
        with self._hooked(schema), self._listening():
            for event in from_schema(schema).execute():
                if isinstance(event, events.NonFatalError):
                    key = ("error of the run", event.label, 0, event.info.title)
                    self.findings[key] = event.info.message

    def _schema(self, cases: int, phases: Sequence[str]) -> Any:
        """What is sent depends on the seed alone: nothing is learned from answers, nor kept for the next run."""
        config = schemathesis.Config.from_dict(
            {
                "seed": SEED,
                "headers": self.role.headers,
                "workers": 1,
                "continue-on-failure": True,
                "checks": CHECKED,
                "generation": {"database": "none", "no-shrink": True, "max-examples": cases},
                "phases": {
                    "enabled": False,
                    **{name: {"enabled": True} for name in phases},
                    "fuzzing": {
                        "enabled": "fuzzing" in phases,
                        "extra-data-sources": {"responses": False},
                        "error-feedback": {"enabled": False},
                    },
                    "stateful": {
                        "enabled": "stateful" in phases,
                        "generation": {"max-examples": max(cases // 2, 3)},
                    },
                },
            }
        )
        application = closing(get_wsgi_application())
        return schemathesis.openapi.from_wsgi("/api/schema/?format=json", application, config=config)

    @contextmanager
    def _hooked(self, schema: Any) -> Iterator[None]:
        """Schemathesis marks what it calls, which a method can't be: so these are functions."""

        def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
            self.tracebacks.clear()
            deepen(case, self.market, self.role.owner, self.role.other, self.random)
            if case.method.upper() in {"POST", "DELETE"} and self.random.random() < FAULTY:
                self.market.stripe.faults.add(self.random.choice(FAULTS), times=self.random.choice([1, 4]))

        def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
            self.market.stripe.faults.clear()
            self._count(case, response)
            connection.close()  # this thread is schemathesis' own, and nobody else closes what the judge has opened

        def filter_failure(
            context: HookContext, failure: Failure, case: Case[Any], response: Response
        ) -> bool:
            """Write it down, and let schemathesis go on: it must not send it again to make it smaller."""
            self._write_down(type(failure).__name__, str(failure), case, response)
            return False

        for hook in (after_call, filter_failure):
            schema.hook(hook)
        schemathesis.hook(before_call)
        try:
            yield
        finally:
            hooks.unregister(before_call)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        def note(sender: Any, **kwargs: Any) -> None:
            self.tracebacks.append(traceback.format_exc())

        got_request_exception.connect(note)
        try:
            yield
        finally:
            got_request_exception.disconnect(note)

    def _count(self, case: Case[Any], response: Response) -> None:
        self.tally[label_of(case), response.status_code] += 1
        self.phases[case.meta.phase.name.value if case.meta else "?"] += 1
        for name, what in self.judge.verdicts(case, response):
            self._write_down(name, what, case, response)

    def _write_down(self, name: str, what: str, case: Case[Any], response: Response) -> None:
        """Keep the first of each kind."""
        key = (name, label_of(case), response.status_code, what[:60])
        if key not in self.findings:
            self.findings[key] = self._describe(case, response, what)

    def _describe(self, case: Case[Any], response: Response, what: str) -> str:
        sent = json.dumps(
            {"path": case.path_parameters, "query": case.query, "body": repr(case.body)}, default=repr
        )
        trace = "".join(self.tracebacks)
        answer = response.content[:600].decode(errors="replace")
        address = f"{response.request.method} {response.request.url}"
        return f"{what}\n  sent: {address} {sent[:1200]}\n  answered: {answer}\n{trace}"


def label_of(case: Case[Any]) -> str:
    return f"{case.method} {case.path}"


def closing(application: Any) -> Any:
    """Close each answer once it is read, as a server does: so the database connection goes back to its pool."""

    def answer(environ: Any, start_response: Any) -> Any:
        parts = application(environ, start_response)
        try:
            return [b"".join(parts)]
        finally:
            if hasattr(parts, "close"):
                parts.close()

    return answer
