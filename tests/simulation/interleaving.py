"""Where one actor may be stopped and another step in: around each commit, each statement, each call to Stripe."""

import select
from collections.abc import Callable, Generator, Mapping
from typing import Any

from django.db import connection
from psycopg import waiting
from psycopg.pq import TransactionStatus

from estuary.payments.gateway.deadline import REQUEST_BUDGET_S
from stripe_sandbox.http import Response
from stripe_sandbox.inprocess import CUT, TIMED_OUT, SandboxHTTPClient, _connection_error
from stripe_sandbox.sandbox import Sandbox
from tests.simulation.scheduler import Actor, Crash, Scheduler, Stopped, current

IDLE = TransactionStatus.IDLE
LOOK_AFTER_MS = 3  # longer than deadlock_timeout: who is seen to wait then is in no deadlock
WRITES = ("INSERT", "UPDATE", "DELETE", "WITH made AS (")
WORK_FOR_WORKERS = ("INSERT INTO payments_webhookevent", "procrastinate_defer")  # what workers wait for


class Database:
    """The hooks of one thread's connection."""

    def __init__(self, scheduler: Scheduler, committed: Callable[[bool], None]) -> None:
        self._scheduler, self._committed = scheduler, committed
        self._wrote: dict[str, bool] = {}  # who wrote since the last commit, and whether workers wait for it
        self.fine = False  # stop before every statement, not only around commits

    def attach(self) -> None:
        """Open this thread's connection, unless it is open still, and hook it up."""
        wrapper: Any = connection
        if not hasattr(wrapper, "really_close"):
            wrapper.really_close = connection.close
            wrapper.close = (
                _assert_outside_transaction  # to a pool, in production; here it stays with its thread
            )
            wrapper.commit = self._around_commit(connection.commit)
            connection.execute_wrappers.append(self._around_statement)
        if connection.connection is None:
            connection.connect()
            raw: Any = connection.connection
            raw.wait = lambda generator, *_, **__: self._wait(generator, raw.pgconn)

    def leave(self) -> None:
        """Leave no transaction open to whoever plays on this thread next."""
        raw: Any = connection.connection
        if connection.in_atomic_block or raw.info.transaction_status != IDLE:
            self.reopen()

    def reopen(self) -> None:
        """What a killed process leaves to the next: its transaction is rolled back, and it begins with nothing."""
        me = current()
        if me:
            me.dead = False
            self._wrote.pop(me.name, None)
        connection.really_close()  # type: ignore[attr-defined]
        self.attach()

    def _around_statement(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        me = current()
        if me is None:
            return execute(sql, params, many, context)
        self._scheduler.refuse_the_dead(me)
        text = sql if isinstance(sql, str) else str(sql)
        alone = not connection.in_atomic_block and text.startswith(WRITES)
        if alone:
            self._scheduler.point("before commit", _gist(text))
        elif self.fine:
            self._scheduler.point("statement", _gist(text))
        result = execute(sql, params, many, context)
        has_work = any(statement in text for statement in WORK_FOR_WORKERS)
        if (has_work or text.startswith(WRITES)) and context["cursor"].rowcount:
            self._wrote[me.name] = self._wrote.get(me.name, False) or has_work
        if alone and me.name in self._wrote:
            self._look_at_what_was_written(me)
            self._scheduler.point("after commit", _gist(text))
        return result

    def _look_at_what_was_written(self, me: Actor) -> None:
        self._committed(self._wrote.pop(me.name))

    def _around_commit(self, commit: Callable[[], None]) -> Callable[[], None]:
        def committing() -> None:
            me = current()
            if me is None or me.name not in self._wrote:
                commit()  # what was only read can't be lost
                if me:
                    self._scheduler.switch()
                return
            try:
                self._scheduler.point("before commit")
            except (Crash, Stopped):
                connection.rollback()
                raise
            commit()
            self._look_at_what_was_written(me)
            self._scheduler.point("after commit")

        return committing

    def _wait(self, generator: Generator[Any, Any, Any], pgconn: Any) -> Any:
        """Drive one exchange with the server; when it waits for a lock the others run meanwhile."""
        me, blocked = current(), False
        try:
            wait_for = next(generator)
            while True:
                ready = _poll(pgconn.socket, wait_for, LOOK_AFTER_MS if me else None)
                if ready:
                    wait_for = generator.send(ready)
                elif me and self._surely_waits(pgconn, wait_for):
                    blocked, me.pid = True, pgconn.backend_pid
                    self._scheduler.blocked(me)
        except StopIteration as done:
            result = done.value
        except BaseException:
            if blocked and me:
                self._scheduler.unblocked(me)
            raise
        if blocked and me:
            self._scheduler.unblocked(me)
        return result

    def _surely_waits(self, pgconn: Any, wait_for: waiting.Wait) -> bool:
        """Seen to wait twice, with time between for PostgreSQL to look for a deadlock."""
        locks, pid = self._scheduler.locks, pgconn.backend_pid
        return (
            locks.waits(pid) and not _poll(pgconn.socket, wait_for, LOOK_AFTER_MS) and locks.surely_waits(pid)
        )


def _assert_outside_transaction() -> None:
    assert not connection.in_atomic_block


def _poll(fileno: int, wait_for: waiting.Wait, timeout_ms: int | None) -> waiting.Ready | None:
    """Return what the socket is ready for, or None when nothing came in time."""
    poller = select.poll()
    poller.register(
        fileno,
        (select.POLLIN if wait_for & waiting.WAIT_R else 0)
        | (select.POLLOUT if wait_for & waiting.WAIT_W else 0),
    )
    events = poller.poll(timeout_ms)
    if not events:
        return None
    got = events[0][1]
    readable = waiting.READY_R if got & ~select.POLLOUT else 0
    return waiting.Ready(readable | (waiting.READY_W if got & select.POLLOUT else 0))


def _gist(sql: str) -> str:
    """The verb and the table: what a statement is about."""
    words = sql.split()
    count = {"INSERT": 3, "UPDATE": 2, "DELETE": 3}.get(words[0], 1)
    if words[0] == "SELECT":
        after = words.index("FROM") if "FROM" in words else 0
        return f"SELECT {words[after + 1]}" + (" FOR UPDATE" if "FOR" in words[-4:] else "")
    return " ".join(words[:count])


class SimulatedStripe(SandboxHTTPClient):
    """The SDK's line to the sandbox, with the moments at which a process may die and time that passes."""

    def __init__(
        self,
        sandbox: Sandbox,
        scheduler: Scheduler,
        travel_s: Callable[[], float],
        check_key: Callable[[str, str, str, str], None],
    ) -> None:
        super().__init__(sandbox, REQUEST_BUDGET_S)
        self._scheduler, self._travel_s, self._check_key = scheduler, travel_s, check_key

    def _send(self, method: str, url: str, headers: Mapping[str, str], post_data: Any) -> Response:
        label = f"{method} {url.partition('/v1')[2].partition('?')[0]}"
        self._scheduler.point("before send", label)
        self._check_key(method, url, headers.get("Idempotency-Key", ""), str(post_data))
        self._pass(self._travel_s())
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        response = self._sandbox.request(method, "/v1" + url.partition("/v1")[2], dict(headers), body)
        self._scheduler.note(response.status, response.broken)
        self._scheduler.point("after send", label)
        self._pass(min(response.delay_s, self._timeout_s))
        if response.broken == "timeout" or response.delay_s >= self._timeout_s:
            self._pass(self._timeout_s)
            raise _connection_error(TIMED_OUT)
        if response.broken == "cut":
            raise _connection_error(CUT)
        self._scheduler.point("after receive", label)
        return response

    def _pass(self, seconds: float) -> None:
        if seconds and current():
            self._scheduler.sleep(seconds)
