"""What the environment says, typed and checked once at start: every problem is named in one message.

Only ``ESTUARY_SANDBOX=1`` supplies defaults; without it a missing variable refuses to start.
"""

import base64
import hashlib
import os
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from estuary.common.money import CURRENCIES
from estuary.common.origins import origin_of
from estuary.common.rates import Rate

BASE_DIR = Path(__file__).resolve().parents[2]

SANDBOX_DEFAULTS = {
    "stripe_secret_key": "sk_test_estuarysandbox",
    "stripe_publishable_key": "pk_test_estuarysandbox",
    "stripe_webhook_secret": "whsec_of_the_estuary_sandbox",
    "frontend_url": "http://localhost:8000",
    "stripe_api_base": "http://127.0.0.1:12111",
    # One machine plays all buyers, and trying cards is what a sandbox is for.
    "estuary_payment_limit": "10000/10m",
    "estuary_sync_limit": "10000/10m",
    "estuary_declines_allowed": "1000",
    "estuary_payment_limit_after_declines": "1000",
}
SECRET_MIN = 16  # of a webhook secret, after its prefix; Stripe's own have 32: a shorter one was cut
HOLD_MIN_S, HOLD_MAX_S = 60, 24 * 60 * 60
REQUIRED = {
    "stripe_secret_key": "your Stripe secret key, sk_live_… or sk_test_…",
    "stripe_webhook_secret": "the signing secret of the webhook endpoint, whsec_…",
    "frontend_url": "the URL of the storefront, such as https://estuary.example",
    "database_url": "postgresql://user:password@host:5432/name",
}


class Environment(BaseSettings):
    """The variables of the process; secrets are masked in every representation."""

    model_config = SettingsConfigDict(env_file=BASE_DIR / ".env", extra="ignore", env_ignore_empty=True)

    estuary_sandbox: bool = False
    estuary_debug: bool = False
    estuary_var: Path = BASE_DIR / ".var"

    stripe_secret_key: SecretStr = SecretStr("")
    stripe_publishable_key: str = Field(
        default="",
        validation_alias="NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY",
        description="named as the storefront names it",
    )
    stripe_webhook_secret: SecretStr = SecretStr("")
    stripe_api_base: str = ""
    stripe_http_client: str = ""
    stripe_js_url: str = Field(
        default="",
        description="sandbox only: its Stripe.js as the browser reaches it, if not at STRIPE_API_BASE",
    )
    frontend_url: str = ""
    database_url: SecretStr = SecretStr("")
    database_direct_url: SecretStr = Field(
        default=SecretStr(""), description="PostgreSQL itself, where DATABASE_URL leads to PgBouncer"
    )
    database_replica_url: SecretStr = Field(
        default=SecretStr(""), description="a streaming replica that answers what may be a moment old"
    )

    django_secret_key: SecretStr = SecretStr("")
    estuary_allowed_hosts: str = ""
    estuary_return_origins: str = ""
    estuary_currency: str = "usd"
    estuary_hold_s: int = Field(
        default=15 * 60, description="how long an unpaid order keeps its seats, in seconds"
    )
    estuary_payment_limit: str = Field(default="30/10m", description="payments a user may begin, in how long")
    estuary_sync_limit: str = Field(
        default="60/10m", description="orders a user may have looked up at Stripe"
    )
    estuary_declines_allowed: int = Field(
        default=5, ge=1, description="in a row, before the limit is another"
    )
    estuary_payment_limit_after_declines: int = Field(default=3, ge=1, description="in the same time")
    estuary_users_per_address: int = Field(
        default=5, ge=1, description="an address may do as much as so many users"
    )
    estuary_trusted_proxies: int | None = Field(
        default=None, ge=0, le=10, description="of ours, in a row before us; none is said: not known"
    )
    estuary_mail_from: str = "Estuary <hello@estuary.example>"
    estuary_staff_mail: str = ""
    email_url: SecretStr = SecretStr("")
    estuary_events_kept_days: int = Field(
        default=90, ge=31, description="how long settled events are kept; Stripe keeps its own for 30 days"
    )
    granian_workers: int = Field(default=1, ge=1, description="the web server reads it itself")
    granian_blocking_threads: int = Field(default=256, ge=1, description="in each; read likewise")
    estuary_worker_jobs: int = Field(default=2, ge=1, description="at once, in one worker")
    web_db_pool_size: int = Field(default=5, ge=1)
    web_inbox_pool_size: int = Field(default=1, ge=1, description="kept for events, which share one")

    estuary_metrics_token: SecretStr = SecretStr("")
    estuary_worker_metrics_port: int = Field(default=0, ge=0, le=65535, description="0: none")
    prometheus_multiproc_dir: Path | None = Field(default=None, description="shared by the web's processes")

    @model_validator(mode="before")
    @classmethod
    def sandbox_defaults(cls, values: dict[str, Any]) -> dict[str, Any]:
        if str(values.get("estuary_sandbox", "")).lower() in {"1", "true", "yes", "on"}:
            publishable = SANDBOX_DEFAULTS["stripe_publishable_key"]
            values.setdefault("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", publishable)
            for name, default in SANDBOX_DEFAULTS.items():
                values.setdefault(name, default)
        return values

    @model_validator(mode="after")
    def nothing_is_missing(self) -> Self:
        missing = [name for name in REQUIRED if not self._text(name)]
        if self.estuary_sandbox:
            missing = []
        problems = [f"  {name.upper()} is missing: set it to {REQUIRED[name]}" for name in missing]
        problems += self._contradictions()
        if problems:
            raise ValueError("\n" + "\n".join(problems))
        return self

    def _contradictions(self) -> list[str]:
        problems = []
        key = self.stripe_secret_key.get_secret_value()
        if key and not key.startswith(("sk_", "rk_")):
            problems.append(
                "  STRIPE_SECRET_KEY must begin with sk_ or rk_: copy it from the Stripe dashboard"
            )
        live = "_live_" in key
        if self.estuary_sandbox and live:
            problems.append(
                "  STRIPE_SECRET_KEY is a live key: unset ESTUARY_SANDBOX, or use the sandbox without it"
            )
        problems += self._bad_secrets() + self._known_to_everybody()
        problems += self._out_of_bounds() + self._bad_rates() + self._unscrapable() + self._no_replica()
        url = urlsplit(self.frontend_url)
        if live and url.scheme == "http":
            problems.append(
                "  FRONTEND_URL must begin with https:// with a live key: cookies would go in the clear"
            )
        if self.frontend_url and (url.scheme not in {"http", "https"} or not url.hostname or url.username):
            problems.append("  FRONTEND_URL must be an absolute http(s) URL, such as https://estuary.example")
        if self.stripe_http_client and not self.estuary_sandbox:
            problems.append("  STRIPE_HTTP_CLIENT is for the sandbox: unset it, or set ESTUARY_SANDBOX=1")
        if self.stripe_js_url and not self.estuary_sandbox:
            problems.append("  STRIPE_JS_URL is for the sandbox: unset it, or set ESTUARY_SANDBOX=1")
        return problems

    def _bad_secrets(self) -> list[str]:
        secrets = self.webhook_secrets
        if not self.stripe_webhook_secret.get_secret_value():
            return []
        if not secrets or not all(secret.startswith("whsec_") for secret in secrets):
            return ["  STRIPE_WEBHOOK_SECRET must begin with whsec_ (several: separate them by commas)"]
        if any(len(secret.removeprefix("whsec_")) < SECRET_MIN for secret in secrets):
            return [f"  STRIPE_WEBHOOK_SECRET is cut short: at least {SECRET_MIN} characters follow whsec_"]
        return []

    def _known_to_everybody(self) -> list[str]:
        """The sandbox's own secrets are public: with them anybody could sign events, and tokens."""
        if self.estuary_sandbox:
            return []
        told = {
            "stripe_webhook_secret": self.webhook_secrets,
            "stripe_secret_key": [self._text("stripe_secret_key")],
        }
        return [
            f"  {name.upper()} is the sandbox's, which everybody knows: use your own, or set ESTUARY_SANDBOX=1"
            for name, secrets in told.items()
            if SANDBOX_DEFAULTS[name] in secrets
        ]

    def _out_of_bounds(self) -> list[str]:
        problems = []
        if self.estuary_currency.lower() not in CURRENCIES:
            problems.append(
                "  ESTUARY_CURRENCY must be one that Stripe takes, by its three letters, such as usd"
            )
        if not HOLD_MIN_S <= self.estuary_hold_s <= HOLD_MAX_S:
            problems.append(
                f"  ESTUARY_HOLD_S must be from {HOLD_MIN_S} (a minute) to {HOLD_MAX_S} (a day), in seconds"
            )
        return problems

    def _bad_rates(self) -> list[str]:
        problems = []
        for name in ("estuary_payment_limit", "estuary_sync_limit"):
            try:
                Rate.parse(getattr(self, name))
            except ValueError as error:
                problems.append(f"  {name.upper()} is not a rate: {error}")
        return problems

    def _unscrapable(self) -> list[str]:
        problems = []
        token, where = self._text("estuary_metrics_token"), self.prometheus_multiproc_dir
        if token and (len(token) < SECRET_MIN or not token.isascii() or not token.isprintable()):
            problems.append(
                f"  ESTUARY_METRICS_TOKEN must be {SECRET_MIN} plain characters or more: make one at random"
            )
        if self.estuary_worker_metrics_port and not token:
            problems.append(
                "  ESTUARY_WORKER_METRICS_PORT needs ESTUARY_METRICS_TOKEN: nobody could scrape it"
            )
        if where and not (where.is_dir() and os.access(where, os.W_OK)):
            problems.append("  PROMETHEUS_MULTIPROC_DIR must be a folder that this process can write to")
        return problems

    def _no_replica(self) -> list[str]:
        replica = self._text("database_replica_url")
        if not replica:
            return []
        if urlsplit(replica).scheme not in {"postgresql", "postgres"}:
            return ["  DATABASE_REPLICA_URL must be postgresql://user:password@host:5432/name"]
        if not self._text("database_url"):
            return ["  DATABASE_REPLICA_URL needs DATABASE_URL: the embedded PostgreSQL has no replica"]
        if replica in {self._text("database_url"), self._text("database_direct_url")}:
            return ["  DATABASE_REPLICA_URL leads to the primary: unset it, or set it to a streaming replica"]
        return []

    def _text(self, name: str) -> str:
        value = getattr(self, name)
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    @property
    def sandbox_js_url(self) -> str:
        """Where the browser finds the sandbox's Stripe.js; empty on real Stripe, which serves its own."""
        if not self.estuary_sandbox:
            return ""
        return self.stripe_js_url or f"{self.stripe_api_base.rstrip('/')}/v3/stripe.js"

    @property
    def webhook_secrets(self) -> list[str]:
        """Every secret a webhook may be signed with: two during a rotation, never an empty one."""
        return [
            part.strip() for part in self.stripe_webhook_secret.get_secret_value().split(",") if part.strip()
        ]

    @property
    def secret_key(self) -> str:
        """Django's key; derived one-way from the Stripe key when unset, so that three variables are enough."""
        if given := self.django_secret_key.get_secret_value():
            return given
        seed = b"estuary:django-secret-key:" + self.stripe_secret_key.get_secret_value().encode()
        return base64.b85encode(hashlib.blake2b(seed, digest_size=64).digest()).decode()

    @property
    def served_over_https(self) -> bool:
        return self.frontend_url.startswith("https://")

    @property
    def allowed_hosts(self) -> list[str]:
        named = [host.strip() for host in self.estuary_allowed_hosts.split(",") if host.strip()]
        return [urlsplit(self.frontend_url).hostname or "", "localhost", "127.0.0.1", "[::1]", *named]

    @property
    def return_origins(self) -> frozenset[str]:
        """The origins a buyer may be sent back to after a hosted checkout."""
        named = [origin.strip() for origin in self.estuary_return_origins.split(",") if origin.strip()]
        return frozenset(origin_of(url) for url in [self.frontend_url, *named])


def read_environment() -> Environment:
    """Read and check the environment; raises ImproperlyConfigured that names everything wrong at once."""
    try:
        return Environment()
    except ValidationError as error:
        lines = [_line(issue["loc"], str(issue["msg"])) for issue in error.errors()]
        hint = "\nTo try Estuary without an account, run `make demo`, which sets ESTUARY_SANDBOX=1."
        raise ImproperlyConfigured("Estuary cannot start:\n" + "\n".join(lines) + hint) from None


def _line(variable: tuple[int | str, ...], message: str) -> str:
    """Return one line on what is wrong; checks of our own name the variable themselves, pydantic's do not."""
    message = message.removeprefix("Value error, ").strip("\n")
    return f"  {str(variable[0]).upper()}: {message}" if variable else message
