"""Sends schemathesis' cases through the whole product in this process, and writes down what is not as documented."""

import json
import os
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import schemathesis
from django.core.signals import got_request_exception
from django.core.wsgi import get_wsgi_application
from schemathesis import Case, Response, hooks
from schemathesis.core.failures import Failure
from schemathesis.engine import events, from_schema
from schemathesis.hooks import HookContext

from tests.fuzz.checks import Judge
from tests.fuzz.deepen import deepen
from tests.fuzz.world import Buyer, Marketplace

CASES = int(os.environ.get("ESTUARY_FUZZ_CASES", "0"))
SEED = int(os.environ.get("ESTUARY_FUZZ_SEED", "1"))
PHASES = ["examples", "coverage", "fuzzing", "stateful"]
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
]
FAULTLESS = {"not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]}}

type Finding = tuple[str, str, int, str]
type Door = tuple[str, str]


@dataclass
class Role:
    """Who sends the cases: with whose things in them, and whose besides."""

    name: str
    headers: dict[str, str]
    owner: Buyer
    other: Buyer
    user_id: int = 0


@dataclass
class Run:
    """What was sent as one role, what was answered, and what was wrong with it."""

    role: Role
    market: Marketplace
    tally: Counter[tuple[str, int]] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    findings: dict[Finding, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(f"{SEED} {self.role.name}")  # noqa: S311
        self.judge = Judge(self.market, self.role.user_id, self.role.owner, self.role.other)

    def send_all(self, cases_per_operation: int, only: Iterable[Door] = ()) -> None:
        """Send every phase; whatever a check says is kept, and the run goes on."""
        schema = self._schema(cases_per_operation)
        with self._hooked(schema), self._listening():
            for event in from_schema(schema).execute():
                if isinstance(event, events.NonFatalError):
                    self.errors.append(f"{event.label}: {event.info.title}: {event.info.message}")

    def _schema(self, cases: int) -> Any:
        config = schemathesis.Config.from_dict(
            {
                "seed": SEED,
                "headers": self.role.headers,
                "workers": 1,
                "continue-on-failure": True,
                "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}, **FAULTLESS},
                "generation": {
                    "deterministic": False,
                    "database": "none",
                    "no-shrink": True,
                    "max-examples": cases,
                },
                "phases": {
                    "fuzzing": {
                        "extra-data-sources": {"responses": False},
                        "error-feedback": {"enabled": False},
                    },
                    "stateful": {"generation": {"max-examples": max(cases // 4, 2)}},
                },
            }
        )
        return schemathesis.openapi.from_wsgi("/api/schema/?format=json", closing(get_wsgi_application()), config=config)

    @contextmanager
    def _hooked(self, schema: Any) -> Iterator[None]:
        """Schemathesis marks what it calls, which a method can't be: so these are functions."""

        def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
            self.tracebacks.clear()
            deepen(case, self.market, self.role.owner, self.role.other, self.random)

        def after_call(context: HookContext, case: Case, response: Response) -> None:
            self._count(case, response)

        def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
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

    def _count(self, case: Case, response: Response) -> None:
        self.tally[label_of(case), response.status_code] += 1
        self.phases[case.meta.phase.name.value if case.meta else "?"] += 1
        for name, what in self.judge.verdicts(case, response):
            self._write_down(name, what, case, response)

    def _write_down(self, name: str, what: str, case: Case, response: Response) -> None:
        """Keep the first of each kind."""
        key = (name, label_of(case), response.status_code, what[:60])
        if key not in self.findings:
            self.findings[key] = self._told(case, response, what)

    def _told(self, case: Case, response: Response, what: str) -> str:
        sent = json.dumps({"path": case.path_parameters, "query": case.query, "body": repr(case.body)}, default=repr)
        trace = "".join(self.tracebacks)
        said = response.content[:600].decode(errors="replace")
        return f"{what}\n  sent: {response.request.method} {response.request.url} {sent[:1200]}\n  answered: {said}\n{trace}"


def label_of(case: Case) -> str:
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
