"""A shop that is set up well, as one with test keys of Stripe is, with a sandbox in Stripe's place."""

import json
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from demo.plan import API_VERSION, HOST, CannotStart
from demo.ports import free_ports
from demo.postgres import Postgres
from demo.processes import Child, ProcessGroup
from demo.selfcheck.estuary import Estuary
from demo.selfcheck.stripe import GOOD, Browser
from demo.servers import PYTHON, WORKER_COMMAND, answers, says_ready
from estuary.config.environment import BASE_DIR, Environment

PASSWORD = "a-long-and-odd-password-7"
WEBHOOK_PATH = "/api/v1/payments/webhook/"
# Its webhook may be tried again after half a minute, and then after two.
SETTLED_WITHIN_S = 200.0


@dataclass(slots=True)
class Shop:
    """The running shop; ``env`` has the variables that its processes and the checkup get."""

    processes: ProcessGroup
    folder: Path
    web_port: int
    stripe_port: int
    env: dict[str, str]
    publishable_key: str
    webhook_secret: str
    children: dict[str, Child] = field(default_factory=dict)
    buyer: Estuary | None = None

    @property
    def web_url(self) -> str:
        return f"http://localhost:{self.web_port}"

    @property
    def stripe_url(self) -> str:
        return f"http://{HOST}:{self.stripe_port}"

    @property
    def webhook_url(self) -> str:
        return f"http://{HOST}:{self.web_port}{WEBHOOK_PATH}"

    def checkup(self, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run the command as a person would, with some variables changed."""
        command = [PYTHON, "manage.py", "checkup", "--json"]
        env = self.env | changed
        return subprocess.run(command, cwd=BASE_DIR, env=env, capture_output=True, text=True, check=False)

    # --- Processes

    def start_stripe(self, port: int, *more: str) -> Child:
        command = [PYTHON, "-m", "stripe_sandbox", "--host", HOST, "--port", str(port), *more]
        child = self.processes.start(f"stripe-{port}", command, dict(os.environ))
        self.processes.wait_for(lambda: answers(f"http://{HOST}:{port}/_sandbox/"), "The sandbox")
        return child

    def start_web(self, **changed: str) -> None:
        command = [
            str(Path(PYTHON).parent / "granian"), "--interface", "wsgi", "--host", HOST, "--http", "1", "--no-ws",
            "--port", str(self.web_port), "--workers", "1", "--blocking-threads", "16",
            "estuary.config.wsgi:application",
        ]  # fmt: skip
        self.children["web"] = self.processes.start("web", command, self.env | changed)
        self.processes.wait_for(lambda: answers(f"{self.web_url}/readyz"), "The web server")

    def start_worker(self) -> None:
        worker = self.children["worker"] = self.processes.start("worker", WORKER_COMMAND, self.env)
        self.processes.wait_for(lambda: says_ready(worker), "The worker")

    def end(self, name: str) -> None:
        self.processes.end(self.children.pop(name))

    def manage(self, *words: str) -> None:
        self.processes.run(words[0], [PYTHON, "manage.py", *words], self.env)

    # --- Stripe's dashboard

    def control(self, verb: str, **arguments: Any) -> Any:
        answer = httpx.post(f"{self.stripe_url}/_sandbox/{verb}", json=arguments, trust_env=False)
        return answer.raise_for_status().json()

    def clear_faults(self) -> None:
        httpx.delete(f"{self.stripe_url}/_sandbox/faults", trust_env=False).raise_for_status()

    def endpoint_id(self) -> str:
        listed = self._ask("GET", "/v1/webhook_endpoints")["data"]
        return next(str(one["id"]) for one in listed if one["status"] == "enabled")

    def update_endpoint(self, fields: dict[str, Any], endpoint_id: str = "") -> None:
        self._ask("POST", f"/v1/webhook_endpoints/{endpoint_id or self.endpoint_id()}", fields)

    def delete_endpoint(self) -> None:
        self._ask("DELETE", f"/v1/webhook_endpoints/{self.endpoint_id()}")

    def add_endpoint(self, **fields: Any) -> None:
        standard = {"url": self.webhook_url, "secret": self.webhook_secret, "api_version": API_VERSION}
        self.control("endpoints", **standard | fields)

    def _ask(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
        key = {"Authorization": f"Bearer {self.env['STRIPE_SECRET_KEY']}"}
        answer = httpx.request(method, f"{self.stripe_url}{path}", headers=key, data=fields, trust_env=False)
        return answer.raise_for_status().json()

    # --- A buyer

    def pay(self) -> str:
        """Buy credits with a test card; return the order's id. Its event is on its way."""
        if self.buyer is None:
            http = httpx.Client(base_url=self.web_url, timeout=15, trust_env=False)
            self.buyer = Estuary(http).sign_up("newcomer@example.com", PASSWORD)
        body = {"is_credit_purchase": True, "amount": "20.00", "payment_type": "intent"}
        payment = self.buyer.create_payment(**body)
        stripe = httpx.Client(base_url=self.stripe_url, timeout=15, trust_env=False)
        Browser(stripe, self.publishable_key).pay(payment["client_secret"], GOOD)
        return str(payment["order_id"])

    def wait_until_settled(self, order_id: str) -> None:
        assert self.buyer is not None
        self.buyer.wait_for_order(order_id, "completed", within_s=SETTLED_WITHIN_S)


def codes_in(answer: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    """Return what the checkup found that is not good: the sentence by its code, and what kept it from starting."""
    if not answer.stdout:
        return {"cannot_start": answer.stderr.removeprefix("Estuary cannot start:")}
    findings = json.loads(answer.stdout)["findings"]
    return {one["code"]: one["what"] for one in findings if one["level"] != "good"}


@contextmanager
def running_shop() -> Iterator[Shop]:
    """Start everything in an empty folder, with keys of its own; remove everything afterwards."""
    with tempfile.TemporaryDirectory(prefix="estuary-mistakes-") as name, ExitStack() as stack:
        folder = Path(name)
        # PostgreSQL may run as another user, who needs access.
        folder.chmod(0o755)
        (logs := folder / "logs").mkdir()
        (folder / "database").mkdir(mode=0o755)
        postgres, processes = Postgres(folder / "database", logs), ProcessGroup(logs)
        stack.callback(postgres.stop)
        stack.callback(processes.stop)
        web_port, stripe_port = free_ports(2)
        shop = _set_up(processes, folder, web_port, stripe_port, postgres.start(dict(os.environ)))
        shop.start_stripe(
            stripe_port, "--webhook-url", shop.webhook_url, "--webhook-secret", shop.webhook_secret,
            "--webhook-api-version", API_VERSION, "--publishable-key", shop.publishable_key,
        )  # fmt: skip
        for words in (["migrate", "--verbosity", "0"], ["seed"]):
            shop.manage(*words)
        shop.start_worker()
        shop.start_web()
        shop.wait_until_settled(shop.pay())
        yield shop


def _set_up(
    processes: ProcessGroup, folder: Path, web_port: int, stripe_port: int, database_url: str
) -> Shop:
    names = {str(one.validation_alias or name).upper() for name, one in Environment.model_fields.items()}
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    account, secret = f"51{secrets.token_hex(7)}", f"whsec_{secrets.token_hex(16)}"
    publishable_key = f"pk_test_{account}{secrets.token_hex(41)}0"
    env = inherited | {
        "STRIPE_SECRET_KEY": f"sk_test_{account}{secrets.token_hex(41)}0",
        "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY": publishable_key,
        "STRIPE_WEBHOOK_SECRET": secret,
        "FRONTEND_URL": f"http://localhost:{web_port}",
        "DATABASE_URL": database_url,
        "STRIPE_API_BASE": f"http://{HOST}:{stripe_port}",
        "EMAIL_URL": "console:",
        "ESTUARY_SELLER_NAME": "Riverside Yoga Lda",
        "ESTUARY_STAFF_MAIL": "staff@estuary.example",
        "ESTUARY_TRUSTED_PROXIES": "0",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(BASE_DIR),
    }
    return Shop(processes, folder, web_port, stripe_port, env, publishable_key, secret)


def wait_until_named(shop: Shop, code: str, changed: dict[str, str], within_s: float) -> tuple[str, float]:
    """Run the checkup until it names ``code``; return its sentence and the seconds that took."""
    started_at = time.monotonic()
    while True:
        findings = codes_in(shop.checkup(**changed))
        seconds = time.monotonic() - started_at
        if code in findings:
            return findings[code], seconds
        if seconds > within_s:
            raise CannotStart(f"{code} was not named within {within_s:.0f} s, only {findings}")
        time.sleep(1)
