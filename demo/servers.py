"""The commands of the servers, and the checks that they are up."""

import os
import shutil
import sys
from pathlib import Path

import httpx

from demo.plan import API_VERSION, HOST, CannotStart, Plan
from demo.processes import Child

PYTHON = sys.executable
# With many requests, most threads wait for Stripe.
BLOCKING_THREADS = 256
# As in the image: docs/decisions/0023
PROCESSES = 1
WORKER_COMMAND = [PYTHON, "manage.py", "worker"]


def build_command() -> list[str]:
    """Return the command that builds a changed storefront; raises CannotStart without make."""
    make = os.environ.get("MAKE", "make")
    if not shutil.which(make):
        raise CannotStart(
            f"The storefront is built by {make}, which is not here. Install GNU make, or set MAKE."
        )
    return [make, "--no-print-directory", "frontend"]


def sandbox_command(plan: Plan, *more: str) -> list[str]:
    return [
        PYTHON, "-m", "stripe_sandbox", "--host", HOST, "--port", str(plan.sandbox_port),
        "--webhook-url", plan.webhook_url, "--webhook-secret", plan.webhook_secret,
        "--webhook-api-version", API_VERSION, *more,
    ]  # fmt: skip


def web_command(plan: Plan, processes: int = PROCESSES, threads: int = BLOCKING_THREADS) -> list[str]:
    """Return the command of a web server; several processes share one port."""
    return [
        str(Path(PYTHON).parent / "granian"), "--interface", "wsgi", "--host", HOST, "--port", str(plan.web_port),
        "--workers", str(processes), "--blocking-threads", str(threads), "--http", "1", "--no-ws",
        "--workers-kill-timeout", "5", "estuary.config.wsgi:application",
    ]  # fmt: skip


def ready_url(plan: Plan) -> str:
    """Return a URL that the web server serves once it is up."""
    return f"http://{HOST}:{plan.web_port}/api/v1/payments/config/"


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def says_ready(worker: Child) -> bool:
    return "ready" in worker.output
