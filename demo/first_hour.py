"""``python -m demo.first_hour`` runs the README's commands for the real Stripe, as a newcomer would.

1. Clone the repository into an empty folder, and read the commands from the clone's README.md.
2. Fill in what the README leaves to the reader: keys, host and database.
3. Start a sandbox with other keys in Stripe's place; the product only gets its URL. No mail server is configured.
4. Run the commands, sign up, and buy a session.

``--linked`` uses the packages and the storefront of this checkout instead of fetching and building them.
"""

import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from demo.authenticator import code_of
from demo.plan import API_VERSION, HOST, CannotStart
from demo.ports import free_ports
from demo.postgres import Postgres
from demo.processes import ProcessGroup
from demo.screen import Screen
from demo.selfcheck.estuary import Estuary
from demo.selfcheck.failure import SelfCheckFailed, need
from demo.selfcheck.stripe import GOOD, Browser
from demo.servers import PYTHON, answers
from demo.terminal import Terminal
from estuary.config.environment import BASE_DIR, Environment

BLOCK = re.compile(r"^## The real Stripe$.*?^```sh\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)
FETCH = "make setup frontend"
STAFF, PASSWORD = "me@estuary.example", "a-long-and-odd-password-7"
UP_WITHIN_S, FETCHED_WITHIN_S, MAILED_WITHIN_S = 300, 1500, 300
NOT_IN_AN_ARCHIVE = (".venv", ".var", ".cache", "node_modules", "out", ".next", "__pycache__", ".*_cache")


@dataclass(frozen=True, slots=True)
class FirstHour:
    """The folder, account keys, ports and database of a newcomer."""

    folder: Path
    linked: bool
    web_port: int
    stripe_port: int
    database_url: str
    secret_key: str
    publishable_key: str
    webhook_secret: str

    @property
    def clone(self) -> Path:
        return self.folder / "estuary"

    @property
    def web_url(self) -> str:
        return f"http://localhost:{self.web_port}"

    @property
    def stripe_url(self) -> str:
        return f"http://{HOST}:{self.stripe_port}"

    @property
    def placeholders(self) -> dict[str, str]:
        """The placeholders of the README's block, with their values."""
        return {
            "sk_test_…": self.secret_key,
            "pk_test_…": self.publishable_key,
            "whsec_…": self.webhook_secret,
            "https://YOUR-HOST": self.web_url,
            "postgresql://user:password@host:5432/estuary": shlex.quote(self.database_url),
        }

    def environment(self) -> dict[str, str]:
        """Return a shell's variables without the product's own, plus the two that only this test needs."""
        settings = {
            str(field.validation_alias or name).upper() for name, field in Environment.model_fields.items()
        }
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in settings | {"DJANGO_SETTINGS_MODULE"}
        }
        kept.pop("PYTHONPATH", None)
        return kept | {
            "STRIPE_API_BASE": self.stripe_url,
            "GRANIAN_PORT": str(self.web_port),
            "PYTHONUNBUFFERED": "1",
        }


def main(arguments: list[str]) -> int:
    """Run all steps; return 0 when the order was paid and fulfilled, 1 after printing the step that failed."""
    screen = Screen()
    try:
        with _prepared(linked="--linked" in arguments) as (hour, processes):
            _play(hour, processes, screen)
    except (CannotStart, SelfCheckFailed, httpx.HTTPError) as error:
        screen.problem(f"The first hour ends here. {error}")
        return 1
    screen.console.print("[green]✓[/] The first hour ends with a paid order.")
    return 0


@contextmanager
def _prepared(*, linked: bool) -> Iterator[tuple[FirstHour, ProcessGroup]]:
    """Start PostgreSQL in an empty folder and generate keys; remove everything afterwards."""
    with tempfile.TemporaryDirectory(prefix="estuary-first-hour-") as name, ExitStack() as stack:
        folder = Path(name)
        # PostgreSQL may run as another user, who needs access.
        folder.chmod(0o755)
        (logs := folder / "logs").mkdir()
        postgres, processes = Postgres(folder / "database", logs), ProcessGroup(logs)
        (folder / "database").mkdir(mode=0o755)
        stack.callback(postgres.stop)
        stack.callback(processes.stop)
        web_port, stripe_port = free_ports(2)
        account = f"51{secrets.token_hex(7)}"
        yield (
            FirstHour(
                folder, linked, web_port, stripe_port, postgres.start(dict(os.environ)),
                secret_key=f"sk_test_{account}{secrets.token_hex(41)}0",
                publishable_key=f"pk_test_{account}{secrets.token_hex(41)}0",
                webhook_secret=f"whsec_{secrets.token_hex(16)}",
            ),
            processes,
        )  # fmt: skip


def _play(hour: FirstHour, processes: ProcessGroup, screen: Screen) -> None:
    def step[T](name: str, act: Callable[[], T]) -> T:
        try:
            with screen.step(name, name):
                return act()
        except (CannotStart, SelfCheckFailed, httpx.HTTPError) as error:
            raise CannotStart(f"{name}: {error}") from error

    step("Clone the repository", lambda: _clone(hour))
    block = step("Read the block of README.md", lambda: read_block(hour.clone / "README.md"))
    step("Start the sandbox in Stripe's place, under other keys", lambda: _start_stripe(hour, processes))
    if hour.linked:
        step("Link packages and storefront instead of making them", lambda: _link(hour))
        step("Type the block with its placeholders: each is named", lambda: _type_placeholders(hour, block))
    terminal = step("Type the block as it stands", lambda: _type_block(hour, block))
    try:
        step(
            "Web server and worker come up, and say that no mail server is named",
            lambda: _come_up(hour, terminal),
        )
        buyer = step("Sign up", lambda: _sign_up(hour))
        step("Sign in to the admin", lambda: _enter_admin(hour))
        step("Buy a session with a card: paid, webhook received, booked", lambda: _buy(hour, buyer))
    finally:
        terminal.stop()
    step("Name a mail server: the mail that waited leaves", lambda: _read_mail(hour, processes))


def read_block(readme: Path) -> str:
    """Return the block of commands of “The real Stripe”; raises CannotStart when there is none."""
    match = BLOCK.search(readme.read_text(encoding="utf-8"))
    if not match or FETCH not in match["lines"]:
        raise CannotStart(
            f"README.md has no block of commands under “The real Stripe” that begins with “{FETCH}”."
        )
    return match["lines"]


def _fill_in(hour: FirstHour, block: str) -> str:
    for placeholder, value in hour.placeholders.items():
        if placeholder not in block:
            raise CannotStart(f"The block has no {placeholder}, which a reader would have to fill in.")
        block = block.replace(placeholder, value)
    return block.replace(FETCH, ":") if hour.linked else block


def _clone(hour: FirstHour) -> None:
    # An archive of the project is copied instead of cloned.
    if not (BASE_DIR / ".git").exists():
        shutil.copytree(BASE_DIR, hour.clone, ignore=shutil.ignore_patterns(*NOT_IN_AN_ARCHIVE))
        return
    command = ["git", "clone", "--quiet", "--no-hardlinks", str(BASE_DIR), str(hour.clone)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotStart(done.stderr.strip())


def _link(hour: FirstHour) -> None:
    (hour.clone / ".venv").symlink_to(Path(PYTHON).parent.parent)
    if (built := BASE_DIR / "frontend" / "out").is_dir():
        (hour.clone / "frontend" / "out").symlink_to(built)


def _start_stripe(hour: FirstHour, processes: ProcessGroup) -> None:
    command = [
        PYTHON, "-m", "stripe_sandbox", "--host", HOST, "--port", str(hour.stripe_port),
        "--webhook-url", f"http://{HOST}:{hour.web_port}/api/v1/payments/webhook/",
        "--webhook-secret", hour.webhook_secret, "--webhook-api-version", API_VERSION,
        "--publishable-key", hour.publishable_key,
    ]  # fmt: skip
    processes.start("stripe", command, dict(os.environ))
    processes.wait_for(lambda: answers(f"{hour.stripe_url}/_sandbox/"), "The sandbox")


def _type_placeholders(hour: FirstHour, block: str) -> None:
    exports = [line for line in block.splitlines() if line.startswith("export ")]
    script = "\n".join([*exports, ".venv/bin/python manage.py check"])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=hour.clone,
        env=hour.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    need(done.returncode != 0, "it starts with keys that are an ellipsis")
    for name in (
        "STRIPE_SECRET_KEY",
        "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "FRONTEND_URL",
    ):
        need(f"  {name} " in done.stderr, f"{name} is not named:\n{done.stderr}")


def _type_block(hour: FirstHour, block: str) -> Terminal:
    script = hour.folder / "block.sh"
    script.write_text(_fill_in(hour, block), encoding="utf-8")
    prompts = {"E-mail address: ": STAFF, "Password: ": PASSWORD, "Password (again): ": PASSWORD}
    return Terminal(script, cwd=hour.clone, env=hour.environment(), answers=prompts)


def _come_up(hour: FirstHour, terminal: Terminal) -> None:
    def is_up() -> bool:
        return "Estuary worker: ready" in terminal.output and answers(f"{hour.web_url}/readyz")

    terminal.wait_for(is_up, "the worker was ready", UP_WITHIN_S if hour.linked else FETCHED_WITHIN_S)
    for warning in ("estuary.W003", "no_mail_server"):
        need(warning in terminal.output, f"nobody warns of {warning}:\n{terminal.output}")
    config = Estuary(httpx.Client(base_url=hour.web_url, trust_env=False)).get("/api/v1/payments/config/")
    need(config["publishable_key"] == hour.publishable_key, f"config/ says {config}")
    need((config["problem"], config["sandbox"]) == ("", False), f"config/ says {config}")


def _sign_up(hour: FirstHour) -> Estuary:
    estuary = Estuary(httpx.Client(base_url=hour.web_url, timeout=15, trust_env=False))
    return estuary.sign_up("newcomer@example.com", PASSWORD)


def _enter_admin(hour: FirstHour) -> None:
    with httpx.Client(base_url=hour.web_url, timeout=15, trust_env=False) as browser:
        browser.get("/admin/login/")
        form = {"username": STAFF, "password": PASSWORD, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        entered = browser.post("/admin/login/?next=/admin/", data=form, headers={"Referer": hour.web_url})
        need(entered.is_redirect, f"the account of createsuperuser can't sign in ({entered.status_code})")
        page = browser.get("/admin/", follow_redirects=True)
        secret = re.search(r">([A-Z2-7]{32})<", page.text)
        if secret is None:
            raise SelfCheckFailed("no second factor is asked for before the admin opens")
        form = {"code": code_of(secret[1]), "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        codes = browser.post(page.url, data=form, headers={"Referer": hour.web_url}).text
        need("Recovery codes" in codes, "the second factor can't be enrolled")
        need(
            "No mail server" in browser.get("/admin/").text,
            "the admin says nothing of the missing mail server",
        )


def _buy(hour: FirstHour, buyer: Estuary) -> None:
    services = buyer.get("/api/v1/services/", page_size="100")["results"]
    need(services, "there is nothing to sell")
    service = next(service for service in services if service["type"] == "session")
    price = next(price for price in service["prices"] if price["currency"] == "usd")
    slots = buyer.slots(service["id"])
    need(slots, "there is no free slot")
    payment = buyer.create_payment(
        service_id=service["id"],
        amount=price["amount"],
        payment_type="intent",
        scheduling_data={"start_datetime": slots[len(slots) // 2]},
    )
    stripe = httpx.Client(base_url=hour.stripe_url, timeout=15, trust_env=False)
    Browser(stripe, hour.publishable_key).pay(payment["client_secret"], GOOD)
    buyer.wait_for_order(payment["order_id"], "completed")
    need(buyer.bookings_of(payment["order_id"]), "the order is completed and nothing is booked")


def _read_mail(hour: FirstHour, processes: ProcessGroup) -> None:
    exports = [
        line for line in (hour.folder / "block.sh").read_text().splitlines() if line.startswith("export ")
    ]
    script = hour.folder / "worker.sh"
    start = "exec .venv/bin/python manage.py worker --only jobs"
    script.write_text(
        "\n".join([f"cd {hour.clone}", *exports, "export EMAIL_URL=console:", start]), encoding="utf-8"
    )
    worker = processes.start("worker", ["bash", "-e", str(script)], hour.environment())
    link = f"{hour.web_url}/verify-email/?key="
    processes.wait_for(lambda: link in worker.output, "The mail to confirm an address", MAILED_WITHIN_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
