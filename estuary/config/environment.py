"""The environment variables, typed and checked once at start: one message names every problem.

Only ``ESTUARY_SANDBOX=1`` supplies defaults; without it a missing variable refuses to start.
"""

import base64
import hashlib
import importlib.util
import os
from collections.abc import Iterable, Iterator
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, PositiveInt, SecretStr, ValidationError, model_validator
from pydantic_settings import SettingsConfigDict

from estuary.common import stripe_keys
from estuary.common.api.rates import Rate
from estuary.common.money import CURRENCIES
from estuary.common.origins import origin_of
from estuary.config import server_urls
from estuary.config.seller import SANDBOX_SELLER, SellerEnvironment

BASE_DIR = Path(__file__).resolve().parents[2]

SANDBOX_DEFAULTS = {
    "stripe_secret_key": "sk_test_estuarysandbox",
    "stripe_publishable_key": "pk_test_estuarysandbox",
    "stripe_webhook_secret": "whsec_of_the_estuary_sandbox",
    "frontend_url": "http://localhost:8000",
    "stripe_api_base": "http://127.0.0.1:12111",
    # All buyers share one machine, and trying cards is the purpose of a sandbox.
    "estuary_payment_limit": "10000/10m",
    "estuary_sync_limit": "10000/10m",
    "estuary_declines_allowed": "1000",
    "estuary_payment_limit_after_declines": "1000",
    "estuary_holds_per_newcomer": "1000",
    "estuary_holds_per_buyer": "1000",
    "estuary_unpaid_holds_per_day": "1000",
    **SANDBOX_SELLER,
}
PUBLISHABLE = "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY"
TOKEN_MIN = 16
HOLD_MIN_S, HOLD_MAX_S = 60, 24 * 60 * 60
# A hundred years: dates before the year 1 can't be computed.
KEPT_DAYS_MAX = 36_500
REQUIRED = {
    "stripe_secret_key": "your Stripe secret key, sk_live_… or sk_test_…",
    "stripe_webhook_secret": "the signing secret of the webhook endpoint, whsec_…",
    "frontend_url": "the URL of the storefront, such as https://estuary.example",
    "database_url": "postgresql://user:password@host:5432/name",
}


class Environment(SellerEnvironment):
    """The environment variables; secrets are masked in every representation."""

    model_config = SettingsConfigDict(env_file=BASE_DIR / ".env", extra="ignore", env_ignore_empty=True)

    estuary_sandbox: bool = False
    estuary_debug: bool = False
    estuary_var: Path = BASE_DIR / ".var"

    stripe_secret_key: SecretStr = SecretStr("")
    # The storefront reads the same variable.
    stripe_publishable_key: str = Field(default="", validation_alias=PUBLISHABLE)
    stripe_webhook_secret: SecretStr = SecretStr("")
    stripe_api_base: str = ""
    stripe_http_client: str = ""
    stripe_js_url: str = ""
    frontend_url: str = ""
    database_url: SecretStr = SecretStr("")
    database_direct_url: SecretStr = SecretStr("")
    database_replica_url: SecretStr = SecretStr("")

    django_secret_key: SecretStr = SecretStr("")
    estuary_allowed_hosts: str = ""
    estuary_return_origins: str = ""
    estuary_cors_origins: str = ""
    # More Django apps of one's own, with receivers of our signals.
    estuary_apps: str = ""
    estuary_currency: str = "usd"
    estuary_hold_s: int = 15 * 60
    estuary_bank_hold_days: int = Field(default=7, ge=1, le=30)
    estuary_payment_limit: str = "30/10m"
    estuary_sync_limit: str = "60/10m"
    estuary_declines_allowed: PositiveInt = 5
    estuary_payment_limit_after_declines: PositiveInt = 3
    # The limits of an IP address, as a multiple of a user's.
    estuary_users_per_address: PositiveInt = 5
    # Unpaid orders with holds: of a buyer who has never paid, and of one who has.
    estuary_holds_per_newcomer: PositiveInt = 1
    estuary_holds_per_buyer: PositiveInt = 5
    # Holds that may expire unpaid per day, for each allowed hold.
    estuary_unpaid_holds_per_day: PositiveInt = 5
    # Our own proxies in a row; unset: unknown.
    estuary_trusted_proxies: int | None = Field(default=None, ge=0, le=10)
    estuary_mail_from: str = "Estuary <hello@estuary.example>"
    # Unset: the address in ESTUARY_MAIL_FROM.
    estuary_contact_mail: str = ""
    # Markdown files in place of our pages of text.
    estuary_pages: Path | None = None
    estuary_staff_mail: str = ""
    # Unset: required outside the sandbox.
    estuary_staff_second_factor: bool | None = None
    email_url: SecretStr = SecretStr("")
    # Stripe keeps its own for 30 days.
    estuary_events_kept_days: int = Field(default=90, ge=31, le=KEPT_DAYS_MAX)
    estuary_dead_events_kept_days: int = Field(default=365, ge=31, le=KEPT_DAYS_MAX)
    estuary_attempts_kept_days: int = Field(default=2, ge=2, le=KEPT_DAYS_MAX)
    estuary_idempotency_keys_kept_days: int = Field(default=7, ge=1, le=KEPT_DAYS_MAX)
    estuary_failed_jobs_kept_days: int = Field(default=30, ge=1, le=KEPT_DAYS_MAX)
    estuary_mails_kept_days: int = Field(default=400, ge=31, le=KEPT_DAYS_MAX)
    estuary_setup_intents_kept_days: int = Field(default=30, ge=1, le=KEPT_DAYS_MAX)
    # Granian reads these two itself.
    granian_workers: PositiveInt = 1
    granian_blocking_threads: PositiveInt = 256
    estuary_worker_jobs: PositiveInt = 2
    web_db_pool_size: PositiveInt = 5
    web_inbox_pool_size: PositiveInt = 1

    estuary_metrics_token: SecretStr = SecretStr("")
    estuary_worker_metrics_port: int = Field(default=0, ge=0, le=65535)
    # Shared by the web server's processes.
    prometheus_multiproc_dir: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def apply_sandbox_defaults(cls, values: dict[str, Any]) -> dict[str, Any]:
        if str(values.get("estuary_sandbox", "")).lower() in {"1", "true", "yes", "on"}:
            values.setdefault(PUBLISHABLE, SANDBOX_DEFAULTS["stripe_publishable_key"])
            for name, default in SANDBOX_DEFAULTS.items():
                values.setdefault(name, default)
        return values

    @model_validator(mode="after")
    def check_environment(self) -> Self:
        missing = [] if self.estuary_sandbox else [name for name in REQUIRED if not self._text(name)]
        problems = [f"{name.upper()} is missing: set it to {REQUIRED[name]}" for name in missing]
        problems += [
            *self._find_key_problems(),
            *self._find_url_problems(),
            *self._find_exposed_secrets(),
            *self._find_sandbox_conflicts(),
            *self._find_public_secrets(),
            *self._find_out_of_range(),
            *self._find_metrics_problems(),
            *self._find_replica_problems(),
            *self._find_app_problems(),
            *self._find_page_problems(),
            *self.find_seller_problems(),
        ]
        if problems:
            raise ValueError("\n".join(f"  {problem}" for problem in problems))
        return self

    def _find_key_problems(self) -> Iterable[str]:
        secret, publishable = self._text("stripe_secret_key"), self.stripe_publishable_key
        signing = self._text("stripe_webhook_secret")
        checked = [
            ("STRIPE_SECRET_KEY", secret, stripe_keys.SECRET),
            (PUBLISHABLE, publishable, stripe_keys.PUBLISHABLE),
            # A lone comma is checked as a secret, and so is reported.
            *(
                ("STRIPE_WEBHOOK_SECRET", value, stripe_keys.SIGNING)
                for value in self.webhook_secrets or [signing]
            ),
        ]
        problems = [
            f"{name} {problem}"
            for name, value, kind in checked
            if value and (problem := stripe_keys.find_problem(value, kind, exact=not self.estuary_sandbox))
        ]
        mismatch = stripe_keys.find_mismatch(secret, publishable)
        return dict.fromkeys([*problems, mismatch] if mismatch else problems)

    def _find_url_problems(self) -> Iterable[str]:
        live = stripe_keys.find_mode(self._text("stripe_secret_key")) == "live"
        if self.frontend_url:
            yield from server_urls.find_frontend_problems(self.frontend_url, live=live)
        problems = {
            server_urls.find_origin_problem(url) for url in _split_commas(self.estuary_return_origins)
        }
        problems |= {
            server_urls.find_cors_problem(url, live=live) for url in _split_commas(self.estuary_cors_origins)
        }
        if self.stripe_api_base:
            problems.add(server_urls.find_api_base_problem(self.stripe_api_base, live=live))
        for name in ("database_url", "database_direct_url"):
            if url := self._text(name):
                problems.add(server_urls.find_database_problem(name.upper(), url))
        if url := self._text("email_url"):
            problems.add(server_urls.find_mail_problem(url, live=live))
        yield from sorted(problems - {""})

    def _find_app_problems(self) -> list[str]:
        missing = [str(number) for number, app in enumerate(self.apps, start=1) if not _is_importable(app)]
        return [
            f"ESTUARY_APPS names an app that Python can't find, number {number} of its list: install it beside "
            "estuary, or add its folder to PYTHONPATH"
            for number in missing
        ]

    def _find_page_problems(self) -> Iterator[str]:
        if "@" not in self.contact_email:
            yield "ESTUARY_CONTACT_MAIL must be an address such as help@estuary.example"
        if self.estuary_pages and not self.estuary_pages.is_dir():
            yield "ESTUARY_PAGES must be a folder with Markdown files, such as terms.md"

    def _find_exposed_secrets(self) -> list[str]:
        """Return a problem for each variable that is not kept secret but holds a Stripe secret."""
        return [
            f"{name.upper()} holds a secret of Stripe's, and is not kept secret: take it out"
            for name in type(self).model_fields
            if name != "stripe_publishable_key"
            and not isinstance(getattr(self, name), SecretStr)
            and stripe_keys.SECRET_PATTERN.search(str(getattr(self, name)))
        ]

    def _find_sandbox_conflicts(self) -> list[str]:
        if self.estuary_sandbox:
            keys = {
                "STRIPE_SECRET_KEY": self._text("stripe_secret_key"),
                PUBLISHABLE: self.stripe_publishable_key,
            }
            return [
                f"{name} is a live key: unset ESTUARY_SANDBOX, or use the sandbox without it"
                for name, key in keys.items()
                if stripe_keys.find_mode(key) == "live"
            ]
        return [
            f"{name.upper()} is for the sandbox: unset it, or set ESTUARY_SANDBOX=1"
            for name in ("stripe_http_client", "stripe_js_url")
            if self._text(name)
        ]

    def _find_public_secrets(self) -> list[str]:
        """Report the sandbox's secrets outside of the sandbox: they are public, and could sign events and tokens."""
        if self.estuary_sandbox:
            return []
        values = {
            "stripe_webhook_secret": self.webhook_secrets,
            "stripe_secret_key": [self._text("stripe_secret_key")],
        }
        return [
            f"{name.upper()} is the sandbox's, which everybody knows: use your own, or set ESTUARY_SANDBOX=1"
            for name, secrets in values.items()
            if SANDBOX_DEFAULTS[name] in secrets
        ]

    def _find_out_of_range(self) -> Iterator[str]:
        if self.estuary_currency.lower() not in CURRENCIES:
            yield "ESTUARY_CURRENCY must be one that Stripe takes, by its three letters, such as usd"
        if not HOLD_MIN_S <= self.estuary_hold_s <= HOLD_MAX_S:
            yield f"ESTUARY_HOLD_S must be from {HOLD_MIN_S} (a minute) to {HOLD_MAX_S} (a day), in seconds"
        for name in ("estuary_payment_limit", "estuary_sync_limit"):
            try:
                Rate.parse(getattr(self, name))
            except ValueError as error:
                yield f"{name.upper()} is not a rate: {error}"

    def _find_metrics_problems(self) -> Iterator[str]:
        token, where = self._text("estuary_metrics_token"), self.prometheus_multiproc_dir
        if token and (len(token) < TOKEN_MIN or not token.isascii() or not token.isprintable()):
            yield f"ESTUARY_METRICS_TOKEN must be {TOKEN_MIN} plain characters or more: make one at random"
        if self.estuary_worker_metrics_port and not token:
            yield "ESTUARY_WORKER_METRICS_PORT needs ESTUARY_METRICS_TOKEN: nobody could scrape it"
        if where and not (where.is_dir() and os.access(where, os.W_OK)):
            yield "PROMETHEUS_MULTIPROC_DIR must be a folder that this process can write to"

    def _find_replica_problems(self) -> Iterator[str]:
        if not (replica := self._text("database_replica_url")):
            return
        if problem := server_urls.find_database_problem("DATABASE_REPLICA_URL", replica):
            yield problem
        elif not self._text("database_url"):
            yield "DATABASE_REPLICA_URL needs DATABASE_URL: the embedded PostgreSQL has no replica"
        elif replica in {self._text("database_url"), self._text("database_direct_url")}:
            yield "DATABASE_REPLICA_URL leads to the primary: unset it, or set it to a streaming replica"

    def _text(self, name: str) -> str:
        value = getattr(self, name)
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    @property
    def sandbox_js_url(self) -> str:
        """The URL of the sandbox's Stripe.js for the browser; empty with real Stripe."""
        if not self.estuary_sandbox:
            return ""
        return self.stripe_js_url or f"{self.stripe_api_base.rstrip('/')}/v3/stripe.js"

    @property
    def webhook_secrets(self) -> list[str]:
        """Every secret that may sign a webhook: two during a rotation, never an empty one."""
        return _split_commas(self.stripe_webhook_secret.get_secret_value())

    @property
    def secret_key(self) -> str:
        """Django's secret key; derived one-way from the Stripe key if unset, so that three variables are enough."""
        if configured := self.django_secret_key.get_secret_value():
            return configured
        seed = b"estuary:django-secret-key:" + self.stripe_secret_key.get_secret_value().encode()
        return base64.b85encode(hashlib.blake2b(seed, digest_size=64).digest()).decode()

    @property
    def contact_email(self) -> str:
        """The address that people write to for help."""
        return self.estuary_contact_mail or parseaddr(self.estuary_mail_from)[1]

    @property
    def served_over_https(self) -> bool:
        return urlsplit(self.frontend_url).scheme == "https"

    @property
    def apps(self) -> list[str]:
        """Django apps of one's own, as in INSTALLED_APPS."""
        return _split_commas(self.estuary_apps)

    @property
    def allowed_hosts(self) -> list[str]:
        extra_hosts = _split_commas(self.estuary_allowed_hosts)
        return [urlsplit(self.frontend_url).hostname or "", "localhost", "127.0.0.1", "[::1]", *extra_hosts]

    @property
    def return_origins(self) -> frozenset[str]:
        """The origins that a buyer may return to after a hosted checkout."""
        return frozenset(
            origin_of(url) for url in [self.frontend_url, *_split_commas(self.estuary_return_origins)]
        )

    @property
    def cors_origins(self) -> list[str]:
        """The origins whose pages may call the API from a browser."""
        return sorted({origin_of(url) for url in _split_commas(self.estuary_cors_origins)})


def read_environment() -> Environment:
    """Read and check the environment; raises ImproperlyConfigured that names everything wrong at once."""
    try:
        return Environment()
    except ValidationError as error:
        lines = [_describe_problem(issue["loc"], str(issue["msg"])) for issue in error.errors()]
        lines += _find_other_problems(error)
    hint = "\nTo try Estuary without an account, run `make demo`, which sets ESTUARY_SANDBOX=1."
    raise ImproperlyConfigured("Estuary cannot start:\n" + "\n".join(lines) + hint)


def _find_other_problems(error: ValidationError) -> list[str]:
    """Return the other problems: a value of the wrong type ends validation before our own checks."""
    unreadable = {str(issue["loc"][0]) for issue in error.errors() if issue["loc"]}
    if not unreadable:
        return []
    try:
        Environment(**{name: Environment.model_fields[name].default for name in unreadable})
    except ValidationError as others:
        return [_describe_problem(issue["loc"], str(issue["msg"])) for issue in others.errors()]
    return []


def _describe_problem(variable: tuple[int | str, ...], message: str) -> str:
    """Return one line per problem; our own checks name the variable themselves, pydantic's do not."""
    message = message.removeprefix("Value error, ").strip("\n")
    return f"  {str(variable[0]).upper()}: {message}" if variable else message


def _split_commas(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_importable(app: str) -> bool:
    """Whether Python finds a module, or the module of a class such as ``shop.apps.ShopConfig``."""
    module = app.rpartition(".")[0] if app.rpartition(".")[2][:1].isupper() else app
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
