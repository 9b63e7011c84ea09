"""A worker's drain alone: settles the inbox for some seconds and prints the figures as JSON.

``python -m benchmarks.drain SECONDS``, started by the measurement of settling.
"""

import json
import resource
import sys
import time

import django


def main(seconds: float) -> None:
    django.setup()
    from estuary.payments.inbox import processor

    processor.drain(1)  # what is imported and connected only once is not counted
    took_ms: list[float] = []
    settled = 0
    cpu_s, started = _cpu_s(), time.perf_counter()
    while (before := time.perf_counter()) - started < seconds:
        claimed = processor.drain()
        if not claimed:
            break
        settled += claimed
        took_ms.append((time.perf_counter() - before) * 1000)
    figures = {"settled": settled, "seconds": time.perf_counter() - started, "cpu_s": _cpu_s() - cpu_s}
    print(json.dumps(figures | {"took_ms": took_ms}), flush=True)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(float(sys.argv[1]))
