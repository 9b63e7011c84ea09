"""Whatever comes to the API, from whomever: no server error, and every answer is one that the document promises."""

import os

import pytest

from estuary.accounts.models import User
from tests.contract.recorded import assert_requests_conform
from tests.flows.invariants import assert_invariants
from tests.fuzz import report
from tests.fuzz.running import Role, Run
from tests.fuzz.world import Marketplace, bearer
from tests.marketplace import signed_in
from tests.wiring import settle_everything

CASES = int(os.environ.get("ESTUARY_FUZZ_CASES", "0"))  # of all roles together; 0: as few as make sense
EVERYBODY = ["visitor", "buyer", "practitioner", "staff"]
ROLES = os.environ.get("ESTUARY_FUZZ_ROLE", "").split() or EVERYBODY
EVERY_PHASE = ["examples", "coverage", "fuzzing", "stateful"]
# What the document lists is sent by whom most is open to; the others send what is drawn.
PHASES = {"visitor": ["fuzzing"], "practitioner": ["fuzzing", "stateful"]}
FEW = 6
# What the document does not list. Stripe's door is fuzzed in tests/flows/test_fuzzed_events.py, since only what is
# signed gets anywhere; sign-up and sign-in are allauth's, and held to our rules in tests/api/test_hostile_input.py.
LEFT_OUT = {"/api/v1/payments/webhook/"}


def sender(name: str, market: Marketplace) -> User | None:
    people = {"buyer": market.maya.user, "practitioner": market.host.user, "staff": market.staff}
    return people.get(name)


def role_named(name: str, market: Marketplace) -> Role:
    user = sender(name, market)
    headers = {"Authorization": bearer(signed_in(user))} if user else {}
    return Role(name, user, headers, market.maya, market.tom)


def cases_per_operation(operations: int) -> int:
    """Return how many to draw, so that with what the document lists it comes to ``CASES``."""
    listed = 32 * operations  # of all phases but the drawn one, about
    return max((CASES // len(ROLES) - listed) // operations, FEW)


@pytest.mark.parametrize("name", ROLES)
def test_every_answer_is_one_that_the_document_promises(market: Marketplace, name: str) -> None:
    run = Run(role_named(name, market), market)
    operations = report.operations()
    phases = EVERY_PHASE if CASES else PHASES.get(name, EVERY_PHASE)
    run.send_all(cases_per_operation(len(operations)), phases=phases)
    settle_everything(market.stripe)
    report.RUNS.append(run)
    assert not run.findings, report.told(run)
    assert {door for door, _ in run.tally} >= operations
    assert_invariants(market.stripe)
    assert_requests_conform(market.stripe.requests)
