"""Money is exact: every price, every currency, every split."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estuary.common.errors import InvalidAmount
from estuary.common.money import (
    CURRENCIES,
    MAX_MINOR,
    MAX_MINOR_OF,
    MIN_CHARGE_MINOR,
    MIN_CHARGE_UNITS,
    THREE_DECIMAL,
    UNITS_PER_DOLLAR_UNIT,
    WHOLE_UNITS_ONLY,
    ZERO_DECIMAL,
    allocate,
    exponent,
    max_charge_minor,
    max_credits_minor,
    min_charge_minor,
    proportion,
    step_minor,
    to_decimal,
    to_minor,
)
from stripe_sandbox import money as sandbox_money


def test_every_price_up_to_9999_99_is_exact_in_both_directions() -> None:
    for minor in range(1, 1_000_000):
        assert to_minor(f"{minor // 100}.{minor % 100:02}", "usd") == minor
    assert to_decimal(655, "usd") == "6.55"


def test_every_currency_with_a_rule_of_its_own_is_a_known_one() -> None:
    assert ZERO_DECIMAL | THREE_DECIMAL | WHOLE_UNITS_ONLY | MIN_CHARGE_MINOR.keys() <= CURRENCIES
    assert sandbox_money.CURRENCY_CODES == CURRENCIES
    assert all(len(currency) == 3 and currency.isalpha() and currency.islower() for currency in CURRENCIES)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("100.00", "usd", 10000),
        (Decimal("19.99"), "eur", 1999),
        (60, "jpy", 60),
        ("6000", "jpy", 6000),
        ("1.230", "kwd", 1230),
        ("5", "isk", 500),
        ("5.00", "ugx", 500),
        ("7", "mga", 7),
        ("1e2", "usd", 10000),
    ],
)
def test_amounts_become_minor_units_as_stripe_counts_them(
    amount: str | int | Decimal, currency: str, minor: int
) -> None:
    assert to_minor(amount, currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0", "usd"),
        ("-1", "usd"),
        ("NaN", "usd"),
        ("sNaN", "usd"),
        ("Infinity", "usd"),
        ("1e400", "usd"),
        ("1e-400", "usd"),
        ("1.001", "usd"),
        ("1.5", "jpy"),
        ("1.234", "kwd"),
        ("5.50", "isk"),
        ("1000000.00", "usd"),
        ("ten", "usd"),
        ("", "usd"),
        ("1.5", "krw"),
    ],
)
def test_what_is_no_amount_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(InvalidAmount):
        to_minor(amount, currency)


@given(st.integers(1, MAX_MINOR), st.sampled_from(["usd", "eur", "jpy", "mga"]))
def test_a_decimal_leads_back_to_its_minor_units(minor: int, currency: str) -> None:
    assert to_minor(to_decimal(minor, currency), currency) == minor
    assert to_decimal(minor, currency).count(".") == (exponent(currency) > 0)


@given(
    st.integers(0, 10**7),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any),
    st.sampled_from(sorted(CURRENCIES)),
)
def test_a_split_loses_nothing_and_gives_nothing_to_what_weighs_nothing(
    steps: int, weights: list[int], currency: str
) -> None:
    total = steps * step_minor(currency)
    parts = allocate(total, weights, currency)
    assert sum(parts) == total
    # Each part can be charged and refunded by itself.
    assert all(part % step_minor(currency) == 0 for part in parts)
    assert all(part >= 0 for part in parts)
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)


@given(st.integers(1, 10**8), st.integers(1, 10**8), st.data())
def test_cumulative_proportions_add_up_to_the_whole(whole: int, of: int, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, whole), max_size=6)))
    upto = [proportion(cut, whole, of) for cut in [0, *cuts, whole]]
    assert upto == sorted(upto)
    assert upto[0] == 0 and upto[-1] == of


@pytest.mark.parametrize(
    ("currency", "largest", "more"),
    [
        ("usd", "999999.99", "1000000.00"),
        ("jpy", "99999999", "100000000"),
        ("kwd", "99999.990", "100000.000"),
        ("idr", "9999999999.99", "10000000000.00"),
        ("cop", "99999999.99", "100000000.00"),
        ("inr", "9999999.99", "10000000.00"),
    ],
)
def test_the_largest_amount_of_a_currency_is_stripes_own(currency: str, largest: str, more: str) -> None:
    assert to_decimal(to_minor(largest, currency), currency) == largest
    assert to_minor(largest, currency) <= max_charge_minor(currency) == sandbox_money.maximum(currency)
    with pytest.raises(InvalidAmount, match="at most"):
        to_minor(more, currency)


def test_the_sandbox_and_the_product_know_the_same_limits() -> None:
    assert sandbox_money.MAXIMUM_OF == MAX_MINOR_OF
    assert sandbox_money.MINIMUM == MIN_CHARGE_MINOR


def test_the_smallest_charge_is_what_stripe_takes_in_every_currency_and_not_much_more() -> None:
    named = [currency for names in MIN_CHARGE_UNITS.values() for currency in names.split()]
    assert sorted([*named, *MIN_CHARGE_MINOR]) == sorted(CURRENCIES)
    for currency in CURRENCIES:
        least, smallest = min_charge_minor(currency), sandbox_money.minimum(currency)
        assert smallest <= least <= 3 * smallest, currency
        assert to_minor(to_decimal(least, currency), currency) == least


def test_credits_are_sold_for_about_ten_thousand_dollars_at_most_in_every_currency() -> None:
    assert [max_credits_minor(currency) for currency in ("usd", "jpy", "idr", "kwd", "isk")] == [
        1_000_000, 1_000_000, 10_000_000_000, 10_000_000, 99_999_900,
    ]  # fmt: skip
    named = [currency for names in UNITS_PER_DOLLAR_UNIT.values() for currency in names.split()]
    assert set(named) <= CURRENCIES
    assert len(set(named)) == len(named)
    for currency in CURRENCIES:
        most = max_credits_minor(currency)
        assert min_charge_minor(currency) < most <= max_charge_minor(currency)
        assert to_minor(to_decimal(most, currency), currency) == most
