"""Prints how the sandbox treats each parameter of each endpoint, as the trial of it has shown."""

import sys
from collections import Counter
from collections.abc import Iterator

from tests.sandbox.parameters.trial import Verdict, all_verdicts

HOWS = ("obeyed", "echoed", "refused", "dropped")


def how(verdict: Verdict) -> str:
    if verdict.failure:
        return "dropped"
    return "refused" if verdict.how == "default" else verdict.how


def lines(verdicts: list[Verdict]) -> Iterator[str]:
    """Yield the report: each parameter under its endpoint, then the counts."""
    endpoint = ""
    for verdict in verdicts:
        if verdict.endpoint != endpoint:
            endpoint = verdict.endpoint
            yield f"\n{endpoint}"
        but = f" (but for: {verdict.values})" if verdict.how == "default" else ""
        only = f" (only: {verdict.values})" if verdict.values and not but else ""
        yield f"  {how(verdict):8} {verdict.path}{but}{only}"
        if verdict.failure:
            yield f"           {verdict.failure[:400]}"
    counts = Counter(how(verdict) for verdict in verdicts)
    numbers = ", ".join(f"{counts[one]} {one}" for one in HOWS)
    yield f"\n{len(verdicts)} parameters of {len({one.endpoint for one in verdicts})} endpoints: {numbers}."


def main() -> int:
    verdicts = list(all_verdicts())
    sys.stdout.writelines(f"{line}\n" for line in lines(verdicts))
    return 1 if any(verdict.failure for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
