"""Whatever comes to the API, from whomever: no server error, and every answer is one that the document promises."""

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver

from estuary.accounts.models import User
from estuary.config.urls import api_v1
from tests.contract.recorded import assert_requests_conform
from tests.factories import signed_in
from tests.flows.invariants import assert_invariants
from tests.fuzz import report
from tests.fuzz.runner import Role, Run
from tests.fuzz.world import Marketplace, bearer, settle_as_the_worker_does

CASES = int(os.environ.get("ESTUARY_FUZZ_CASES", "0"))  # of all roles together; 0: as few as make sense
EVERYBODY = ["visitor", "buyer", "practitioner", "staff"]
ROLES = os.environ.get("ESTUARY_FUZZ_ROLE", "").split() or EVERYBODY
EVERY_PHASE = ["examples", "coverage", "fuzzing", "stateful"]
# Each time whoever is signed in sends what is drawn. In ``make test-all`` a visitor does too, and a buyer and staff
# send what the document lists as well.
EACH_TIME = ["fuzzing"]
ANONYMOUS = "visitor"
EXHAUSTIVE = {"buyer": EVERY_PHASE, "practitioner": ["fuzzing", "stateful"], "staff": EVERY_PHASE}
FEW = 3
# What the document does not list. Stripe's door is fuzzed in tests/flows/payments/inbox/test_fuzzed_events.py, since
# only what is signed gets anywhere; sign-up and sign-in are allauth's, and held to our rules in
# tests/api/test_hostile_input.py.
LEFT_OUT = {"/api/v1/payments/webhook/", "/api/v1/payments/webhook"}


def sender(name: str, market: Marketplace) -> User | None:
    people = {"buyer": market.maya.user, "practitioner": market.host.user, "staff": market.staff}
    return people.get(name)


def role_named(name: str, market: Marketplace) -> Role:
    user = sender(name, market)
    # Whoever checks an answer reads it as it was written, and not compressed.
    headers = {"Accept-Encoding": "identity"}
    if user:
        headers["Authorization"] = bearer(signed_in(user))
    return Role(name, user, headers, market.maya, market.tom)


def cases_per_operation(operations: int) -> int:
    """Return how many to draw, so that with what the document lists it comes to ``CASES``."""
    listed = 32 * operations  # of all phases but the drawn one, about
    return max((CASES // len(ROLES) - listed) // operations, FEW)


def addresses(patterns: list[URLPattern | URLResolver], begin: str) -> Iterator[str]:
    """Yield every address that is served, with what is put into it left blank."""
    for pattern in patterns:
        address = begin + re.sub(r"<[^>]+>", "{}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, address)
        else:
            yield address


def test_every_address_is_fuzzed_or_left_out_for_a_reason() -> None:
    documented = {re.sub(r"\{[^}]+\}", "{}", label.partition(" ")[2]) for label in report.operations()}
    assert set(addresses(api_v1, "/api/v1/")) == documented | LEFT_OUT


def runs() -> Iterator[Any]:
    """Yield each role with the phases that it plays; with ``CASES`` every phase, once."""
    for name in ROLES:
        at_night = [pytest.mark.exhaustive] if name == ANONYMOUS and not CASES else []
        yield pytest.param(name, EVERY_PHASE if CASES else EACH_TIME, id=name, marks=at_night)
        if name in EXHAUSTIVE and not CASES:
            yield pytest.param(name, EXHAUSTIVE[name], id=f"{name}, more", marks=pytest.mark.exhaustive)


@pytest.mark.parametrize(("name", "phases"), runs())
def test_every_answer_is_one_that_the_document_promises(
    market: Marketplace, name: str, phases: list[str]
) -> None:
    run = Run(role_named(name, market), market)
    operations = report.operations()
    run.send_all(cases_per_operation(len(operations)), phases=phases)
    settle_as_the_worker_does(market.stripe)
    report.RUNS.append(run)
    assert not run.findings, report.describe(run)
    assert {door for door, _ in run.tally} >= operations
    if name == "practitioner":
        carried_out = {door.split("/")[-2] for door, status in run.tally if status == 202}
        # The few cases of each time may all be of dates that can't be moved.
        assert carried_out >= ({"call-off", "move"} if CASES else {"call-off"}), run.tally
    assert_invariants(market.stripe)
    assert_requests_conform(market.stripe.requests)
