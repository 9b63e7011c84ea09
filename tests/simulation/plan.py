"""What a seed means: who wants what, how bad the day is, and which processes are killed where."""

from dataclasses import dataclass, replace
from random import Random

from tests.simulation.faults import KINDS, Weather

THINGS = ("credits", "session", "session", "lesson", "workshop", "course", "package", "bundle")
WEIGHTS = {
    "buy": 10,
    "cancel booking": 3,
    "schedule": 3,
    "manage cards": 2,
    "refund": 6,
    "dashboard": 4,
    "bank": 4,
}
PLAYED_BY = {"refund": "staff", "dashboard": "the dashboard", "bank": "the bank"}
TEMPOS = {"tight": 3.0, "fair": 2.0, "loose": 300.0, "days": 40_000.0}  # seconds between acts, at most
TICKS = {
    "tight": 10.0,
    "fair": 30.0,
    "loose": 120.0,
    "days": 3600.0,
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


@dataclass(frozen=True)
class Plan:
    """One run; the smaller one that still fails is made by leaving parts out."""

    seed: int
    acts: tuple[Act, ...]
    weather: Weather
    crashes: tuple[tuple[str, int], ...] = ()
    tempo: str = "tight"
    fine: bool = False  # stop before each statement, not only around commits
    patience: float = 0.0
    workers: int = 2
    beat_s: float = 0.0
    gifts: tuple[int, ...] = ()

    @property
    def actors(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(act.who for act in self.acts))

    @property
    def in_calm(self) -> "Plan":
        """The same when nobody is killed any more."""
        return replace(self, crashes=(), workers=1)


def plan_of(seed: int) -> Plan:
    """Return the plan of a seed: swarm testing, so each seed has some of the faults and none of the others."""
    chance = Random(f"{seed} plan")
    acts = tuple(_acts(chance))
    workers = chance.choice([1, 2])
    names = [
        *dict.fromkeys(act.who for act in acts),
        *(f"worker {n + 1}" for n in range(workers)),
        "the clock",
    ]
    crashes = tuple(
        (chance.choice(names), chance.randint(1, 60)) for _ in range(chance.choice([0, 0, 1, 2, 4]))
    )
    return Plan(
        seed=seed,
        acts=acts,
        weather=_weather(chance),
        crashes=crashes,
        tempo=chance.choice(["tight", "tight", "tight", "loose", "loose", "days"]),
        fine=chance.random() < 0.7,
        patience=chance.choice([0.0, 0.3, 0.7]),
        workers=workers,
        beat_s=chance.choice([0.0, 1.0, 2.0, 5.0]),
        gifts=tuple(chance.choice([0, 0, 2500, 20000]) for _ in range(2)),
    )


def _acts(chance: Random) -> list[Act]:
    tabs = [f"buyer {person}, tab {tab}" for person in range(1, 3) for tab in range(1, chance.choice([2, 3]))]
    acts = [Act(1, tabs[0], "buy", chance.choice(THINGS))]
    favourite = acts[0].thing
    for number in range(2, chance.randint(5, 13)):
        verb = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        who = PLAYED_BY.get(verb) or chance.choice(tabs)
        thing = favourite if chance.random() < 0.7 else chance.choice(THINGS)
        moment = chance.choice([acts[-1].moment, acts[-1].moment, acts[-1].moment + 1, acts[-1].moment + 3])
        acts.append(Act(number, who, verb, thing if verb == "buy" else "", moment=moment))
    return acts


def _weather(chance: Random) -> Weather:
    kinds = tuple(kind for kind in KINDS if chance.random() < 0.35)
    longest = chance.choice([5.0, 120.0, 3600.0, 3 * 86400.0])
    return Weather(
        kinds=kinds if chance.random() < 0.7 else (),
        rate=chance.choice([0.03, 0.1, 0.25]),
        webhooks=chance.random() < 0.5,
        dropped=chance.choice([0.0, 0.1, 0.3]),
        doubled=chance.choice([0.0, 0.2, 0.5]),
        delayed=chance.choice([0.0, 0.3, 0.8]),
        longest_delay_s=longest,
    )


# --- Leaving parts out --------------------------------------------------------------------------------------------


def parts_of(plan: Plan) -> list[str]:
    """Name what can be left out of a plan, the big things first."""
    acts = [f"act-{act.number}" for act in plan.acts]
    crashes = [f"crash-{number}" for number in range(len(plan.crashes))]
    weather = [name for name in ("dropped", "doubled", "delayed") if getattr(plan.weather, name)]
    return acts + crashes + list(plan.weather.kinds) + weather + ["statements"] * plan.fine


def leave_out(plan: Plan, left_out: frozenset[str]) -> Plan:
    """Return the plan without some of its parts; what is left keeps its own chance."""
    weather = replace(
        plan.weather,
        kinds=tuple(kind for kind in plan.weather.kinds if kind not in left_out),
        **{name: 0.0 for name in ("dropped", "doubled", "delayed") if name in left_out},  # type: ignore[arg-type]
    )
    return replace(
        plan,
        acts=tuple(act for act in plan.acts if f"act-{act.number}" not in left_out),
        crashes=tuple(crash for n, crash in enumerate(plan.crashes) if f"crash-{n}" not in left_out),
        weather=weather,
        fine=plan.fine and "statements" not in left_out,
    )
