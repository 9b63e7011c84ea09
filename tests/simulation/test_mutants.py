"""A product that is broken on purpose is found out: the list is whole, and a few of it are played each time.

``make test`` plays three, ``make test-all`` five more.
"""

from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import pytest
from django.db import connection, transaction

from estuary.payments.doctor import RULES
from estuary.payments.doctor.stripe_comparison import SENTENCES
from tests.simulation import oracle
from tests.simulation.actors import intruder
from tests.simulation.mutants import INVARIANTS, MUTANTS, Mutant
from tests.simulation.mutants.patching import nothing, rebind
from tests.simulation.test_seeds import gather

# The seed that finds it; when what a seed means changes, another one does: ``make mutants`` tells.
CATCHING_SEEDS = {
    "the trigger of the ledger is lost": 0,
    "a practitioner is in two places": 0,
    "a counter is counted in memory": 1,
    "an event is answered before it is kept": 0,
    "one buyers key is everybodys": 0,
    "an answer is kept with its secret": 0,
    "the api refunds for whoever is of staff": 0,
    "a person is erased here alone": 0,
}
EACH_TIME = {"a practitioner is in two places"}


def test_each_invariant_is_broken_in_three_ways_at_least() -> None:
    ways = Counter(mutant.invariant for mutant in MUTANTS)
    assert set(ways) == set(INVARIANTS)
    assert min(ways.values()) >= 3
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_a_mutant_names_rules_that_there_are() -> None:
    sources = [*Path(oracle.__file__).parent.glob("*.py"), *Path(intruder.__file__).parent.glob("*.py")]
    text = "\n".join(
        path.read_text() for path in [*sources, Path(intruder.__file__).parents[1] / "harness.py"]
    )
    text += Path(intruder.__file__).parents[1].joinpath("scenario_runner.py").read_text()
    codes = {rule.code for rule in RULES} | SENTENCES.keys()
    unknown = {
        rule for mutant in MUTANTS for rule in mutant.rules if rule not in codes and f'"{rule}"' not in text
    }
    assert not unknown


@pytest.mark.django_db(transaction=True)
def test_each_mutant_finds_what_it_changes() -> None:
    """After a name is changed in the product, none is left that breaks nothing."""
    assert [mutant.name for mutant in MUTANTS if not _can_be_put_in(mutant)] == []


def _can_be_put_in(mutant: Mutant) -> bool:
    """Put it into a process of its own, and its SQL into a transaction that is rolled back."""
    process = get_context("fork").Process(target=_put_in, args=[mutant])
    process.start()
    process.join()
    return process.exitcode == 0


def _put_in(mutant: Mutant) -> None:
    connection.connection = None  # the parent goes on with its own
    with transaction.atomic():
        rebind(connection, "close", nothing)
        mutant.act()
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        pytest.param(name, seed, marks=() if name in EACH_TIME else pytest.mark.exhaustive)
        for name, seed in CATCHING_SEEDS.items()
    ],
)
def test_a_product_that_is_broken_on_purpose_is_found_out(name: str, seed: int) -> None:
    [rules] = [mutant.rules for mutant in MUTANTS if mutant.name == name]
    [result] = gather([[str(seed), "--mutant", name, "--unshrunk"]])
    assert result["rule"] in rules, result
