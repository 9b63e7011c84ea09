"""What a transaction has written is counted once it is committed: one that is given up or run again counts nothing."""

from collections import Counter
from collections.abc import Iterable
from functools import partial

import prometheus_client
from django.db import transaction

type Labels = tuple[str, ...]


def after_commit(counter: prometheus_client.Counter, labels: Iterable[Labels]) -> None:
    """Count each set of labels once, when the open transaction is committed, or at once when there is none."""
    if counted := Counter(labels):
        transaction.on_commit(partial(_inc, counter, counted), robust=True)


def _inc(counter: prometheus_client.Counter, counted: Counter[Labels]) -> None:
    for labels, times in counted.items():
        counter.labels(*labels).inc(times)
