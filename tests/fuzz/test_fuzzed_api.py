"""Whatever comes to the API, from whomever: no server error, and every answer is one that the document promises."""

import pytest

from tests.contract.recorded import assert_requests_conform
from tests.flows.invariants import assert_invariants
from tests.fuzz.running import CASES, Role, Run
from tests.fuzz.world import Marketplace, bearer
from tests.marketplace import signed_in
from tests.wiring import settle_everything


def role_named(name: str, market: Marketplace) -> Role:
    maya, tom = market.maya, market.tom
    match name:
        case "visitor":
            return Role(name, {}, maya, tom)
        case "buyer":
            return Role(name, {"Authorization": bearer(maya.client)}, maya, tom, maya.user.pk)
        case "practitioner":
            host = market.host.user
            return Role(name, {"Authorization": bearer(signed_in(host))}, maya, tom, host.pk)
    return Role(name, {"Authorization": bearer(signed_in(market.staff))}, maya, tom, market.staff.pk)


@pytest.mark.parametrize("name", ["visitor", "buyer", "practitioner", "staff"])
def test_every_answer_is_one_that_the_document_promises(market: Marketplace, name: str) -> None:
    run = Run(role_named(name, market), market)
    run.send_all(max(CASES // 92, 5))
    settle_everything(market.stripe)
    print(name, sum(run.tally.values()), run.phases)
    for key, n in sorted(run.tally.items()):
        print(key, n)
    for key, told in run.findings.items():
        print("FINDING", key, told, sep="\n")
    print("\n".join(run.errors))
    assert_invariants(market.stripe)
    assert_requests_conform(market.stripe.requests)
    assert not run.findings and not run.errors
