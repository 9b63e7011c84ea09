"""The scenario of a seed: who wants what, which faults there are, and which processes are killed where."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from tests.simulation.faults import KINDS, FaultProfile

COPIES = ("another home", "restored")

THINGS = ("credits", "session", "session", "lesson", "workshop", "course", "package", "bundle")
FOLLOW_UPS = {
    "refund": 6,
    "cancel booking": 4,
    "dashboard": 4,
    "bank": 3,
    "late bank": 2,
    "buy": 3,
    "schedule": 3,
    "move": 4,
    "dispute": 2,
    "manage cards": 3,
    "pry": 2,
    "retry": 3,
    "change contact": 2,
    "mistype": 2,
    "try cards": 2,
    "hoard": 2,
    "try permissions": 2,
    "erase": 1,
    "call off": 3,
}
PLAYED_BY = {
    "refund": ("staff 1", "staff 2"),
    "dashboard": ("the dashboard",),
    "bank": ("the bank",),
    "late bank": ("the late bank",),
    "dispute": ("the cardholder",),
    "mistype": ("staff 1", "staff 2"),
    "hoard": ("hoarder 1", "hoarder 2"),
    "try permissions": ("member 1", "member 2"),
    "erase": ("the office", "the second office"),
    "call off": ("the practitioner", "the practitioner's other tab"),
}
TEMPOS = {
    "swift": 3.0,
    "tight": 3.0,
    "fair": 2.0,
    "loose": 300.0,
    "days": 15_000.0,
}  # seconds between acts, at most
TICKS = {
    "swift": 1.0,
    "tight": 10.0,
    "fair": 30.0,
    "loose": 120.0,
    "days": 10_800.0,
}  # seconds between two looks of what runs by itself, at most


@dataclass(frozen=True)
class Act:
    """One thing that somebody does; its chance comes from its number, so that leaving out others changes nothing."""

    number: int
    who: str
    verb: str
    thing: str = ""
    settled: tuple[tuple[str, object], ...] = ()
    moment: int = 0  # when it begins, in paces of the tempo; those of one moment begin together
    like: int = 0  # the act whose chance it has: two who do the very same thing


@dataclass(frozen=True)
class Scenario:
    """One run; the smaller one that still fails is made by leaving parts out."""

    seed: int
    acts: tuple[Act, ...]
    fault_profile: FaultProfile
    crashes: tuple[tuple[str, int], ...] = ()
    tempo: str = "tight"
    fine: bool = False  # stop before each statement, not only around commits
    patience: float = 0.0
    workers: int = 2
    clocks: int = 1
    blur_s: float = 0.0  # how late whoever is awake may be
    gifts: tuple[int, ...] = ()
    copy: str = ""  # what kind of copy of the database looks at Stripe once the acts are over

    @property
    def actors(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(act.who for act in self.acts))

    @property
    def in_calm(self) -> "Scenario":
        """The same when nobody is killed any more."""
        return replace(self, crashes=(), workers=1, clocks=1)


def scenario_of(seed: int) -> Scenario:
    """Return the scenario of a seed: swarm testing, so each seed has some of the faults and none of the others."""
    chance = Random(f"{seed} plan")
    acts = tuple(_acts(chance))
    workers, clocks = chance.choice([1, 2]), chance.choice([1, 1, 2])
    names = [
        *dict.fromkeys(act.who for act in acts),
        *(f"worker {n + 1}" for n in range(workers)),
        *(f"clock {n + 1}" for n in range(clocks)),
    ]
    crashes = tuple(
        (chance.choice(names), chance.randint(1, 60)) for _ in range(chance.choice([0, 0, 1, 2, 4]))
    )
    tempo = chance.choice(["tight"] * 5 + ["loose"] * 2 + ["days"])
    return Scenario(
        seed=seed,
        acts=acts,
        fault_profile=_fault_profile(chance),
        crashes=crashes,
        tempo="days" if any(act.verb == "late bank" for act in acts) else tempo,
        fine=chance.random() < 0.7,
        patience=chance.choice([0.0, 0.5, 0.9]),
        workers=workers,
        clocks=clocks,
        blur_s=chance.choice([0.0, 1.0, 5.0, 30.0]),
        gifts=tuple(chance.choice([0, 2500, 8000, 20000]) for _ in range(3)),
        copy=chance.choice([""] * 6 + [*COPIES]),
    )


def _acts(chance: Random) -> list[Act]:
    """Knots: several want the same at once; then several do something about it at once; and so on."""
    tabs = [f"buyer {person}, tab {tab}" for person in (1, 2, 3) for tab in range(1, chance.choice([2, 3]))]
    favorite, moment = chance.choice(THINGS), 0
    acts: list[Act] = []
    for _ in range(chance.randint(1, 3)):
        for _ in range(chance.randint(1, 3)):
            thing = favorite if chance.random() < 0.8 else chance.choice(THINGS)
            acts += _twice(chance, Act(len(acts) + 1, chance.choice(tabs), "buy", thing, moment=moment), tabs)
        moment += chance.choice([0, 1, 2])
        for _ in range(chance.randint(0, 4)):
            verb = chance.choices(list(FOLLOW_UPS), list(FOLLOW_UPS.values()))[0]
            who = chance.choice(PLAYED_BY.get(verb) or tabs)
            if verb == "erase":
                acts.append(Act(len(acts) + 1, "buyer 4, tab 1", "leave", moment=moment))
            act = Act(len(acts) + 1, who, verb, favorite if verb == "buy" else "", moment=moment)
            acts += _twice(chance, act, PLAYED_BY.get(verb) or tabs)
        moment += chance.choice([1, 3])
    return acts


def _twice(chance: Random, act: Act, among: Sequence[str]) -> list[Act]:
    """Now and then the very same is done by another at the same moment: in a second tab, by a colleague, by a rival."""
    others = [who for who in among if who != act.who]
    if not others or chance.random() > 0.4:
        return [act]
    same_person = [who for who in others if who.split(",")[0] == act.who.split(",")[0]]
    other = chance.choice(same_person if same_person and chance.random() < 0.6 else others)
    return [act, replace(act, number=act.number + 1, who=other, like=act.number)]


def _fault_profile(chance: Random) -> FaultProfile:
    kinds = tuple(kind for kind in KINDS if chance.random() < 0.35)
    longest = chance.choice([5.0, 120.0, 3600.0, 3 * 86400.0])
    return FaultProfile(
        kinds=kinds if chance.random() < 0.7 else (),
        rate=chance.choice([0.03, 0.1, 0.25]),
        webhooks=chance.random() < 0.5,
        dropped=chance.choice([0.0, 0.1, 0.3]),
        doubled=chance.choice([0.0, 0.2, 0.5]),
        delayed=chance.choice([0.0, 0.3, 0.8]),
        longest_delay_s=longest,
    )


# --- Leaving parts out --------------------------------------------------------------------------------------------


def parts_of(scenario: Scenario) -> list[str]:
    """Name what can be left out of a scenario, the big things first."""
    acts = [f"act-{act.number}" for act in scenario.acts]
    crashes = [f"crash-{number}" for number in range(len(scenario.crashes))]
    fault_profile = [
        name for name in ("dropped", "doubled", "delayed") if getattr(scenario.fault_profile, name)
    ]
    others = ["statements"] * scenario.fine + ["copy"] * bool(scenario.copy)
    return acts + crashes + list(scenario.fault_profile.kinds) + fault_profile + others


def leave_out(scenario: Scenario, left_out: frozenset[str]) -> Scenario:
    """Return the scenario without some of its parts; what is left keeps its own chance."""
    fault_profile = replace(
        scenario.fault_profile,
        kinds=tuple(kind for kind in scenario.fault_profile.kinds if kind not in left_out),
        **{name: 0.0 for name in ("dropped", "doubled", "delayed") if name in left_out},  # type: ignore[arg-type]
    )
    return replace(
        scenario,
        acts=tuple(act for act in scenario.acts if f"act-{act.number}" not in left_out),
        crashes=tuple(crash for n, crash in enumerate(scenario.crashes) if f"crash-{n}" not in left_out),
        fault_profile=fault_profile,
        fine=scenario.fine and "statements" not in left_out,
        copy="" if "copy" in left_out else scenario.copy,
    )
