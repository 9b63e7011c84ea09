"""The plan of a demo: its ports, folders and URLs, and the environment of its processes."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from estuary.config.environment import BASE_DIR, SANDBOX_DEFAULTS
from stripe_sandbox.stripe_listen import signing_secret

HOST = "127.0.0.1"
DEMO_VAR = BASE_DIR / ".var" / "demo"
# The variables of a running demo, for manage.py.
SETTINGS_FILE = "settings.json"
WEB_PORT, SANDBOX_PORT = 8000, 12111
# The version that the SDK pins, so that events come in the version that the product reads.
API_VERSION = "2026-10-28.endive"

# Variables of a shell that is set up for the real Stripe must not reach the demo.
NOT_INHERITED = (
    "DATABASE_URL",
    "DATABASE_DIRECT_URL",
    "DATABASE_REPLICA_URL",
    "STRIPE_HTTP_CLIENT",
    "DJANGO_SECRET_KEY",
    "ESTUARY_DEBUG",
    "ESTUARY_CURRENCY",
)

# A variable in the environment of every process of a demo, by which left-over processes are found.
MARK = "ESTUARY_DEMO"


class CannotStart(Exception):
    """The demo can't start or continue; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one run. ``var`` holds the database and logs, and is emptied before the start."""

    var: Path
    web_port: int
    sandbox_port: int

    @property
    def web_url(self) -> str:
        return f"http://localhost:{self.web_port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://{HOST}:{self.sandbox_port}"

    @property
    def webhook_url(self) -> str:
        return f"http://{HOST}:{self.web_port}/api/v1/payments/webhook/"

    @property
    def webhook_secret(self) -> str:
        return SANDBOX_DEFAULTS["stripe_webhook_secret"]

    @property
    def logs(self) -> Path:
        return self.var / "logs"

    def environment(self, database_url: str) -> dict[str, str]:
        """Return the variables of the web server and the worker."""
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        more = {MARK: str(self.var), "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(BASE_DIR)}
        return inherited | self.settings(database_url) | more

    def settings(self, database_url: str) -> dict[str, str]:
        """Return the product's variables, which manage.py reads beside a running demo."""
        secret_key = SANDBOX_DEFAULTS["stripe_secret_key"]
        # With this second secret `stripe listen --forward-to` works too, which signs with its own.
        cli_secret = signing_secret(secret_key, socket.gethostname())
        return {
            "ESTUARY_SANDBOX": "1",
            "ESTUARY_VAR": str(self.var),
            "DATABASE_URL": database_url,
            "FRONTEND_URL": self.web_url,
            "STRIPE_API_BASE": self.sandbox_url,
            "STRIPE_SECRET_KEY": secret_key,
            "STRIPE_WEBHOOK_SECRET": f"{self.webhook_secret},{cli_secret}",
            "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY": SANDBOX_DEFAULTS["stripe_publishable_key"],
            "ESTUARY_CURRENCY": "usd",
        }


def plan_for_demo() -> Plan:
    """Return the plan of ``make demo``; raises CannotStart when a port is none, or is taken."""
    web, sandbox = _requested_port("WEB_PORT", WEB_PORT), _requested_port("SANDBOX_PORT", SANDBOX_PORT)
    _check_free("WEB_PORT", web, "the web server")
    _check_free("SANDBOX_PORT", sandbox, "the Stripe sandbox")
    return Plan(var=DEMO_VAR, web_port=web, sandbox_port=sandbox)


def plan_for_smoke(folder: Path) -> Plan:
    """Return a plan with free ports in ``folder``."""
    # Both sockets are open at once, so that the ports differ.
    with socket.socket() as web, socket.socket() as sandbox:
        web.bind((HOST, 0))
        sandbox.bind((HOST, 0))
        return Plan(var=folder, web_port=web.getsockname()[1], sandbox_port=sandbox.getsockname()[1])


def _requested_port(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise CannotStart(f"{variable}={text} is no port. Choose a number from 1 to 65535.")
    return int(text)


def _check_free(variable: str, port: int, what: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise CannotStart(f"You may not listen on port {port}. Choose another: {variable}=8100") from None
        except OSError:
            raise CannotStart(
                f"Port {port}, for {what}, is taken. Stop what listens there (perhaps another demo), "
                f"or choose another: make demo {variable}={port + 100 if port < 65000 else 8100}"
            ) from None
