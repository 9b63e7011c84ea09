"""The sandbox as a package: built, installed into an empty environment, started by its command, and paid with there."""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "stripe_sandbox"
README = PACKAGE / "README.md"
NOT_SHIPPED = {"pyproject.toml", "README.md", "LICENSE"}
PAY = """
import sys, stripe
client = stripe.StripeClient("sk_test_of_your_choice", base_addresses={"api": sys.argv[1]})
intent = client.v1.payment_intents.create(
    {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True,
     "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
)
print(intent.status, client.v1.refunds.create({"payment_intent": intent.id}).status)
"""
IMPORTS = """
import importlib.util, pkgutil, stripe_sandbox
for module in pkgutil.walk_packages(stripe_sandbox.__path__, "stripe_sandbox."):
    if module.name != "stripe_sandbox.__main__":
        importlib.import_module(module.name)
print([name for name in ("django", "rest_framework", "estuary") if importlib.util.find_spec(name)])
"""
CHECKS = """
import pytest, stripe

def client(sandbox):
    return stripe.StripeClient("sk_test_of_your_choice", base_addresses={"api": sandbox.url})

@pytest.mark.parametrize("email", ["a@example.com", "b@example.com"])
def test_each_test_has_an_empty_sandbox(stripe_server, email):
    assert client(stripe_server).v1.customers.list().data == []
    client(stripe_server).v1.customers.create({"email": email})
"""


def run(*command: object, folder: Path) -> str:
    """Run a program to its end and return what it printed; a failure shows all that it said."""
    words = [str(word) for word in command]
    ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, f"{words}:\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("package")


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, folder=PACKAGE)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(folder: Path, wheel: Path) -> Path:
    """The interpreter of an environment that has the wheel, what it needs, the SDK and pytest."""
    uv = shutil.which("uv") or ROOT / ".cache" / "uv" / "bin" / "uv"
    run(uv, "venv", "--quiet", "--python", sys.executable, "environment", folder=folder)
    # The versions that are installed here are in uv's cache.
    versions = "\n".join(f"{distribution.name}=={distribution.version}" for distribution in distributions())
    (folder / "constraints.txt").write_text(versions)
    interpreter = folder / "environment" / "bin" / "python"
    install = [uv, "pip", "install", "--quiet", "--python", interpreter, "--constraints", "constraints.txt"]
    run(*install, f"{wheel}[sdk]", "pytest", folder=folder)
    return interpreter


@pytest.fixture
def served(python: Path) -> Iterator[str]:
    """The sandbox as its one command starts it; yields its URL."""
    command = [str(python.with_name("stripe-sandbox")), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        announced = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert announced
        yield announced.group()
        process.terminate()


def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    files = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*") if path.is_file()}
    expected = {file for file in files if "__pycache__" not in file} - {
        f"stripe_sandbox/{name}" for name in NOT_SHIPPED
    }
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == expected


def test_the_sdk_pays_and_refunds_with_the_command_from_the_wheel(
    served: str, python: Path, folder: Path
) -> None:
    assert run(python, "-c", PAY, served, folder=folder) == "succeeded succeeded\n"


def test_every_module_is_imported_where_there_is_no_django(python: Path, folder: Path) -> None:
    assert run(python, "-c", IMPORTS, folder=folder) == "[]\n"


def test_the_readmes_example_runs_as_it_is(python: Path, folder: Path) -> None:
    [example] = [block for block in _python_blocks() if "running()" in block]
    look = "    print(client.v1.payment_intents.retrieve(intent.id).last_payment_error.code)\n"
    assert run(python, "-c", example + look, folder=folder) == "card_declined\n"


def test_pytest_finds_the_fixture_in_any_project(python: Path, folder: Path) -> None:
    (folder / "test_shop.py").write_text(CHECKS)
    [example] = [block for block in _python_blocks() if "def test_" in block]
    (folder / "test_readme.py").write_text(example)
    output = run(python, "-m", "pytest", "-q", "test_shop.py", "test_readme.py", folder=folder)
    assert "3 passed" in output


def _python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
