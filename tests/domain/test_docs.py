"""README.md, docs/ and the newest part of the changelog name only what exists: files, commands, settings, names."""

import ast
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import URLPattern, URLResolver, get_resolver

from estuary.catalog.models import ServiceType
from estuary.config.environment import BASE_DIR, Environment
from estuary.config.error_page import read_entries

PAGES = [
    *(BASE_DIR / name for name in ("README.md", "CHANGELOG.md", "stripe_sandbox/README.md")),
    *sorted((BASE_DIR / "docs").rglob("*.md")),
]
RUNTIME_FILES = (".var/", ".cache/", ".venv/", "images.env", "stripe.log")
# What other programs call their own. A name of ours never belongs here.
FOREIGN = {
    *("acl", "db_column", "nice", "openssl", "perf", "pg_dump", "rand", "sslmode", "CPUWeight", "NOWAIT"),
    *("proxy_request_buffering", "client_max_body_size", "client_header_timeout", "client_body_timeout"),
    *("underscores_in_headers", "proxy_set_header", "positive_data_acceptance", "ignored_auth"),
    *(
        "RemoveIndexConcurrently",
        "pre_init",
        "post_init",
        "sched_autogroup_enabled",
        "auth_group_permissions",
    ),
    *("pg_last_xact_replay_timestamp", "application/json", "autogroup", "netns", "json.dumps"),
}
# What a page says was rejected, replaced or removed, by page: it is gone on purpose.
HISTORY = {
    "CHANGELOG.md": {"WEB_BIND"},
    "0014-bulk-writes-as-one-json-document.md": {"pgbulk", "ignore_conflicts"},
    "0024-an-owner-record-at-stripe.md": {"ESTUARY_IS_COPY"},
}

EXTENSIONS = "py|md|ya?ml|toml|sql|json|tsx?|mjs|css|html|env|log"
PATH = re.compile(rf"\.?\w[\w.-]*(?:/[\w.-]+)+/?|[\w-]+/|[\w.-]+\.(?:{EXTENSIONS})")
LIMIT = re.compile(r"\d+/\d*[smhd]")
SETTING = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
TEST_ID = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
OUR_DOTTED = re.compile(
    r"(?<![\w@./-])(?:estuary|stripe_sandbox|tests|benchmarks|demo)(?:\.(?!md\b)[A-Za-z_]\w*)+"
)
DOTTED = re.compile(r"(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)\.([A-Za-z_]\w*)(?:\(\))?")
ERROR = re.compile(r"\b[45]\d\d `([a-z_]+)`")
TOP_FOLDERS = (
    "estuary/",
    "stripe_sandbox/",
    "tests/",
    "benchmarks/",
    "demo/",
    "docs/",
    "deploy/",
    "frontend/",
)


def read(page: Path) -> str:
    """Return a page's text; of the changelog its newest part, since the older ones say what once was."""
    text = page.read_text(encoding="utf-8")
    return "\n## ".join(text.split("\n## ")[:2]) if page.name == "CHANGELOG.md" else text


def spans(text: str) -> list[str]:
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def commands(text: str) -> list[list[str]]:
    """Return the words of each command, in backticks and in blocks, without comments."""
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line.split("#")[0].split() for line in [*spans(text), *lines]]


def is_ours(folder: str) -> bool:
    """A folder that a run makes, or another project's, is skipped."""
    return folder == ".ci" or not (folder.startswith(".") or folder in {"node_modules", "__pycache__", "out"})


@cache
def files() -> frozenset[str]:
    """Return every file and folder by its path from the root, and by each end of that path."""
    paths = set()
    for folder, folders, names in os.walk(BASE_DIR):
        folders[:] = [name for name in folders if is_ours(name)]
        for name in [*folders, *names]:
            parts = Path(folder, name).relative_to(BASE_DIR).parts
            paths |= {"/".join(parts[start:]) for start in range(len(parts))}
    return frozenset(paths)


def sources() -> Iterator[Path]:
    """Yield each text of the project but the docs themselves."""
    for folder, folders, names in os.walk(BASE_DIR):
        folders[:] = [name for name in folders if is_ours(name)]
        for name in names:
            if (
                not name.endswith((".md", ".png", ".lock", "-lock.json", ".woff2"))
                and name != Path(__file__).name
            ):
                yield Path(folder, name)


@cache
def words() -> frozenset[str]:
    """Return every word of the code, and the words of other programs."""
    texts = (path.read_text(encoding="utf-8", errors="ignore") for path in sources())
    return frozenset(FOREIGN).union(word for text in texts for word in re.findall(r"\w+", text))


@cache
def settings() -> frozenset[str]:
    fields = Environment.model_fields.items()
    return frozenset(str(field.validation_alias or name).upper() for name, field in fields)


@cache
def definitions() -> dict[str, set[str]]:
    """Return what each module and each class defines or imports, by its last name and by its dotted one."""
    defined: dict[str, set[str]] = defaultdict(set)
    for path in (path for path in sources() if path.suffix == ".py"):
        parts = path.relative_to(BASE_DIR).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        names = _names(ast.parse(path.read_text(encoding="utf-8")), defined)
        for key in {".".join(parts), *parts[-1:]}:
            defined[key] |= names
        for key in {".".join(parts[:-1]), *parts[-2:-1]}:
            defined[key].add(parts[-1])
    return defined


def _names(body: ast.Module | ast.ClassDef, defined: dict[str, set[str]]) -> set[str]:
    names: set[str] = set()
    for node in body.body:
        if isinstance(node, ast.ClassDef):
            defined[node.name] |= _names(node, defined) | {"objects"}
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {
                name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
            }
    return names


@cache
def routes() -> str:
    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            yield from walk(pattern.url_patterns, route) if isinstance(pattern, URLResolver) else [route]

    return "\n".join(walk(get_resolver().url_patterns, "/"))


def false_paths(text: str) -> Iterator[str]:
    for span in spans(text):
        is_path = PATH.fullmatch(span) and not LIMIT.fullmatch(span) and not span.startswith(RUNTIME_FILES)
        if is_path and span.rstrip("/") not in files() and span not in routes() and span not in FOREIGN:
            yield span
    for word in (word for command in commands(text) for word in command):
        path = word.split("::")[0]
        if path.startswith(TOP_FOLDERS) and PATH.fullmatch(path) and path.rstrip("/") not in files():
            yield word


def false_make_targets(text: str) -> Iterator[str]:
    makefile = (BASE_DIR / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    for command in commands(text):
        if command[:1] == ["make"]:
            named = [word for word in command[1:] if re.fullmatch(r"[a-z-]+", word)]
            yield from (f"make {word}" for word in named if word not in targets)


def false_management_commands(text: str) -> Iterator[str]:
    apps = get_commands()
    for command in commands(text):
        place = next((at for at, word in enumerate(command) if word.endswith("manage.py")), len(command))
        for name in command[place + 1 : place + 2]:
            if name not in apps:
                yield f"manage.py {name}"
                continue
            app = apps[name]
            parser = (load_command_class(app, name) if isinstance(app, str) else app).create_parser("", name)
            options = [word.split("=")[0] for word in command[place + 2 :] if re.match(r"--\w", word)]
            yield from (
                f"manage.py {name} {one}" for one in options if one not in parser._option_string_actions
            )


def false_modules_and_dotted_names(text: str) -> Iterator[str]:
    for command in commands(text):
        for flag, module in pairwise(command):
            if flag == "-m" and module.split(".")[0] + "/" in TOP_FOLDERS and module not in definitions():
                yield f"-m {module}"
    for dotted in OUR_DOTTED.findall(text):
        owner, _, name = dotted.rpartition(".")
        if dotted not in definitions() and name not in definitions().get(owner, ()):
            yield dotted
    for module, names in re.findall(r"^from (estuary[\w.]*) import (.+)$", text, re.MULTILINE):
        yield from (
            f"{module}.{name}" for name in names.split(", ") if name not in definitions().get(module, ())
        )
    for span in spans(text):
        if (match := DOTTED.fullmatch(span)) and not PATH.fullmatch(span) and span not in FOREIGN:
            owner, name = match.groups()
            if {owner, span.split(".")[0]} <= definitions().keys() and name not in definitions()[owner]:
                yield span


def false_test_ids(text: str) -> Iterator[str]:
    for file, name in TEST_ID.findall(text):
        module = file.removesuffix(".py").replace("/", ".")
        if name not in definitions().get(module, ()):
            yield f"{file}::{name}"
    for span in spans(text):
        if re.fullmatch(r"test_\w+", span) and f"{span}.py" not in files() and span not in words():
            yield span


def false_settings(text: str) -> Iterator[str]:
    for span in spans(text):
        yield from (name for name in SETTING.findall(span) if name not in settings() and name not in words())


def false_error_codes(text: str) -> Iterator[str]:
    codes = {entry.code for entry in read_entries()}
    yield from (code for code in ERROR.findall(text) if code not in codes)


def false_names(text: str) -> Iterator[str]:
    """Every other word in backticks occurs somewhere in the code: a field, a metric, a class, a table."""
    for span in spans(text):
        if not (PATH.fullmatch(span) or TEST_ID.match(span)):
            for word in re.findall(r"(?<![\w-])[A-Za-z]\w*[A-Za-z]\b", span):
                if word not in words() and f"{word}.py" not in files() and not SETTING.fullmatch(word):
                    yield word


CHECKS: dict[Callable[[str], Iterator[str]], str] = {
    false_paths: "`estuary/payments/doorman.py`",
    false_make_targets: "`make tea`",
    false_management_commands: "`manage.py doctor --gently`",
    false_modules_and_dotted_names: "`estuary.payments.asking`",
    false_test_ids: "`tests/domain/test_docs.py::test_nothing_at_all`",
    false_settings: "`ESTUARY_NO_SUCH_SETTING`",
    false_error_codes: "409 `begun_already`",
    false_names: "`takeUpAnew`",
}
ALSO_FALSE = {
    "`docs/no-such-folder/`": false_paths,
    "```sh\nmanage.py bake\n```": false_management_commands,
    "`python -m benchmarks.nothing`": false_modules_and_dotted_names,
    "```python\nfrom estuary.payments.inbox import sweep\n```": false_modules_and_dotted_names,
    "`inbox.take_in`": false_modules_and_dotted_names,
    "`test_no_such_module`": false_test_ids,
}


@cache
def anchors(page: Path) -> frozenset[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(BASE_DIR).as_posix())
def test_a_page_names_only_what_exists(page: Path) -> None:
    text, history = read(page), HISTORY.get(page.name, set())
    assert [(check.__name__, name) for check in CHECKS for name in check(text) if name not in history] == []


def test_the_page_of_a_new_type_names_every_file_that_asks_for_the_type() -> None:
    page = (BASE_DIR / "docs" / "howto" / "add-a-service-type.md").read_text(encoding="utf-8")
    types = "|".join(ServiceType.values)
    asks = re.compile(
        rf"ServiceType\.[A-Zc]|service_type \S+ [{{']|type [!=]== \"({types})\"|\b({types}): [\d{{]"
    )
    asking = [
        path.relative_to(BASE_DIR)
        for path in sources()
        if not {"migrations", "generated"} & set(path.parts)
        and asks.search(path.read_text("utf-8", "ignore"))
    ]
    asking = [path for path in asking if path.parts[0] == "estuary" or path.parts[:2] == ("frontend", "src")]
    assert len(asking) > 20
    missing = [
        path.as_posix()
        for path in asking
        if not any(f"`{'/'.join(path.parts[at:])}`" in page for at in (1, 2))
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("text", "check"), [*((text, check) for check, text in CHECKS.items()), *ALSO_FALSE.items()]
)
def test_a_false_name_of_each_kind_is_found(text: str, check: Callable[[str], Iterator[str]]) -> None:
    assert list(check(text))
