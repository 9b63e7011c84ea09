"""Runs a demo: starts everything, checks it by purchases, stays up, stops everything."""

import fcntl
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from demo.plan import DEMO_VAR, MARK, SETTINGS_FILE, CannotStart, Plan, plan_for_demo, plan_for_smoke
from demo.postgres import Postgres
from demo.processes import ProcessGroup, end_leftovers
from demo.proxy import start_behind_proxy
from demo.screen import Screen
from demo.selfcheck.scenario import Report, run_purchases
from demo.selfcheck.shop import open_shop
from demo.servers import (
    PYTHON,
    WORKER_COMMAND,
    answers,
    build_command,
    ready_url,
    sandbox_command,
    says_ready,
    web_command,
)
from estuary.config.environment import BASE_DIR, SANDBOX_DEFAULTS

# Ctrl-C, kill, and a closed terminal.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal ends the demo."""


def run(*, smoke: bool) -> int:
    """Run the demo and return its exit code."""
    for ending in ENDINGS:
        signal.signal(ending, _stop)
    screen = Screen()
    try:
        return _smoke(screen) if smoke else _demo(screen)
    except CannotStart as error:
        screen.problem(str(error))
        return 1
    except Stopped:
        return 130 if smoke else 0


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    for ending in ENDINGS:
        # A second signal must not interrupt the shutdown.
        signal.signal(ending, signal.SIG_IGN)
    raise Stopped


def _demo(screen: Screen) -> int:
    terminal_is_gone = _terminal_watch()
    with _exclusive(DEMO_VAR):
        # Processes of a killed demo may still hold the ports.
        end_leftovers(DEMO_VAR)
        plan = plan_for_demo()
        with _running_demo(plan, screen, proxied=_with_proxy(unless_named=False)) as look_after:
            report = _self_check(plan, screen)
            screen.where_to_go(plan)
            try:
                while not terminal_is_gone():
                    time.sleep(0.5)
                    look_after()
            except Stopped:
                pass
            return 1 if report.failed else 0


def _with_proxy(*, unless_named: bool) -> bool:
    """Return whether to use the proxy: PROXY=1 means yes, PROXY=0 no."""
    return {"1": True, "0": False}.get(os.environ.get("PROXY", ""), unless_named)


def _terminal_watch() -> Callable[[], bool]:
    """Return a check for a closed terminal, which sends no SIGHUP when make is its first process."""
    if sys.stdin is None or not sys.stdin.isatty():
        return lambda: False
    looking = select.poll()
    looking.register(sys.stdin.fileno(), 0)
    return lambda: any(event & select.POLLHUP for _, event in looking.poll(0))


def _smoke(screen: Screen) -> int:
    folder = Path(tempfile.mkdtemp(prefix="estuary-smoke-"))
    # PostgreSQL may run as another user, who needs access.
    folder.chmod(0o755)
    try:
        plan = plan_for_smoke(folder)
        with _running_demo(plan, screen, proxied=_with_proxy(unless_named=True)):
            failed = _self_check(plan, screen).failed
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


def _self_check(plan: Plan, screen: Screen) -> Report:
    with screen.step("Self-check", "Bought one of everything"), screen.console.status("") as status:
        shop = open_shop(plan.web_url, plan.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])
        report = run_purchases(shop, lambda doing: status.update(f"Self-check: {doing} …"))
    screen.report(report)
    for failed in report.failed:
        screen.problem(f"{failed.what}: {failed.handed_over}")
    return report


@contextmanager
def _exclusive(var: Path) -> Iterator[None]:
    """Lock the folder against a second demo; raises CannotStart."""
    var.parent.mkdir(parents=True, exist_ok=True)
    with (var.parent / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart("Another demo runs in this folder. Stop it first with Ctrl-C.") from None
        yield


@contextmanager
def _running_demo(plan: Plan, screen: Screen, *, proxied: bool) -> Iterator[Callable[[], None]]:
    """Start everything and stop it at the end; yields a check that raises CannotStart when a process has died."""
    postgres, processes, builder = (
        Postgres(plan.var, plan.logs),
        ProcessGroup(plan.logs),
        ProcessGroup(plan.logs),
    )
    try:
        shutil.rmtree(plan.var, ignore_errors=True)
        plan.logs.mkdir(parents=True)
        # The build takes longest, so it starts first.
        building = builder.start("storefront", build_command(), os.environ | {MARK: str(plan.var)})
        env = prepare(plan, screen, postgres, processes)
        with screen.step("Building the storefront", "Storefront built"):
            builder.finish(building)
        serve(plan, screen, processes, env, proxied=proxied)

        def look_after() -> None:
            postgres.check()
            processes.check()

        yield look_after
    finally:
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)
        with suppress(OSError):  # the terminal may be gone
            screen.console.print("\nStopping …")
        builder.stop()
        processes.stop()
        postgres.stop()
        end_leftovers(plan.var)
        with suppress(OSError):
            screen.console.print("Everything is stopped.")


def start_everything(plan: Plan, screen: Screen, postgres: Postgres, processes: ProcessGroup) -> None:
    """Start every process of a demo with the storefront built before; raises CannotStart."""
    serve(plan, screen, processes, prepare(plan, screen, postgres, processes))


def prepare(plan: Plan, screen: Screen, postgres: Postgres, processes: ProcessGroup) -> dict[str, str]:
    """Start everything except the web server, and return the environment of the processes."""
    with screen.step("Starting PostgreSQL", "PostgreSQL, embedded"):
        database_url = postgres.start(plan.environment(""))
        env = plan.environment(database_url)
        (plan.var / SETTINGS_FILE).write_text(json.dumps(plan.settings(database_url)), encoding="utf-8")
    with screen.step("Starting the Stripe sandbox", f"Stripe sandbox on {plan.sandbox_url}"):
        processes.start("sandbox", sandbox_command(plan), env)
        processes.wait_for(lambda: answers(f"{plan.sandbox_url}/_sandbox/"), "The Stripe sandbox")
    with screen.step("Migrating the database", "Database migrated"):
        processes.run("migrate", [PYTHON, "manage.py", "migrate", "--verbosity", "1"], env)
    with screen.step("Seeding the marketplace", "Marketplace seeded"):
        processes.run("seed", [PYTHON, "manage.py", "seed"], env)
    with screen.step("Starting the worker", "Worker"):
        worker = processes.start("worker", WORKER_COMMAND, env)
        processes.wait_for(lambda: says_ready(worker), "The worker")
    return env


def serve(
    plan: Plan, screen: Screen, processes: ProcessGroup, env: dict[str, str], *, proxied: bool = False
) -> None:
    """Start the web server, or two behind the proxy, after the storefront is built."""
    server = "Proxy and web servers" if proxied else "Web server"
    with screen.step(f"Starting the {server[0].lower()}{server[1:]}", f"{server} on {plan.web_url}"):
        if proxied:
            start_behind_proxy(plan, processes, env)
        else:
            processes.start("web", web_command(plan), env)
        processes.wait_for(lambda: answers(ready_url(plan)), "The web server")


def main(arguments: list[str]) -> int:
    if unknown := [argument for argument in arguments if argument != "--smoke"]:
        print(f"Unknown: {' '.join(unknown)}. There is only --smoke.", file=sys.stderr)
        return 2
    os.chdir(BASE_DIR)
    return run(smoke="--smoke" in arguments)
