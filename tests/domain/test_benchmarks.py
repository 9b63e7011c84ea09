"""The pure parts of the measurements: what is counted, compared and written down. No test here measures anything."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from stripe import WebhookSignature

from benchmarks import goals, pgbench
from benchmarks.accept import insert_statement
from benchmarks.contender import BenchmarkFailed, Sample
from benchmarks.events import SECRET, Payment, signed
from benchmarks.figures import Spread, p99, per_s, quantile, ratio, short, spread
from benchmarks.load import read
from benchmarks.long import compare
from benchmarks.memory import growth
from benchmarks.report import BEGIN, END, Result, between_markers, tables
from estuary.config.environment import BASE_DIR

FIGURES = 'FIGURES {"requests": 900, "duration_us": 3000000, "p50_us": 4000, "p99_us": 9500, "refused": 0, "broken": 0}'


def test_a_spread_is_the_middle_and_the_ends() -> None:
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert str(spread([7410.2, 5700.0, 7000.0])) == "7,000 (5,700–7,410)"


def test_figures_have_three_digits_that_mean_something() -> None:
    assert [short(value) for value in (7410.2, 101.4, 4.123, 0.0312)] == ["7,410", "101", "4.12", "0.0312"]


def test_memory_has_grown_when_its_last_quarter_is_above_its_second() -> None:
    """The first does not count: there everything is loaded for the first time."""
    assert growth([50, 90, 100, 100, 101, 100, 100, 100]) == 1.0
    assert growth([50, 90, 100, 100, 110, 120, 130, 130]) == 1.3
    assert growth([50, 100]) == 1.0


def test_a_statement_is_slow_when_its_median_has_grown_by_more_than_it_may_or_nobody_can_tell() -> None:
    few = {"list": [1.0, 1.0, 9.0], "drain": [2.0, 2.0, 2.0], "gone": [1.0]}
    many = {"list": [1.2, 1.3, 99.0], "drain": [2.7, 2.7, 2.7]}
    assert compare([[few] * 5, [many] * 5], [1000, 10_000_000]) == ["drain", "gone"]


def test_a_statement_is_not_slow_when_the_machine_was_for_two_rounds_of_five() -> None:
    few, many = {"list": [1.0]}, {"list": [1.4]}
    assert compare([[few] * 5, [many] * 4 + [few]], [1000, 10_000_000]) == ["list"]
    assert compare([[few] * 5, [many] * 3 + [few] * 2], [1000, 10_000_000]) == []


def test_a_quantile_is_a_value_that_was_there() -> None:
    values = [float(value) for value in range(1, 101)]
    assert (quantile(values, 0.5), quantile(values, 0.99), quantile([7.0], 0.99)) == (50.0, 99.0, 7.0)


def test_contenders_are_compared_within_each_round() -> None:
    """A round in which the machine was slow for both says the same about the two."""
    ours, others = [Sample(100), Sample(10), Sample(90)], [Sample(50), Sample(5), Sample(30)]
    assert ratio(ours, others, per_s) == Spread(2.0, 2.0, 3.0)


def test_a_goal_is_met_by_its_median() -> None:
    goal = goals.Goal("p99", "a", None, p99, "at most", 50)
    samples = {"a": [Sample(1, p99_ms=one) for one in (40.0, 49.0, 70.0)]}
    measured = goal.measured(samples)
    assert measured and goal.is_met(measured)
    assert not goal.is_met(Spread(50.5, 1, 99))
    assert goal.measured({}) is None


def test_events_are_distinct_and_signed_as_stripe_signs_them() -> None:
    (one, its_signature), (other, _) = signed([Payment.number(1), Payment.number(2)])
    assert WebhookSignature.verify_header(one.decode(), its_signature, SECRET, tolerance=300)
    first, second = json.loads(one), json.loads(other)
    assert first["type"] == "payment_intent.succeeded" and 2700 < len(one) < 3300
    assert first["id"] != second["id"] and first["data"]["object"]["id"] != second["data"]["object"]["id"]
    assert first["data"]["object"]["metadata"]["order_id"] == Payment.number(1).order_id


def test_an_answer_that_is_no_2xx_fails_the_turn() -> None:
    played = read(f"lines of wrk\n{FIGURES}\n")
    assert (played.answers, played.seconds, played.p50_ms, played.p99_ms) == (900, 3.0, 4.0, 9.5)
    for broken in ('"refused": 1', '"broken": 1', '"requests": 0'):
        name = broken.split(":")[0]
        with pytest.raises(BenchmarkFailed):
            read(FIGURES.replace(next(part for part in FIGURES[9:-1].split(", ") if name in part), broken))
    with pytest.raises(BenchmarkFailed, match="came to an end"):
        read("", "The prepared requests came to an end.")


def test_the_limit_is_what_pgbench_says_and_logs() -> None:
    output = "number of failed transactions: 0 (0.000%)\ntps = 160.5 (without initial connection time)\n"
    sample = pgbench.sample(output, ["0 1 4000 0 1 2", "0 2 6000 0 1 3"], each=100)
    assert sample == Sample(per_s=16050.0, p50_ms=4.0, p99_ms=6.0, count=200)
    with pytest.raises(BenchmarkFailed):
        pgbench.sample("nothing", [], each=1)


def test_the_limit_of_accepting_runs_the_products_own_statement() -> None:
    statement = insert_statement()
    assert (
        statement.startswith("INSERT INTO payments_webhookevent (stripe_event_id") and "%s" not in statement
    )
    assert "ON CONFLICT DO NOTHING" in statement and ":payload" in statement


def a_result() -> Result:
    return Result(
        at=datetime(2027, 1, 2, 3, 4, tzinfo=UTC),
        hardware="a machine of 2 cores",
        versions={"python": "3.13.0"},
        rounds=2,
        seconds=10,
        groups={goals.ESTUARY: "accept", goals.ACCEPT_LIMIT: "accept"},
        samples={
            goals.ESTUARY: [Sample(4000, 2, 5, 6.0, 3.0, 40000), Sample(3000, 2, 6, 6.0, 3.0, 30000)],
            goals.ACCEPT_LIMIT: [Sample(6000, 1, 4), Sample(5000, 1, 4)],
        },
    )


def test_a_result_survives_being_written_down() -> None:
    assert Result.from_json(a_result().to_json()) == a_result()


def test_the_tables_hold_the_figures_against_what_they_should_be() -> None:
    text = tables(a_result())
    assert "02 January 2027; 2 rounds of 10 s" in text and "a machine of 2 cores" in text
    assert "| Estuary | 3,500 (3,000–4,000) | 2 | 5.5 (5–6) | 0.175 (0.15–0.2) | 0.0875 (0.075–0.1) |" in text
    assert "| accept, of the limit | 0.633 (0.6–0.667) | at least 0.5 | met |" in text
    assert "dj-stripe" not in text  # it did not take part


def test_the_tables_replace_what_stands_between_the_markers() -> None:
    page = f"Before.\n\n{BEGIN}\nold\n{END}\n\nAfter.\n"
    written = between_markers(page, "| new |")
    assert written == f"Before.\n\n{BEGIN}\n\n| new |\n\n{END}\n\nAfter.\n"
    assert between_markers(written, "| new |") == written
    with pytest.raises(ValueError, match="has no"):
        between_markers("no markers", "| new |")


def test_what_a_peer_borrows_of_ours_needs_none_of_our_packages() -> None:
    """dj-stripe has an environment of its own, in which ours are not."""
    hidden = "; ".join(f"sys.modules['{name}'] = None" for name in ("structlog", "psycopg", "pydantic"))
    borrowing = f"import sys; {hidden}; from estuary.config.database import database_settings"
    subprocess.run([sys.executable, "-c", borrowing], cwd=BASE_DIR, check=True)
