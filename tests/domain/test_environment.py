"""What the environment must say before anything starts, and what is said when it does not."""

import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from estuary.config.environment import BASE_DIR, REQUIRED, Environment, read_environment

REAL = {
    "STRIPE_SECRET_KEY": "sk_live_0123456789abcdef",
    "STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef",
    "FRONTEND_URL": "https://estuary.example",
    "DATABASE_URL": "postgresql://estuary:secret@db.internal:5432/estuary",
}

PK = "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY"


def reading(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Environment:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return read_environment()


def test_every_missing_variable_is_named_in_one_message(bare: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        reading(bare)
    for name in REQUIRED:
        assert f"{name.upper()} is missing" in str(refused.value)


@pytest.mark.parametrize("name", sorted(REAL))
def test_each_variable_is_required_by_itself(bare: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{name} is missing"):
        reading(bare, **{key: value for key, value in REAL.items() if key != name})


@pytest.mark.parametrize("name", sorted(REAL))
def test_an_empty_variable_is_a_missing_one(bare: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        reading(bare, **REAL | {name: ""})


def test_four_variables_are_enough_and_the_sandbox_is_out_of_the_picture(bare: pytest.MonkeyPatch) -> None:
    env = reading(bare, **REAL)
    assert (env.estuary_sandbox, env.stripe_api_base, env.stripe_http_client) == (False, "", "")
    assert env.sandbox_js_url == ""
    assert env.allowed_hosts[0] == "estuary.example"
    assert env.return_origins == {"https://estuary.example"}


def test_origins_of_other_frontends_are_read_as_browsers_name_them(bare: pytest.MonkeyPatch) -> None:
    assert reading(bare, **REAL).cors_origins == []
    listed = "https://Shop.example:443/, https://app.example:8443"
    env = reading(bare, **REAL, ESTUARY_CORS_ORIGINS=listed)
    assert env.cors_origins == ["https://app.example:8443", "https://shop.example"]
    local = {"STRIPE_SECRET_KEY": "sk_test_0123456789abcdef", "ESTUARY_CORS_ORIGINS": "http://localhost:5173"}
    assert reading(bare, **REAL | local).cors_origins == ["http://localhost:5173"]


def test_the_sandbox_supplies_every_default(bare: pytest.MonkeyPatch) -> None:
    env = reading(bare, ESTUARY_SANDBOX="1")
    assert env.stripe_secret_key.get_secret_value().startswith("sk_test_")
    assert env.stripe_api_base == "http://127.0.0.1:12111"
    assert env.sandbox_js_url == "http://127.0.0.1:12111/v3/stripe.js"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"STRIPE_WEBHOOK_SECRET": "whsec_"}, "STRIPE_WEBHOOK_SECRET is cut short"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcde"}, "STRIPE_WEBHOOK_SECRET is cut short"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef,whsec_"}, "STRIPE_WEBHOOK_SECRET is cut short"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef,secret"}, "must begin with whsec_"),
        ({"ESTUARY_CURRENCY": "dollars"}, "ESTUARY_CURRENCY must be one"),
        ({"ESTUARY_CURRENCY": "xyz"}, "ESTUARY_CURRENCY must be one"),
        ({"ESTUARY_CURRENCY": "ǆab"}, "ESTUARY_CURRENCY must be one"),
        *(
            ({f"ESTUARY_{name}_KEPT_DAYS": "36501"}, "less than or equal to 36500")
            for name in (
                "EVENTS",
                "DEAD_EVENTS",
                "ATTEMPTS",
                "IDEMPOTENCY_KEYS",
                "FAILED_JOBS",
                "MAILS",
                "SETUP_INTENTS",
            )
        ),
        ({"ESTUARY_HOLD_S": "59"}, "ESTUARY_HOLD_S must be from 60"),
        ({"ESTUARY_HOLD_S": "86401"}, "ESTUARY_HOLD_S must be from 60"),
        ({"ESTUARY_HOLD_S": "-900"}, "ESTUARY_HOLD_S must be from 60"),
        ({"ESTUARY_HOLD_S": "soon"}, "ESTUARY_HOLD_S: Input should be a valid integer"),
        ({"WEB_DB_POOL_SIZE": "0"}, "WEB_DB_POOL_SIZE: Input should be greater"),
        ({"GRANIAN_WORKERS": "0"}, "GRANIAN_WORKERS: Input should be greater"),
        ({"GRANIAN_BLOCKING_THREADS": "many"}, "GRANIAN_BLOCKING_THREADS: Input should be a valid integer"),
        ({"ESTUARY_WORKER_JOBS": "0"}, "ESTUARY_WORKER_JOBS: Input should be greater"),
        ({"ESTUARY_METRICS_TOKEN": "short"}, "ESTUARY_METRICS_TOKEN must be 16 plain characters"),
        ({"ESTUARY_METRICS_TOKEN": "a-tökén-with-letters"}, "ESTUARY_METRICS_TOKEN must be 16 plain"),
        ({"ESTUARY_WORKER_METRICS_PORT": "9101"}, "needs ESTUARY_METRICS_TOKEN"),
        ({"PROMETHEUS_MULTIPROC_DIR": "/nowhere/at/all"}, "PROMETHEUS_MULTIPROC_DIR must be a folder"),
        ({"DATABASE_REPLICA_URL": "mysql://replica.internal/estuary"}, "REPLICA_URL must be postgresql://"),
        ({"DATABASE_REPLICA_URL": REAL["DATABASE_URL"]}, "REPLICA_URL leads to the primary"),
        ({"STRIPE_WEBHOOK_SECRET": " , "}, "STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_WEBHOOK_SECRET": "secret"}, "must begin with whsec_"),
        ({"STRIPE_SECRET_KEY": "pk_live_x"}, "must begin with sk_"),
        ({"FRONTEND_URL": "estuary.example"}, "FRONTEND_URL must be an absolute"),
        ({"FRONTEND_URL": "https://user@estuary.example"}, "FRONTEND_URL must be an absolute"),
        ({"STRIPE_HTTP_CLIENT": "stripe_sandbox.inprocess.client"}, "STRIPE_HTTP_CLIENT is for the sandbox"),
        ({"ESTUARY_SANDBOX": "1"}, "is a live key"),
        (
            {
                "ESTUARY_SANDBOX": "1",
                "STRIPE_SECRET_KEY": "sk_test_estuarysandbox",
                PK: "pk_live_0123456789abcdef",
            },
            f"{PK} is a live key: unset ESTUARY_SANDBOX",
        ),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_of_the_estuary_sandbox"}, "SECRET is the sandbox's"),
        (
            {"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef,whsec_of_the_estuary_sandbox"},
            "SECRET is the sandbox's",
        ),
        ({"STRIPE_SECRET_KEY": "sk_test_estuarysandbox"}, "STRIPE_SECRET_KEY is the sandbox's"),
        ({"STRIPE_SECRET_KEY": "whsec_0123456789abcdef"}, "SECRET_KEY is the signing secret"),
        ({"STRIPE_SECRET_KEY": "acct_1AbCdEfGhIjKlMnO"}, "SECRET_KEY is the id of an account"),
        ({"STRIPE_SECRET_KEY": "sk_org_live_0123456789abcdef"}, "SECRET_KEY is the key of a Stripe org"),
        ({"STRIPE_SECRET_KEY": "sk_0123456789abcdef01234567"}, "SECRET_KEY says neither _live_ nor _test_"),
        (
            {"STRIPE_SECRET_KEY": "SK_LIVE_0123456789abcdef"},
            "SECRET_KEY must begin with sk_ or rk_, in lower",
        ),
        ({"STRIPE_SECRET_KEY": "sk_live_…"}, "SECRET_KEY holds an ellipsis"),
        ({"STRIPE_SECRET_KEY": "sk_live_51Ab...cdef0123"}, "SECRET_KEY holds an ellipsis"),
        ({"STRIPE_SECRET_KEY": "sk_live_51Ab••••••••cdef"}, "SECRET_KEY holds an ellipsis"),
        ({"STRIPE_SECRET_KEY": "sk_live_0123456789abcdef\n"}, "SECRET_KEY holds a line break"),
        ({"STRIPE_SECRET_KEY": " sk_live_0123456789abcdef"}, "SECRET_KEY holds a space"),
        ({"STRIPE_SECRET_KEY": '"sk_live_0123456789abcdef"'}, "SECRET_KEY holds a quotation mark"),
        ({"STRIPE_SECRET_KEY": "“sk_live_0123456789abcdef”"}, "SECRET_KEY holds a quotation mark"),
        ({"STRIPE_SECRET_KEY": "sk_live_\u200b0123456789abcdef"}, "SECRET_KEY holds an invisible character"),
        ({"STRIPE_SECRET_KEY": "sk_live_0123456789аbcdef"}, "SECRET_KEY holds a letter of another alphabet"),
        ({"STRIPE_SECRET_KEY": "sk_live_0123456789-abcdef"}, "SECRET_KEY holds a sign"),
        ({"STRIPE_SECRET_KEY": "sk_live_xxx"}, "SECRET_KEY is a placeholder"),
        ({"STRIPE_SECRET_KEY": "sk_live_XXXXXXXXXXXXXXXXXXXXXXXX"}, "SECRET_KEY is a placeholder"),
        ({"STRIPE_SECRET_KEY": "sk_live_your_secret_key_here"}, "SECRET_KEY is a placeholder"),
        ({"STRIPE_SECRET_KEY": "sk_live_0123456789abcde"}, "SECRET_KEY is cut short"),
        ({"STRIPE_SECRET_KEY": "sk_live_" + "a1B2" * 80}, "SECRET_KEY is longer than 255"),
        ({PK: "sk_live_0123456789abcdef"}, f"{PK} is a secret key: it must begin with pk_.*roll the secret"),
        ({PK: "rk_live_0123456789abcdef"}, f"{PK} is a restricted key, which is secret"),
        ({PK: "whsec_0123456789abcdef"}, f"{PK} is the signing secret"),
        ({PK: "'sk_live_0123456789abcdef"}, f"{PK} is a secret key"),
        ({PK: "\ufeffsk_live_0123456789abcdef"}, f"{PK} is a secret key"),
        ({PK: "SK_LIVE_0123456789abcdef"}, f"{PK} is a secret key"),
        ({PK: "pk_live_0123456789abcdefsk_live_0123456789abcdef"}, f"{PK} holds a secret"),
        ({PK: "pk_live_0123456789abcdef sk_live_0123456789abcdef"}, f"{PK} holds a secret"),
        ({PK: "https://estuary.example"}, f"{PK} must begin with pk_"),
        ({PK: "pk_test_0123456789abcdef"}, f"{PK} is a test key and STRIPE_SECRET_KEY is a live key"),
        ({PK: "pk_live_…"}, f"{PK} holds an ellipsis"),
        ({PK: "pk_live_xxx"}, f"{PK} is a placeholder"),
        ({"ESTUARY_MAIL_FROM": "sk_live_0123456789abcdef"}, "ESTUARY_MAIL_FROM holds a secret of Stripe's"),
        ({"ESTUARY_ALLOWED_HOSTS": "whsec_0123456789abcdef"}, "ALLOWED_HOSTS holds a secret of Stripe's"),
        ({"STRIPE_WEBHOOK_SECRET": "sk_live_0123456789abcdef"}, "WEBHOOK_SECRET is a secret key"),
        ({"STRIPE_WEBHOOK_SECRET": "we_1AbCdEfGhIjKlMnO"}, "WEBHOOK_SECRET is the id of a webhook endpoint"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_…"}, "WEBHOOK_SECRET holds an ellipsis"),
        (
            {"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef whsec_fedcba9876543210"},
            "WEBHOOK_SECRET holds a sp",
        ),
        (
            {"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef;whsec_fedcba9876543210"},
            "WEBHOOK_SECRET holds a si",
        ),
        ({"STRIPE_API_BASE": "https://proxy.example"}, "STRIPE_API_BASE leads elsewhere"),
        ({"STRIPE_API_BASE": "http://127.0.0.1:12111"}, "STRIPE_API_BASE leads elsewhere"),
        ({"STRIPE_API_BASE": "http://api.stripe.com"}, "STRIPE_API_BASE leads elsewhere"),
        ({"STRIPE_API_BASE": "127.0.0.1:12111"}, "STRIPE_API_BASE must be an absolute"),
        ({"STRIPE_API_BASE": "https://api.stripe.com/v1"}, "STRIPE_API_BASE must end behind the host"),
        ({"FRONTEND_URL": "https://estuary.example/shop"}, "FRONTEND_URL must end behind the host"),
        ({"FRONTEND_URL": "https://estuary.example/?x=1"}, "FRONTEND_URL must end behind the host"),
        ({"FRONTEND_URL": "https://YOUR-HOST"}, "FRONTEND_URL still names the example's host"),
        ({"FRONTEND_URL": "https://localhost"}, "FRONTEND_URL is this machine alone"),
        ({"FRONTEND_URL": "https://127.0.0.1:8000"}, "FRONTEND_URL is this machine alone"),
        ({"FRONTEND_URL": "https://[::1"}, "FRONTEND_URL must be an absolute"),
        ({"FRONTEND_URL": "https://estuary.example:port"}, "FRONTEND_URL must be an absolute"),
        ({"FRONTEND_URL": "https://estuary .example"}, "FRONTEND_URL must be an absolute"),
        ({"FRONTEND_URL": "https://estuary.example\u200b"}, "FRONTEND_URL must be an absolute"),
        ({"DATABASE_URL": "mysql://estuary@db/estuary"}, "DATABASE_URL must be postgresql://"),
        (
            {"DATABASE_URL": "postgresql://estuary:se/cr:et@db:5432/estuary"},
            "DATABASE_URL must be postgresql://",
        ),
        ({"EMAIL_URL": "smtp://me:se/cr:et@post.example:587"}, "EMAIL_URL must be smtp://"),
        ({"EMAIL_URL": "post.example"}, "EMAIL_URL must be smtp://"),
        ({"EMAIL_URL": "console:"}, "EMAIL_URL is console:"),
        ({"ESTUARY_RETURN_ORIGINS": "https://app.example, app2.example"}, "ESTUARY_RETURN_ORIGINS must be"),
        ({"FRONTEND_URL": "http://estuary.example"}, "must begin with https:// with a live key"),
        ({"ESTUARY_CORS_ORIGINS": "*"}, "ESTUARY_CORS_ORIGINS must be origins"),
        ({"ESTUARY_CORS_ORIGINS": "shop.example"}, "ESTUARY_CORS_ORIGINS must be origins"),
        ({"ESTUARY_CORS_ORIGINS": "null"}, "ESTUARY_CORS_ORIGINS must be origins"),
        ({"ESTUARY_CORS_ORIGINS": "https://*.shop.example"}, "ESTUARY_CORS_ORIGINS must be origins"),
        ({"ESTUARY_CORS_ORIGINS": "https://shop.example/app"}, "ESTUARY_CORS_ORIGINS must be origins"),
        ({"ESTUARY_CORS_ORIGINS": "https://shop.example https://b.example"}, "must be origins"),
        ({"ESTUARY_CORS_ORIGINS": "https://shop.example, http://b.example"}, "must begin with https://"),
        ({"ESTUARY_APPS": "estuary.orders, no_such_app"}, "can't find, number 2 of its list"),
        ({"ESTUARY_APPS": "no_such_app.apps.ShopConfig"}, "can't find, number 1 of its list"),
    ],
)
def test_contradictions_refuse_to_start_and_are_named(
    bare: pytest.MonkeyPatch, changed: dict[str, str], message: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=message):
        reading(bare, **REAL | changed)


@pytest.mark.parametrize(
    ("secret", "publishable"),
    [
        # As Stripe has issued them: in 2012, today, a restricted one, the longest that Stripe allows for.
        ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "pk_live_TYooMQauvdEDq54NiTphI7jx"),
        ("sk_live_51" + "aB3" * 32 + "c", "pk_live_51" + "aB3" * 32 + "c"),
        ("rk_live_51" + "aB3" * 32 + "c", ""),
        ("rk_live_TYooMQauvdEDq54NiTphI7jx", ""),
        ("sk_live_" + "a1B2c" * 49 + "aa", "pk_live_" + "a1B2c" * 49 + "aa"),
    ],
)
def test_what_stripe_issues_starts(bare: pytest.MonkeyPatch, secret: str, publishable: str) -> None:
    env = reading(bare, **REAL | {"STRIPE_SECRET_KEY": secret, PK: publishable})
    assert env.stripe_publishable_key == publishable


@pytest.mark.parametrize(
    "url",
    [
        "https://estuary.example/",
        "https://estuary.example:8443",
        "HTTPS://Estuary.Example",
        "https://10.0.0.7",
    ],
)
def test_a_frontend_url_may_be_written_in_many_ways(bare: pytest.MonkeyPatch, url: str) -> None:
    assert reading(bare, **REAL | {"FRONTEND_URL": url}).served_over_https


def test_everything_wrong_is_named_at_once_whoever_finds_it(bare: pytest.MonkeyPatch) -> None:
    bad = {
        "STRIPE_SECRET_KEY": "pk_live_0123456789abcdef",
        PK: "sk_test_0123456789abcdef",
        "STRIPE_WEBHOOK_SECRET": "whsec_…",
        "FRONTEND_URL": "estuary.example",
        "ESTUARY_HOLD_S": "soon",
        "ESTUARY_WORKER_JOBS": "0",
        "ESTUARY_CURRENCY": "dollars",
        "EMAIL_URL": "post.example",
    }
    with pytest.raises(ImproperlyConfigured) as refused:
        reading(bare, **bad)
    for name in (*bad, "DATABASE_URL"):
        assert f"  {name}" in str(refused.value)


def test_a_replica_is_one_of_a_database_that_is_named(bare: pytest.MonkeyPatch) -> None:
    replica = {"DATABASE_REPLICA_URL": "postgresql://estuary:secret@replica.internal:5432/estuary"}
    assert reading(bare, **REAL, **replica).database_replica_url.get_secret_value().endswith("/estuary")
    bare.delenv("DATABASE_URL")
    with pytest.raises(ImproperlyConfigured, match="DATABASE_REPLICA_URL needs DATABASE_URL"):
        reading(bare, STRIPE_SECRET_KEY="sk_test_0123456789abcdef", ESTUARY_SANDBOX="1")


def test_two_secrets_and_what_lies_at_the_bounds_are_fine(bare: pytest.MonkeyPatch) -> None:
    two = " whsec_0123456789abcdef, whsec_fedcba9876543210 ,"
    for seconds in ("60", "86400"):
        env = reading(
            bare,
            **REAL | {"STRIPE_WEBHOOK_SECRET": two, "ESTUARY_CURRENCY": "EUR", "ESTUARY_HOLD_S": seconds},
        )
        assert env.webhook_secrets == ["whsec_0123456789abcdef", "whsec_fedcba9876543210"]


@pytest.mark.exhaustive(one_in=4)
@pytest.mark.parametrize("door", ["estuary.config.wsgi", "manage"])
@pytest.mark.parametrize("missing", [*sorted(REAL), "all"])
def test_neither_web_server_nor_command_starts_without_its_secrets(door: str, missing: str) -> None:
    env = {} if missing == "all" else {name: value for name, value in REAL.items() if name != missing}
    call = "import manage, sys; sys.argv[1:] = ['check']; manage.main()"
    command = [sys.executable, "-c", call if door == "manage" else f"import {door}"]
    tried = subprocess.run(command, cwd=BASE_DIR, env=env, capture_output=True, text=True, check=False)
    assert tried.returncode != 0
    assert "Estuary cannot start" in tried.stderr
    assert (missing if missing != "all" else "STRIPE_WEBHOOK_SECRET") in tried.stderr
    assert not [value for value in env.values() if value in tried.stderr]


def test_debug_pages_can_not_be_had_in_production() -> None:
    ask = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'estuary.config.settings'; "
    ask += "from django.conf import settings; print(settings.DEBUG)"
    process = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=BASE_DIR,
        env=REAL | {"ESTUARY_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.strip() == "False"
