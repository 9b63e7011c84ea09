"""A world that is the same each time: a sandbox with a seed and a clock that stands still, and requests as JSON."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from stripe_sandbox import Ids, ManualClock, Sandbox
from stripe_sandbox.public_view import public
from stripe_sandbox.store import Table

SECRET, PUBLIC = "sk_test_of_the_trials_00", "pk_test_of_the_trials_00"
ENDIVE, DAHLIA = "2026-10-28.endive", "2026-05-27.dahlia"
Json = dict[str, Any]


class World:
    """A sandbox, and what happened in it so far."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(
            webhook_secret="whsec_trials", clock=ManualClock(), ids=Ids(seed=7), publishable_key=PUBLIC
        )

    def ask(
        self,
        method: str,
        path: str,
        params: Json | None = None,
        *,
        key: str = SECRET,
        version: str = ENDIVE,
    ) -> tuple[int, Json]:
        """Make one request and return status and JSON."""
        form = urlencode(list(fields(params or {})))
        query = f"?{form}" if method != "POST" and form else ""
        headers = {"Authorization": f"Bearer {key}", "Stripe-Version": version}
        body = form.encode() if method == "POST" else b""
        response = self.sandbox.request(method, path + query, headers, body)
        return response.status, json.loads(response.body)

    def post(self, path: str, **params: Any) -> Json:
        """Make a request that must go well."""
        status, answer = self.ask("POST", f"/v1/{path}", params)
        assert status == 200, answer
        return answer

    def page_of(self, session: Json) -> str:
        """Return the hosted page of a Checkout Session, as HTML."""
        path = str(session["url"]).removeprefix(self.sandbox.settings.public_url)
        return self.sandbox.request("GET", path).body.decode()

    def state(self) -> Json:
        """Return every object that the sandbox holds, as the outside may see it."""
        tables = {
            name: table for name, table in vars(self.sandbox.state.store).items() if isinstance(table, Table)
        }
        return {name: [public(obj) for obj in table] for name, table in tables.items()}

    def do(self, verb: str, *args: Any, **options: Any) -> None:
        """Use a control; a refusal is a result like any other."""
        with contextlib.suppress(Exception):
            getattr(self.sandbox.control, verb)(*args, **options)


def fields(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested parameters as a form has them; a list is a hash by position."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from fields(inner, f"{name}[{key}]" if name else str(key))
    else:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)
