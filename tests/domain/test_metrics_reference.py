"""Every metric is in the reference with its kind and its labels, and neither it nor the rules name any other."""

import re

from estuary.common.observability import metrics
from estuary.config.environment import BASE_DIR
from estuary.payments.observability import GAUGES, REACHABLE

DOCS = BASE_DIR / "docs"
ROW = re.compile(r"^\| `(?P<name>estuary_\w+)` \| (?P<kind>\w+) \|(?P<labels>[^|]*)\|", re.MULTILINE)
SUFFIX = re.compile(r"_(?:total|bucket|sum|count)$")


def registered_metrics() -> dict[str, tuple[str, frozenset[str]]]:
    counted = {
        metric._name: (metric._type, frozenset(metric._labelnames))  # type: ignore[attr-defined]
        for metric in metrics.REGISTRY._collector_to_names
    }
    gauges = {name: ("gauge", frozenset[str]()) for name in [REACHABLE, *(name for name, _ in GAUGES)]}
    return counted | gauges


def explained() -> dict[str, tuple[str, frozenset[str]]]:
    rows = list(ROW.finditer((DOCS / "reference" / "metrics.md").read_text(encoding="utf-8")))
    documented = {
        row["name"]: (row["kind"], frozenset(re.findall(r"`(\w+)`", row["labels"]))) for row in rows
    }
    assert len(documented) == len(rows)
    return documented


def test_the_reference_has_every_metric_and_no_other() -> None:
    assert explained() == registered_metrics()


def test_the_example_rules_name_only_metrics_that_there_are() -> None:
    text = (DOCS / "howto" / "observe.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bestuary_\w+", text))
    histograms = {name for name, (kind, _) in registered_metrics().items() if kind == "histogram"}
    counters = {name for name, (kind, _) in registered_metrics().items() if kind == "counter"}

    assert len(named) >= 8
    for name in named:
        base = SUFFIX.sub("", name)
        assert base in registered_metrics(), name
        assert (name != base) == (base in histograms | counters), name
