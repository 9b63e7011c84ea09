"""Every crash of a flow: played once undisturbed, then once for each yield point with a crash right there."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from tests.simulation.faults import FaultProfile
from tests.simulation.run_result import RunResult
from tests.simulation.scenario import Act, Scenario

BUYER, STAFF = "buyer 1, tab 1", "staff"
PAID = {"tries": 1, "way": "4242424242424242", "looks afterwards": 0, "saved card": False, "with a key": True}
BY_INTENT, ON_A_PAGE = {"payment_type": "intent"}, {"payment_type": "checkout"}
NO_CREDITS, CREDITS = {"use_credits": False}, {"use_credits": True}

type Settled = dict[str, object]


def buys(thing: str, **settled: object) -> tuple[str, str, str, Settled]:
    return BUYER, "buy", thing, {**PAID, **BY_INTENT, **NO_CREDITS, **settled}


def waits(seconds: int = 150) -> tuple[str, str, str, Settled]:
    return BUYER, "wait", str(seconds), {}


def refunds(how: str, **settled: object) -> tuple[str, str, str, Settled]:
    return (
        STAFF,
        "refund",
        "",
        {"a paid one": True, "how": how, "times": 1, "cancels": False, "reason": "", **settled},
    )


FLOWS: dict[str, list[tuple[str, str, str, Settled]]] = {
    "credits": [buys("credits"), waits()],
    "a session on a page": [buys("session", **ON_A_PAGE), waits()],
    "a retry without a key": [buys("workshop", **{"with a key": False}), waits()],
    "a declined card and another": [
        buys("course", way="4000000000000002"), buys("course", **{"with a key": False}), waits()
    ],
    "a challenge": [
        buys("package", way="4000002500003155", **{"takes the challenge": True, "passes it": True}), waits()
    ],
    "credits and a card": [buys("credits", amount="33.33"), buys("session", **CREDITS), waits()],
    "credits alone": [buys("credits", amount="150.00"), buys("session", **CREDITS), waits()],
    "a saved card": [buys("credits"), waits(60), buys("bundle", **{"saved card": True}), waits()],
    "cancelled before it is paid": [
        buys("course", way="nothing", **{"looks afterwards": 1, "afterwards": "cancel"}), waits()
    ],
    "another wish for the same": [
        buys("session", way="nothing", **ON_A_PAGE), buys("session"), waits()
    ],
    "never paid": [buys("workshop", way="nothing", **ON_A_PAGE), waits(1000)],
    "refunded whole": [buys("lesson"), refunds("all"), waits()],
    "refunded in part": [buys("package"), refunds("part", amount="33.33"), refunds("all"), waits()],
    "refunded in the dashboard": [
        buys("session"),
        ("the dashboard", "dashboard", "", {"by hand": False, "detaches": False, "amount": None}),
        waits(700),
    ],
    "paid from a bank": [
        buys("course", way="bank", **ON_A_PAGE), ("the bank", "bank", "", {"well": True}), waits(700)
    ],
    "a refund that the bank returns": [
        buys("lesson"), refunds("all"), waits(30), ("the bank", "bank", "", {"well": False}), waits()
    ],
    "a booking cancelled": [buys("session"), waits(20), (BUYER, "cancel booking", "", {}), waits()],
    "a part scheduled": [
        buys("bundle", scheduled=False), waits(20), (BUYER, "schedule", "", {"all of them": False}), waits()
    ],
    "a slot moved": [buys("session"), waits(20), (BUYER, "move", "", {"moves": 1}), waits()],
    "a seat moved": [buys("workshop"), waits(20), (BUYER, "move", "", {"moves": 2}), waits()],
    "a date called off": [
        buys("workshop", **{"seat number": 0}), waits(20),
        ("the practitioner", "call off", "", {"way": "call off", "who": 1, "date": 0}),
        waits(),
    ],
    "a date moved": [
        buys("workshop", **{"seat number": 0}), waits(20),
        ("the practitioner", "call off", "", {"way": "move", "who": 1, "date": 0, "hours later": 3}),
        waits(),
    ],
    "a card removed": [
        buys("credits"),
        waits(60),
        (BUYER, "manage cards", "", {"rounds": 1, "new card": False, "deletes": True}),
        waits(),
    ],
}  # fmt: skip


IN_PAIRS = ("credits", "refunded whole", "credits alone")  # to pay, to give back, to spend


def scenario_of_flow(name: str, *, webhooks: bool) -> Scenario:
    """Return the scenario of a flow without faults, with webhooks or without any."""
    steps = list(enumerate(FLOWS[name], start=1))
    acts = tuple(
        Act(n, who, verb, thing, tuple(settled.items()), moment=n) for n, (who, verb, thing, settled) in steps
    )
    return Scenario(
        seed=0,
        acts=acts,
        fault_profile=FaultProfile(webhooks=webhooks),
        tempo="fair",
        patience=0.9,
        workers=1,
    )


def every_crash(name: str, play: Callable[[Scenario], RunResult], *, step: int = 1) -> Iterator[RunResult]:
    """Play a flow undisturbed, then with a crash at each ``step``-th yield point; yield what each run came to."""
    scenario = scenario_of_flow(name, webhooks=True)
    undisturbed = play(scenario)
    undisturbed.flow = name
    yield undisturbed
    for crash in islice(_points(undisturbed), 0, None, step):
        yield _crashed(scenario, (crash,), name, play)


def every_pair(
    name: str, play: Callable[[Scenario], RunResult], *, share: int, shares: int
) -> Iterator[RunResult]:
    """Play a flow with two crashes, at every pair of its yield points; one share of as many as there are processes.

    The second is counted on as the first has changed the scenario: what comes after a restart is crashed too.
    """
    scenario = scenario_of_flow(name, webhooks=True)
    firsts = list(_points(play(scenario)))
    for number, first in enumerate(firsts):
        if number % shares != share:
            continue
        once = play(replace(scenario, crashes=(first,)))
        for second in _points(once):
            if second[0] != first[0] or second[1] > first[1]:
                yield _crashed(scenario, (first, second), name, play)


def _points(result: RunResult) -> Iterator[tuple[str, int]]:
    for who, points in result.points.items():
        yield from ((who, point) for point in range(1, points + 1))


def _crashed(
    scenario: Scenario, crashes: tuple[tuple[str, int], ...], name: str, play: Callable[[Scenario], RunResult]
) -> RunResult:
    result = play(replace(scenario, crashes=crashes))
    result.flow = name
    kills = " and ".join(f"{who} killed at point {point}" for who, point in crashes)
    result.message = f"{name}, {kills}: {result.message}" if result.rule else ""
    return result
