"""Every error that the API can answer is explained at the address that the error itself names."""

import importlib
import pkgutil
from collections.abc import Iterator

from django.test import Client

import estuary
from estuary.common.api.problems import DRF_CODES
from estuary.common.errors import EstuaryError
from estuary.config.error_page import read_entries

# Not to be imported here: migrations, commands, and what makes a process a web server (docs/decisions/0019).
APART = (".migrations", ".management", ".config.wsgi")


def _errors(cls: type[EstuaryError] = EstuaryError) -> Iterator[type[EstuaryError]]:
    for name in [module.name for module in pkgutil.walk_packages(estuary.__path__, "estuary.")]:
        if not any(part in name for part in APART):
            importlib.import_module(name)
    yield cls
    for subclass in cls.__subclasses__():
        yield from _errors(subclass)


def _answered() -> set[tuple[str, int]]:
    of_the_product = [error for error in _errors() if error.__module__.startswith("estuary.")]
    ours = {(error.code, error.status) for error in of_the_product}
    frameworks = {(code, status) for status, (code, _) in DRF_CODES.items()}
    return ours | frameworks


def test_every_code_is_in_the_reference_with_its_status_and_no_other_is() -> None:
    explained = [(entry.code, entry.status) for entry in read_entries()]

    assert set(explained) == _answered()
    assert len(explained) == len(set(explained))


def test_the_type_of_a_problem_leads_to_its_row() -> None:
    problem = Client().get("/api/v1/nothing-here/").json()
    address, _, code = problem["type"].partition("#")
    page = Client().get(address)

    assert page.status_code == 200
    assert f'<tr id="{code}">' in page.content.decode()


def test_what_the_reference_says_is_escaped() -> None:
    assert "<code>Retry-After</code>" in Client().get("/docs/errors/").content.decode()
