"""Scenarios that concentrate on one thing, for mutants that one general scenario in a thousand meets."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

from tests.simulation.faults import FaultProfile
from tests.simulation.scenario import COPIES, Act, Scenario, scenario_of

TABS = ("buyer 1, tab 1", "buyer 1, tab 2", "buyer 1, tab 3")
DECLINED = "4000000000000002"
LOST = ("error_before", "cut")
PLAIN = {"use_credits": False, "saved card": False, "not saved": False, "with a key": False}


def scenario_of_one_order_in_many_tabs(seed: int) -> Scenario:
    """Plan a buyer who asks for one thing in three tabs at once, while most answers to it are lost."""
    kind = Random(f"{seed} tabs").choice(["intent", "checkout"])
    settled = PLAIN | {"payment_type": kind, "amount": "20.00", "way": "nothing", "looks afterwards": 0}
    acts = [Act(1, TABS[0], "buy", "credits", tuple(settled.items()))]
    acts += [replace(acts[0], number=n, who=who, like=1) for n, who in enumerate(TABS[1:], 2)]
    return _focused(seed, acts, path="payment_intents" if kind == "intent" else "checkout/sessions")


def scenario_of_refunds_by_many(seed: int) -> Scenario:
    """Plan eight refunds, each sent by the web process and a worker at once, while most answers to them are lost.

    No event comes: one would tell of the refund whose answer was lost before it is sent again.
    """
    paid = PLAIN | {"payment_type": "intent", "amount": "150.00", "way": "4242424242424242", "tries": 1}
    paid |= {"looks afterwards": 1, "afterwards": "sync"}
    refund = {"a paid one": True, "how": "part", "amount": "5.00", "times": 1, "cancels": False}
    acts = [
        Act(1, TABS[0], "buy", "credits", tuple(paid.items())),
        Act(2, "buyer 2, tab 1", "wait", "30"),
    ]
    acts += [Act(n, f"staff {n % 2 + 1}", "refund", "", tuple(refund.items())) for n in range(3, 11)]
    return _focused(seed, acts, path="refunds", webhooks=False)


def scenario_of_an_owner_that_stripe_fails_to_create(seed: int) -> Scenario:
    """Plan a paid order and refunds of it, while Stripe fails to create the owner's product and remembers it."""
    paid = PLAIN | {"payment_type": "intent", "way": "4242424242424242", "tries": 1, "looks afterwards": 0}
    refund = {"a paid one": True, "how": "part", "amount": "5.00", "times": 1, "cancels": False}
    acts = [
        Act(1, TABS[0], "buy", "credits", tuple(paid.items())),
        Act(2, "staff 1", "refund", "", tuple(refund.items())),
    ]
    focused = _focused(seed, acts, path="products", fine=False)
    return replace(focused, fault_profile=replace(focused.fault_profile, kinds=("error_saved",)))


def scenario_of_a_copy_with_refunds_to_send(seed: int) -> Scenario:
    """Plan refunds of which most were not sent, then a copy of the database that still has to send them."""
    return replace(scenario_of_refunds_by_many(seed), copy=Random(f"{seed} copy").choice(COPIES))


def scenario_of_staff_who_try_permissions(seed: int) -> Scenario:
    """Plan an order with a booking, and many members of staff who each try a few things, without faults."""
    paid = PLAIN | {"payment_type": "intent", "way": "4242424242424242", "tries": 1, "looks afterwards": 0}
    acts = [Act(1, TABS[0], "buy", "session", tuple(paid.items()))]
    tries = (("a paid one", True), ("tries", 3))
    acts += [Act(n, f"member {n % 4 + 1}", "try permissions", "", tries) for n in range(2, 14)]
    return _focused(seed, acts, path="", fine=False)


def scenario_of_one_who_is_erased(seed: int) -> Scenario:
    """Plan a buyer who pays and is erased, by a command whose answers from Stripe are lost, most of them."""
    what = Random(f"{seed} erase").choice(["credits", "credits", "session"])
    paid = PLAIN | {"payment_type": "intent", "way": "4242424242424242", "tries": 1, "looks afterwards": 0}
    bought = paid | {"how often": 1, "what": what, "cancels": False}
    office = (("gives up credits", True), ("tries", 3))
    acts = [
        Act(1, "buyer 4, tab 1", "leave", "", tuple(bought.items())),
        Act(2, "the office", "wait", "20"),
        Act(3, "the office", "erase", "", office),
        Act(4, TABS[0], "buy", "credits", tuple(paid.items())),
    ]
    return _focused(seed, acts, path="customers/", method="DELETE", fine=False)


def scenario_of_buyers_who_want_the_same_once_more(seed: int) -> Scenario:
    """Plan four who save a card, buy something and then the same once more; two answers in five are lost."""
    settled = (("saves one first", True), ("once more", True))
    acts = [Act(number, f"buyer {number}, tab 1", "retry", "", settled) for number in range(1, 5)]
    return _focused(seed, acts, path="", fine=False)


def scenario_of_hoarders_at_one_address(seed: int) -> Scenario:
    """Plan four new accounts of one address: each asks for a session and a lesson, at times that nobody else wants."""
    acts = [
        Act(
            2 * account + number + 1,
            f"hoarder {account + 1}",
            "hoard",
            "",
            (("account", account), ("thing", thing), ("slot", 2 * account), ("turns", 1)),
        )
        for account in range(4)
        for number, thing in enumerate(("session", "lesson"))
    ]
    return _focused(seed, acts, path="", fine=False)


def scenario_of_a_time_that_is_not_held(seed: int) -> Scenario:
    """Plan a bundle of four times, of which three are held, and another who takes the fourth before it is paid."""
    paid = PLAIN | {"payment_type": "intent", "way": "4242424242424242", "tries": 1}
    paid |= {"scheduled": True, "how many": 4, "looks afterwards": 1, "afterwards": "sync"}
    taken = (("account", 0), ("thing", "session"), ("slot", 12), ("turns", 1))
    acts = [
        Act(1, TABS[0], "buy", "bundle", tuple(paid.items())),
        Act(2, "hoarder 1", "wait", "1.5"),
        Act(3, "hoarder 1", "hoard", "", taken),
    ]
    return _focused(seed, acts, path="", fine=False)


def scenario_of_a_second_payment_by_debit(seed: int, *, arrives: bool = True) -> Scenario:
    """Plan a paid order, and staff who take the same amount by debit, which is settled a day later; no event comes."""
    paid = PLAIN | {"payment_type": "intent", "way": "4242424242424242", "tries": 1, "looks afterwards": 0}
    return _debit_by_hand(seed, paid, wait_s=30, free=False, arrives=arrives)


def scenario_of_a_debit_for_an_ended_order(seed: int, *, arrives: bool = True) -> Scenario:
    """Plan a page that nobody pays, and staff who take its amount by debit hours later; no event comes."""
    left = PLAIN | {"payment_type": "checkout", "way": "nothing", "looks afterwards": 0}
    return _debit_by_hand(seed, left, wait_s=4 * 60 * 60, free=True, arrives=arrives)


def scenario_of_a_refused_debit_beside_a_page(seed: int) -> Scenario:
    """Plan a page that is paid by debit, and staff who take its amount by a debit that is refused; no event comes."""
    by_page = {
        "when": "just too late",
        "well": True,
        "who": 1,
        "thing": "session",
        "payment_type": "checkout",
    }
    by_hand = {"by hand": True, "odd": "second", "by debit": True, "free": False, "arrives": False}
    acts = [
        Act(1, "the late bank", "late bank", "", tuple(by_page.items())),
        Act(2, "the dashboard", "wait", "5"),
        Act(3, "the dashboard", "dashboard", "", tuple((by_hand | {"seconds at its bank": 60.0}).items())),
    ]
    return replace(_focused(seed, acts, path="", fine=False, webhooks=False), tempo="days")


def scenario_of_debits_around_the_start(seed: int, when: str) -> Scenario:
    """Plan three sessions paid by debit, whose banks answer ``when`` the session is about to begin; no event comes."""
    by_bank = {"when": when, "well": True, "thing": "session", "payment_type": "intent"}
    acts = [
        Act(number, "the late bank", "late bank", "", tuple((by_bank | {"who": number}).items()))
        for number in (1, 2, 3)
    ]
    return replace(_focused(seed, acts, path="", fine=False, webhooks=False), tempo="days")


def scenario_of_a_card_declined_beside_a_page(seed: int) -> Scenario:
    """Plan a buyer who thinks before paying on a page, and a card that is declined by hand for the order meanwhile."""
    thing = Random(f"{seed} declined").choice(["credits", "session"])
    paid = PLAIN | {"payment_type": "checkout", "way": "4242424242424242", "tries": 1, "thinks for": 240.0}
    by_hand = {"by hand": True, "odd": "second", "by debit": False, "free": True, "card": DECLINED}
    acts = [
        Act(
            1, TABS[0], "buy", thing, tuple((paid | {"looks afterwards": 0, "challenge": "complete"}).items())
        ),
        Act(2, "the dashboard", "wait", "5"),
        Act(3, "the dashboard", "dashboard", "", tuple(by_hand.items())),
    ]
    return _focused(seed, acts, path="", fine=False)


def scenario_of_a_debit_beside_an_open_page(seed: int, *, arrives: bool) -> Scenario:
    """Plan a page that nobody pays, and staff who take its amount by a debit, which is settled two hours later."""
    left = PLAIN | {"payment_type": "checkout", "way": "nothing", "tries": 1, "looks afterwards": 0}
    by_hand = {"by hand": True, "odd": "second", "by debit": True, "free": True, "arrives": arrives}
    acts = [
        Act(1, TABS[0], "buy", "workshop", tuple((left | {"seat number": 0}).items())),
        Act(2, "the dashboard", "wait", "5"),
        Act(3, "the dashboard", "dashboard", "", tuple((by_hand | {"seconds at its bank": 7200.0}).items())),
    ]
    return replace(_focused(seed, acts, path="", fine=False), tempo="loose")


def _debit_by_hand(seed: int, bought: dict[str, Any], *, wait_s: int, free: bool, arrives: bool) -> Scenario:
    by_hand = {
        "by hand": True,
        "odd": "second",
        "by debit": True,
        "seconds at its bank": 90_000.0,
        "arrives": arrives,
    }
    acts = [
        Act(1, TABS[0], "buy", "credits", tuple(bought.items())),
        Act(2, "the dashboard", "wait", str(wait_s)),
        Act(3, "the dashboard", "dashboard", "", tuple((by_hand | {"free": free}).items())),
    ]
    return replace(_focused(seed, acts, path="", fine=False, webhooks=False), tempo="days")


def scenario_of_moves(seed: int) -> Scenario:
    """Plan buyers of a session and of a seat: one of each moves in two tabs, one again when it is late."""
    paid = PLAIN | {"payment_type": "intent", "way": "4242424242424242", "tries": 1}
    paid |= {"looks afterwards": 1, "afterwards": "sync"}
    often: dict[str, object] = {"moves": 4}
    acts: list[Act] = []

    def add(who: str, verb: str, thing: str = "", settled: dict[str, object] | None = None) -> None:
        acts.append(Act(len(acts) + 1, who, verb, thing, tuple((settled or {}).items())))

    for person, thing in ((1, "session"), (3, "workshop")):
        add(f"buyer {person}, tab 1", "buy", thing, paid)
        add(f"buyer {person}, tab 1", "move", "", often)
        add(f"buyer {person}, tab 2", "move", "", often)
    for person, thing in ((2, "session"), (4, "workshop")):
        add(f"buyer {person}, tab 1", "buy", thing, paid)
        add(f"buyer {person}, tab 1", "move", "", {"moves": 1, "far": True})
        add(f"buyer {person}, tab 1", "wait", str(2.4 * 86_400))
        add(f"buyer {person}, tab 1", "move", "", often)
    return replace(_focused(seed, acts, path=""), tempo="days")


def scenario_of_a_date_that_is_called_off(seed: int) -> Scenario:
    """Plan two who pay for a date, its practitioner who calls it off meanwhile, and one who comes afterwards."""
    paid = PLAIN | {"payment_type": "intent", "way": "4242424242424242", "tries": 1, "seat number": 0}
    paid |= {"looks afterwards": 1, "afterwards": "sync"}
    off = (("way", "call off"), ("who", 1), ("date", 0))
    acts = [
        Act(1, TABS[0], "buy", "workshop", tuple(paid.items())),
        Act(2, "the practitioner", "wait", str(Random(f"{seed} called off").choice([0.2, 1.0, 3.0, 40.0]))),
        Act(3, "the practitioner", "call off", "", off),
        Act(4, "buyer 2, tab 1", "wait", "90"),
        Act(5, "buyer 2, tab 1", "buy", "workshop", tuple(paid.items())),
    ]
    return _focused(seed, acts, path="", fine=False)


def scenario_of_a_disputed_date_that_is_called_off(seed: int) -> Scenario:
    """Plan a buyer who pays for a date by card and with credits, and disputes it before it is called off."""
    paid = PLAIN | {"payment_type": "intent", "way": "4242424242424242", "tries": 1, "looks afterwards": 1}
    paid |= {"afterwards": "sync", "amount": "20.00", "seat number": 0}
    mixed = paid | {"use_credits": True}
    lost = (("an inquiry", False), ("amount", None), ("outcome", "lost"))
    off = (("way", "call off"), ("who", 1), ("date", 0))
    acts = [
        Act(1, TABS[0], "buy", "credits", tuple(paid.items())),
        Act(2, TABS[0], "buy", "workshop", tuple(mixed.items())),
        Act(3, "cardholder", "wait", "60"),
        Act(4, "cardholder", "dispute", "", lost),
        Act(5, "the practitioner", "wait", str(Random(f"{seed} called off").choice([62, 70, 80]))),
        Act(6, "the practitioner", "call off", "", off),
    ]
    return _focused(seed, acts, path="", fine=False)


def scenario_of_meetings_that_are_called_off_before_their_dispute_is_won(seed: int) -> Scenario:
    """Plan a course that is paid mostly with credits and disputed; two meetings are called off before it is won."""
    paid = PLAIN | {"payment_type": "intent", "way": "4242424242424242", "tries": 1, "looks afterwards": 1}
    paid |= {"afterwards": "sync", "amount": "100.00"}
    mixed = paid | {"use_credits": True}
    won = (("an inquiry", False), ("amount", None), ("outcome", "won"))
    # The dates of the workshop come first.
    meetings = [(("way", "call off"), ("who", 1), ("date", number)) for number in (2, 3)]
    acts = [
        Act(1, TABS[0], "buy", "credits", tuple(paid.items())),
        Act(2, TABS[0], "buy", "course", tuple(mixed.items())),
        Act(3, "cardholder", "wait", "60"),
        Act(4, "cardholder", "dispute", "", won),
        Act(5, "the practitioner", "wait", str(Random(f"{seed} called off").choice([62, 66, 70]))),
        *(Act(number, "the practitioner", "call off", "", off) for number, off in enumerate(meetings, 6)),
    ]
    return _focused(seed, acts, path="", fine=False)


def _focused(
    seed: int,
    acts: list[Act],
    *,
    path: str,
    method: str = "POST",
    fine: bool = True,
    webhooks: bool = True,
) -> Scenario:
    calm = FaultProfile(webhooks=webhooks)
    return replace(
        scenario_of(seed),
        acts=tuple(acts),
        fault_profile=replace(calm, kinds=LOST, rate=0.8, only=f"{method} /v1/{path}") if path else calm,
        crashes=(),
        tempo="swift",
        fine=fine,
        workers=2,
        clocks=1,
        blur_s=0.0,
        copy="",
    )


SCENARIOS: dict[str, Callable[[int], Scenario]] = {
    "": scenario_of,
    "tabs": scenario_of_one_order_in_many_tabs,
    "refund": scenario_of_refunds_by_many,
    "copy": scenario_of_a_copy_with_refunds_to_send,
    "erase": scenario_of_one_who_is_erased,
    "owner not created": scenario_of_an_owner_that_stripe_fails_to_create,
    "once more": scenario_of_buyers_who_want_the_same_once_more,
    "hoard": scenario_of_hoarders_at_one_address,
    "second debit": scenario_of_a_second_payment_by_debit,
    "refused second debit": partial(scenario_of_a_second_payment_by_debit, arrives=False),
    "debit for an ended order": scenario_of_a_debit_for_an_ended_order,
    "refused debit for an ended order": partial(scenario_of_a_debit_for_an_ended_order, arrives=False),
    "refused debit beside a page": scenario_of_a_refused_debit_beside_a_page,
    "card declined beside a page": scenario_of_a_card_declined_beside_a_page,
    "debit beside an open page": partial(scenario_of_a_debit_beside_an_open_page, arrives=True),
    "refused debit beside an open page": partial(scenario_of_a_debit_beside_an_open_page, arrives=False),
    "debits in time": partial(scenario_of_debits_around_the_start, when="in time"),
    "debits too late": partial(scenario_of_debits_around_the_start, when="just too late"),
    "moves": scenario_of_moves,
    "not held": scenario_of_a_time_that_is_not_held,
    "permissions": scenario_of_staff_who_try_permissions,
    "called off": scenario_of_a_date_that_is_called_off,
    "disputed and called off": scenario_of_a_disputed_date_that_is_called_off,
    "called off and won": scenario_of_meetings_that_are_called_off_before_their_dispute_is_won,
}
