"""What one run came to."""

from dataclasses import dataclass, field


@dataclass
class RunResult:
    """``rule`` names the invariant that broke, or the error; empty when all was well."""

    seed: int = 0
    flow: str = ""
    rule: str = ""
    message: str = ""
    trace: str = ""
    lines: list[str] = field(default_factory=list)
    simulated_s: float = 0.0
    took_s: float = 0.0
    steps: int = 0
    crashed: list[str] = field(default_factory=list)
    struck: dict[str, int] = field(default_factory=dict)
    points: dict[str, int] = field(default_factory=dict)  # how many each actor came by
    left_out: list[str] = field(default_factory=list)  # what it takes nothing of to break the rule
