"""The run: in every round each contender has one turn, so that noise affects all of them."""

import time
from collections.abc import Sequence

from benchmarks.contender import BenchmarkFailed, Contender, Sample
from benchmarks.figures import Samples, short


def play_rounds(contenders: Sequence[Contender], *, rounds: int, seconds: float) -> Samples:
    """Return the samples of every contender, in the order of the rounds; raises BenchmarkFailed."""
    samples: Samples = {contender.name: [] for contender in contenders}
    for number in range(1, rounds + 1):
        print(f"\nRound {number} of {rounds}", flush=True)
        for contender in contenders:
            samples[contender.name].append(_turn(contender, seconds))
    return samples


def _turn(contender: Contender, seconds: float) -> Sample:
    started = time.monotonic()
    try:
        contender.prepare(seconds)
        prepared_s = time.monotonic() - started
        sample = contender.round(seconds)
    except BenchmarkFailed as error:
        raise BenchmarkFailed(f"{contender.name}: {error}") from error
    print(f"  {contender.name:<50} {_sample_text(sample)}  (prepared in {prepared_s:.0f} s)", flush=True)
    return sample


def _sample_text(sample: Sample) -> str:
    latency = "" if sample.p99_ms is None else f"  p99 {short(sample.p99_ms)} ms"
    return f"{short(sample.per_s):>8}/s{latency}"
