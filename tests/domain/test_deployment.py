"""compose.yaml and the Dockerfile, held to what the product reads, needs and promises."""

import importlib
import json
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from demo import images
from estuary.config.environment import BASE_DIR, REQUIRED, Environment, read_environment
from estuary.config.health import READY

OF_A_LAPTOP = {
    "ESTUARY_SANDBOX",
    "ESTUARY_VAR",
    "ESTUARY_DEBUG",
    "STRIPE_API_BASE",
    "STRIPE_JS_URL",
    "STRIPE_HTTP_CLIENT",
}
REFERENCE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[?-])(?P<rest>[^}]*))?\}")
ENVIRONMENT = {
    "POSTGRES_PASSWORD": "letters0and1digits",
    "DB_WEB_PASSWORD": "letters0and2digits",
    "DB_WORKER_PASSWORD": "letters0and3digits",
    "STRIPE_SECRET_KEY": "sk_live_51AbCdEf0123456789abcdef",
    "STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef",
    "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY": "pk_live_51AbCdEf0123456789abcdef",
    "FRONTEND_URL": "https://estuary.example",
    "DJANGO_SECRET_KEY": "fifty-characters-that-nobody-else-has-and-no-one-guesses",
    "EMAIL_URL": "smtp://post.example:587/?tls=1",
    "ESTUARY_METRICS_TOKEN": "0123456789abcdef",
}

# Whom each service is to the database.
ROLES = {
    "web": ("estuary_web", ENVIRONMENT["DB_WEB_PASSWORD"]),
    "worker": ("estuary_worker", ENVIRONMENT["DB_WORKER_PASSWORD"]),
    "webhook": ("estuary_web", ENVIRONMENT["DB_WEB_PASSWORD"]),
    "migrate": ("estuary_owner", ENVIRONMENT["POSTGRES_PASSWORD"]),
}


@cache
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((BASE_DIR / "compose.yaml").read_text(encoding="utf-8")))


def service(name: str) -> dict[str, Any]:
    return dict(compose()["services"][name])


def variables(name: str) -> dict[str, str]:
    return dict(service(name)["environment"])


def dockerfile() -> list[str]:
    text = (BASE_DIR / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def command_of_web() -> list[str]:
    [line] = [line for line in dockerfile() if line.startswith("CMD ")]
    return list(json.loads(line.removeprefix("CMD ")))


def read_by_the_product() -> dict[str, Any]:
    fields = Environment.model_fields.items()
    return {str(field.validation_alias or name).upper(): field for name, field in fields}


def option(name: str) -> str:
    command = command_of_web()
    return command[command.index(name) + 1]


def seconds(text: str) -> int:
    return int(text.rstrip("sm")) * (60 if text.endswith("m") else 1)


def filled_in(text: str) -> str:
    """Put the variables in as compose does; raises KeyError for one that is required and not given."""
    return REFERENCE.sub(
        lambda match: ENVIRONMENT[match["name"]] if match["kind"] == "?" else match["rest"] or "", text
    )


@pytest.mark.parametrize("name", ["web", "webhook", "worker", "migrate"])
def test_the_services_set_what_the_product_reads_and_nothing_that_is_for_a_laptop(name: str) -> None:
    read = read_by_the_product()
    assert set(variables(name)) - {"PGOPTIONS"} <= read.keys() - OF_A_LAPTOP  # which the driver reads
    assert {required.upper() for required in REQUIRED} <= set(variables(name))


def test_every_variable_for_production_can_be_set_or_has_a_default_that_fits() -> None:
    words = ("LIMIT", "DECLINES", "HOLD", "KEPT_DAYS")
    limits = {key for key in read_by_the_product() if any(word in key for word in words)}
    tuned = limits | {"ESTUARY_USERS_PER_ADDRESS", "DATABASE_DIRECT_URL", "DATABASE_REPLICA_URL"}
    everywhere = set(variables("web")) | set(variables("worker"))
    assert everywhere | tuned == read_by_the_product().keys() - OF_A_LAPTOP


@pytest.mark.parametrize("name", ["web", "worker", "migrate", "db"])
def test_every_secret_comes_from_the_environment_and_is_asked_for(name: str) -> None:
    secret = {key for key, field in read_by_the_product().items() if field.annotation is SecretStr}
    for key, value in variables(name).items():
        if key in secret or "PASSWORD" in key:
            assert (match := REFERENCE.search(value)) and match["kind"] == "?", key
            assert match["rest"], f"nothing says what {key} is"


@pytest.mark.parametrize("name", ["web", "webhook", "worker", "migrate"])
def test_the_product_starts_with_what_compose_gives_it(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for key in read_by_the_product():
        monkeypatch.delenv(key, raising=False)
    for key, value in variables(name).items():
        monkeypatch.setenv(key, filled_in(str(value)))
    if name in {"web", "webhook"}:
        folder = variables("web")["PROMETHEUS_MULTIPROC_DIR"]
        assert any(mount.startswith(folder + ":uid=10001") for mount in service("web")["tmpfs"])
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    read = read_environment()
    assert not read.estuary_sandbox and read.served_over_https
    role, password = ROLES[name]
    assert read.database_url.get_secret_value() == f"postgresql://{role}:{password}@db:5432/estuary"


def test_the_roles_are_made_by_the_database_as_it_starts_for_the_first_time() -> None:
    [script] = [mount for mount in service("db")["volumes"] if ":/docker-entrypoint-initdb.d/" in mount]
    roles = (BASE_DIR / script.split(":")[0]).read_text(encoding="utf-8")
    assert {role for role, _ in ROLES.values()} == set(re.findall(r"CREATE ROLE (\w+) LOGIN PASSWORD", roles))
    assert set(re.findall(r"\\getenv \w+ (\w+)", roles)) <= set(variables("db"))
    assert variables("db")["POSTGRES_USER"] not in {role for role, _ in ROLES.values()}


def test_nothing_serves_before_the_database_is_there_and_migrated() -> None:
    assert service("migrate")["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert service("migrate")["command"][:3] == ["python", "manage.py", "migrate"]
    assert service("migrate")["restart"] == "no"
    assert "lock_timeout" in variables("migrate")["PGOPTIONS"]
    for name in ("web", "worker"):
        assert service(name)["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_each_service_is_asked_how_it_is_in_the_way_that_it_answers() -> None:
    assert READY in " ".join(service("web")["healthcheck"]["test"])
    assert f":{option('--port')}/" in " ".join(service("web")["healthcheck"]["test"])
    assert service("worker")["healthcheck"]["test"][1:] == [*service("worker")["command"], "--check"]
    assert seconds(service("worker")["healthcheck"]["start_period"]) > 300  # as often as ask_stripe runs
    assert service("worker")["expose"] == [variables("worker")["ESTUARY_WORKER_METRICS_PORT"]]


def test_each_has_longer_to_end_than_it_takes() -> None:
    assert seconds(service("web")["stop_grace_period"]) > int(option("--workers-kill-timeout"))
    assert seconds(service("worker")["stop_grace_period"]) >= 60
    assert service("web")["init"] and service("worker")["init"]


def test_the_database_is_the_version_that_the_tests_run_on_and_keeps_its_data() -> None:
    with_version = (BASE_DIR / "docs" / "howto" / "go-live.md").read_text(encoding="utf-8")
    [version] = re.findall(r"the tests run on (\d+)", with_version)
    assert filled_in(service("db")["image"]) == f"postgres:{version}"
    # From 18 on, the folder above PGDATA.
    assert service("db")["volumes"][0] == "database:/var/lib/postgresql"
    assert "database" in compose()["volumes"]


def test_the_web_server_serves_our_application_with_as_many_connections_as_threads() -> None:
    command = command_of_web()
    assert command[0] == "granian" and option("--interface") == "wsgi"
    module, _, name = command[-1].partition(":")
    # In a process of its own, which the import makes a web server's: see docs/decisions/0019.
    subprocess.run([sys.executable, "-c", f"from {module} import {name}"], cwd=BASE_DIR, check=True)


def test_compose_and_the_image_set_what_the_reference_says_how_many_there_are_of() -> None:
    [line] = [line for line in dockerfile() if line.startswith("ENV GRANIAN_WORKERS")]
    image = dict(word.split("=") for word in line.split()[1:])
    fields, many = read_by_the_product(), ("GRANIAN_", "WEB_", "ESTUARY_WORKER_JOBS")
    environment = variables("web") | variables("worker")
    sizes = {name: filled_in(value) for name, value in environment.items() if name.startswith(many)}
    assert sizes == {name: str(field.default) for name, field in fields.items() if name.startswith(many)}
    assert image.items() <= sizes.items() and len(image) == 2


def test_the_command_leaves_to_the_environment_what_the_environment_says() -> None:
    """An option of the command would win over the variable of the same name."""
    names = {f"GRANIAN_{word.removeprefix('--').replace('-', '_').upper()}" for word in command_of_web()}
    assert not names & read_by_the_product().keys()


def test_the_log_of_the_server_itself_is_json_too() -> None:
    configured = json.loads((BASE_DIR / option("--log-config")).read_text(encoding="utf-8"))
    for formatter in configured["formatters"].values():
        module, _, name = formatter["()"].rpartition(".")
        assert getattr(importlib.import_module(module), name)()


def test_the_image_runs_as_nobody_with_the_lock_s_packages_and_no_others() -> None:
    lines = dockerfile()
    last = lines[[at for at, line in enumerate(lines) if line.startswith("FROM ")][-1] :]
    assert "USER 10001:10001" in last
    assert last.index("USER 10001:10001") > max(at for at, line in enumerate(last) if line.startswith("COPY"))
    assert "RUN uv sync --frozen --no-default-groups" in lines
    project = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["uv"]["default-groups"] == ["dev"]
    python = (BASE_DIR / ".python-version").read_text(encoding="utf-8").strip()
    assert f"ARG PYTHON_IMAGE=python:{python}-slim" in lines


def test_what_the_image_copies_is_there_and_let_through_to_the_builder() -> None:
    ignored = (BASE_DIR / ".dockerignore").read_text(encoding="utf-8").splitlines()
    passed = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored and "**/.env*" in ignored
    for line in dockerfile():
        words = shlex.split(line)
        if words[0] != "COPY" or words[1].startswith("--from"):
            continue
        for source in words[1:-1]:
            assert (BASE_DIR / source).exists(), source
            assert {source.rstrip("/"), source.split("/")[0]} & passed, source


def test_no_secret_is_written_into_the_image() -> None:
    secret = {key for key, field in read_by_the_product().items() if field.annotation is SecretStr}
    text = (BASE_DIR / "Dockerfile").read_text(encoding="utf-8")
    assert not [key for key in secret if key in text]
    arguments = {line.split()[1].partition("=")[0] for line in dockerfile() if line.startswith("ARG")}
    assert arguments == {"NODE_IMAGE", "PYTHON_IMAGE"}


def test_every_image_can_be_named_by_its_digest() -> None:
    """Each comes from a variable, of which the Dockerfile and compose.yaml have the same default."""
    stages = [line.split()[1] for line in dockerfile() if line.startswith("FROM")]
    assert set(stages) == {"${NODE_IMAGE}", "${PYTHON_IMAGE}"}
    defaults = dict(line.split()[1].split("=") for line in dockerfile() if line.startswith("ARG"))
    arguments = service("web")["build"]["args"]
    assert {name: filled_in(value) for name, value in arguments.items()} == defaults
    for name, each in compose()["services"].items():
        assert each["image"].startswith("${") or each["image"].startswith("estuary:"), name


def test_what_is_named_by_its_digest_passes_and_a_tag_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = {"NODE_IMAGE", "PYTHON_IMAGE", "POSTGRES_IMAGE", "CADDY_IMAGE"}
    assert images.read_images().keys() == names
    monkeypatch.setattr(images, "FILE", tmp_path / "images.env")
    assert images.main(["--check"]) == 1
    digests = {name: f"{name}=image:1@sha256:{'0a' * 32}\n" for name in names}
    images.FILE.write_text("".join(digests.values()))
    assert images.main(["--check"]) == 0
    images.FILE.write_text("".join((digests | {"NODE_IMAGE": "NODE_IMAGE=node:24-slim\n"}).values()))
    assert images.find_unpinned() == ["NODE_IMAGE"]


def test_nobody_reaches_a_web_server_but_through_the_proxy() -> None:
    """So ESTUARY_TRUSTED_PROXIES=1 holds: what the proxy appends to X-Forwarded-For is the caller."""
    services = compose()["services"]
    assert [name for name, each in services.items() if "ports" in each] == ["proxy"]
    assert variables("web")["ESTUARY_TRUSTED_PROXIES"] == "1"  # nobody's environment makes it two
    caddyfile = (BASE_DIR / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    needed = set(re.findall(r"\{\$(\w+)\}", caddyfile))
    assert needed <= variables("proxy").keys()
    port = option("--port")
    assert {variables("proxy")[name] for name in ("PROXY_WEB", "PROXY_WEBHOOK")} == {
        f"web:{port}",
        f"webhook:{port}",
    }
    assert service("proxy")["volumes"][0].startswith("./deploy/Caddyfile:")
    assert seconds(service("proxy")["stop_grace_period"]) > 20
    assert set(service("proxy")["depends_on"]) == {"web", "webhook"}


def test_the_webhook_s_process_is_the_web_server_with_few_threads() -> None:
    differing = {"GRANIAN_WORKERS", "GRANIAN_BLOCKING_THREADS"}
    web, webhook = variables("web"), variables("webhook")
    assert {name for name in web if web[name] != webhook[name]} == differing
    assert int(filled_in(webhook["GRANIAN_BLOCKING_THREADS"])) < int(
        filled_in(web["GRANIAN_BLOCKING_THREADS"])
    )
    assert service("webhook")["image"] == service("web")["image"]


def test_memory_that_is_written_to_has_a_size() -> None:
    mounts = {name: each.get("tmpfs", []) for name, each in compose()["services"].items()}
    for name, each in mounts.items():
        assert all("size=" in mount for mount in each), name
    writing_nothing_else = [name for name, each in compose()["services"].items() if each.get("read_only")]
    assert all(mounts[name] for name in writing_nothing_else)
