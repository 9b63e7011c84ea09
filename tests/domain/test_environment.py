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


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which nothing of ours is set."""
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", raising=False)
    return monkeypatch


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


def test_the_sandbox_supplies_every_default(bare: pytest.MonkeyPatch) -> None:
    env = reading(bare, ESTUARY_SANDBOX="1")
    assert env.stripe_secret_key.get_secret_value().startswith("sk_test_")
    assert env.stripe_api_base == "http://127.0.0.1:12111"
    assert env.sandbox_js_url == "http://127.0.0.1:12111/v3/stripe.js"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"STRIPE_WEBHOOK_SECRET": "whsec_"}, "STRIPE_WEBHOOK_SECRET is cut short"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcde"}, "STRIPE_WEBHOOK_SECRET is cut short"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef,whsec_"}, "STRIPE_WEBHOOK_SECRET is cut short"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef,secret"}, "must begin with whsec_"),
        ({"ESTUARY_CURRENCY": "dollars"}, "ESTUARY_CURRENCY must be one"),
        ({"ESTUARY_CURRENCY": "xyz"}, "ESTUARY_CURRENCY must be one"),
        ({"ESTUARY_CURRENCY": "ǆab"}, "ESTUARY_CURRENCY must be one"),
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
        ({"STRIPE_WEBHOOK_SECRET": "whsec_of_the_estuary_sandbox"}, "SECRET is the sandbox's"),
        (
            {"STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef,whsec_of_the_estuary_sandbox"},
            "SECRET is the sandbox's",
        ),
        ({"STRIPE_SECRET_KEY": "sk_test_estuarysandbox"}, "STRIPE_SECRET_KEY is the sandbox's"),
        ({"FRONTEND_URL": "http://estuary.example"}, "must begin with https:// with a live key"),
    ],
)
def test_contradictions_refuse_to_start_and_are_named(
    bare: pytest.MonkeyPatch, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=said):
        reading(bare, **REAL | changed)


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


def test_no_secret_is_in_any_message_or_representation(bare: pytest.MonkeyPatch) -> None:
    env = reading(bare, **REAL)
    for secret in (REAL["STRIPE_SECRET_KEY"], REAL["STRIPE_WEBHOOK_SECRET"], "secret@db"):
        assert secret not in repr(env)
    with pytest.raises(ImproperlyConfigured) as refused:
        reading(bare, **REAL | {"FRONTEND_URL": "nonsense"})
    assert REAL["STRIPE_SECRET_KEY"] not in str(refused.value)


def test_django_has_a_key_that_is_stable_and_tells_nothing(bare: pytest.MonkeyPatch) -> None:
    env = reading(bare, **REAL)
    assert env.secret_key == reading(bare, **REAL).secret_key
    assert len(env.secret_key) >= 50
    assert REAL["STRIPE_SECRET_KEY"] not in env.secret_key
    assert reading(bare, **REAL, DJANGO_SECRET_KEY="given").secret_key == "given"


@pytest.mark.parametrize("door", ["estuary.config.wsgi", "manage"])
@pytest.mark.parametrize("missing", [*sorted(REAL), "all"])
def test_neither_web_server_nor_command_starts_without_its_secrets(door: str, missing: str) -> None:
    given = {} if missing == "all" else {name: value for name, value in REAL.items() if name != missing}
    call = "import manage, sys; sys.argv[1:] = ['check']; manage.main()"
    command = [sys.executable, "-c", call if door == "manage" else f"import {door}"]
    tried = subprocess.run(command, cwd=BASE_DIR, env=given, capture_output=True, text=True, check=False)
    assert tried.returncode != 0
    assert "Estuary cannot start" in tried.stderr
    assert (missing if missing != "all" else "STRIPE_WEBHOOK_SECRET") in tried.stderr
    assert not [value for value in given.values() if value in tried.stderr]


def test_debug_pages_can_not_be_had_in_production() -> None:
    ask = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'estuary.config.settings'; "
    ask += "from django.conf import settings; print(settings.DEBUG)"
    told = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=BASE_DIR,
        env=REAL | {"ESTUARY_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "False"
