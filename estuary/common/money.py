"""Money: integers of minor units inside, decimal strings at the API's edge, and nothing in between.

Stripe's exponents are kept here and not taken from a currency library, because they differ from ISO 4217's. ISK and UGX
are sent with two decimals that must be 00, and MGA is treated as zero-decimal.
Source: https://docs.stripe.com/currencies#zero-decimal, #three-decimal and #special-cases
"""

from decimal import Decimal, InvalidOperation

from estuary.common.errors import InvalidAmount

# The currencies that Stripe accepts: https://docs.stripe.com/currencies#presentment-currencies
_CURRENCIES = (
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd "
    "cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd "
    "hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad "
    "mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln "
    "pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs "
    "uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw"
)
CURRENCIES = frozenset(_CURRENCIES.split())
ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
WHOLE_UNITS_ONLY = frozenset({"isk", "ugx"})

# The largest charge: eight digits, but twelve for IDR, ten for COP, nine for INR. Some card networks
# allow more; these limits hold for every payment method. Source, as of November 2026:
# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts (maximum amounts of other payment methods)
MAX_MINOR = 99_999_999
MAX_MINOR_OF = {"idr": 999_999_999_999, "cop": 9_999_999_999, "inr": 999_999_999}

# One purchase of credits is limited to about 10,000 US dollars, because credits are money held without a sale.
# The limit is 10,000 units of a currency, times UNITS_PER_DOLLAR_UNIT (Nov 2026, rounded to a power of ten), and at
# most one charge: 10,000 USD, 100,000 CZK, 1,000,000 JPY.
CREDITS_MAX_UNITS = 10_000
UNITS_PER_DOLLAR_UNIT = {
    10: (
        "bwp cny czk dkk egp gtq hkd hnl ils lsl mad mdl mop mvr mxn nad nio nok pln ron sek sle szl tjs top try ttd "
        "uah zar zmw"
    ),
    100: (
        "afn all amd aoa bdt cve djf dop dzd etb gmd gyd htg inr isk jmd jpy kes kgs lrd mkd mur mzn npr php pkr rsd "
        "rub scr srd thb twd uyu vuv xpf yer"
    ),
    1_000: "ars bif clp crc cdf gnf huf kmf krw kzt lkr mmk mnt mwk ngn rwf sos tzs xaf xof",
    10_000: "cop idr khr lak lbp mga pyg std ugx uzs vnd",
}
_UNITS_PER_DOLLAR = {
    currency: times for times, names in UNITS_PER_DOLLAR_UNIT.items() for currency in names.split()
}

# The smallest charge per settlement currency, in minor units: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
MIN_CHARGE_MINOR = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
    "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
# Any other currency is converted, and Stripe wants half a US dollar: that much, in units, rounded up (Nov 2026).
MIN_CHARGE_UNITS = {
    "0.2": "kwd",
    "0.5": "bhd fkp gip jod kyd omr shp",
    "1": "ang awg azn bam bmd bnd bsd pab xcg",
    "2": "bbd byn bzd fjd gel ils pen qar tnd top wst xcd",
    "5": "bob cny gtq mop pgk sar sbd ttd",
    "10": "bwp lsl mad mdl mvr nad scr szl tjs zar",
    "20": "hnl nio sle twd zmw",
    "50": "afn all dop egp gmd kgs mkd mur mzn php rub srd try uah uyu",
    "100": "bdt cve djf dzd etb htg isk jmd kes lrd npr rsd vuv xpf",
    "200": "gyd lkr pkr",
    "500": "amd aoa crc kmf kzt sos xaf xof yer",
    "1000": "ars clp krw mwk ngn rwf",
    "2000": "bif cdf mmk mnt tzs ugx",
    "5000": "cop gnf khr mga pyg",
    "10000": "idr uzs",
    "20000": "lak std vnd",
    "50000": "lbp",
}
_MIN_CHARGE_UNITS = {
    currency: Decimal(units) for units, names in MIN_CHARGE_UNITS.items() for currency in names.split()
}


def exponent(currency: str) -> int:
    """Return how many decimal digits Stripe's minor unit of ``currency`` (ISO 4217, lower case) has."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def step_minor(currency: str) -> int:
    """Return of how many minor units each charge and each refund must be a multiple: 10 in kwd, 100 in isk, else 1."""
    if currency in THREE_DECIMAL:
        return 10
    return 100 if currency in WHOLE_UNITS_ONLY else 1


def floor_to_step(minor: int, currency: str) -> int:
    """Return the largest amount that Stripe accepts and that is at most ``minor``: 33,333 kwd becomes 33,330."""
    return minor - minor % step_minor(currency)


def min_charge_minor(currency: str) -> int:
    """Return the smallest amount, in minor units, that a card can be charged in ``currency``: 50 in usd, 200 in kwd."""
    if currency in MIN_CHARGE_MINOR:
        return MIN_CHARGE_MINOR[currency]
    return int(_MIN_CHARGE_UNITS[currency].scaleb(exponent(currency)))


def max_charge_minor(currency: str) -> int:
    """Return the largest amount, in minor units, that can be charged at once in ``currency``."""
    return MAX_MINOR_OF.get(currency, MAX_MINOR)


def max_credits_minor(currency: str) -> int:
    """Return the largest purchase of credits, in minor units.

    In usd 1,000,000 (10,000.00), in jpy 1,000,000, in idr 10,000,000,000 (100,000,000.00).
    """
    units = CREDITS_MAX_UNITS * _UNITS_PER_DOLLAR.get(currency, 1)
    minor: int = units * 10 ** exponent(currency)
    return min(minor, _largest_writable_minor(currency))


def _largest_writable_minor(currency: str) -> int:
    """Return the largest charge that the rules of ``currency`` allow: 99,999,990 in kwd, 99,999,900 in isk."""
    return floor_to_step(max_charge_minor(currency), currency)


def round_to_payable(minor: Decimal | int, currency: str) -> int:
    """Return an amount of minor units rounded to one that can be paid: 28,049 in isk gives 28,000 (280 ISK)."""
    step = 100 if currency in WHOLE_UNITS_ONLY else 1
    return int((Decimal(minor) / step).quantize(Decimal(1), rounding="ROUND_HALF_UP")) * step


def to_minor(value: Decimal | int | str, currency: str) -> int:
    """Turn a decimal amount into minor units, exactly.

    Raises InvalidAmount when it is not a finite positive number, has more decimals than the currency, or is too large.
    """
    try:
        amount = Decimal(value)
    except (InvalidOperation, ValueError, TypeError):
        raise InvalidAmount("The amount is not a number. Send it like 100.00.") from None
    if not amount.is_finite():
        raise InvalidAmount("The amount must be a finite number, like 100.00.")
    if amount <= 0:
        raise InvalidAmount("The amount must be greater than zero.")
    if amount.adjusted() > 12:
        raise InvalidAmount("The amount is too large.")
    return _scale_to_minor(amount, currency)


def _scale_to_minor(amount: Decimal, currency: str) -> int:
    digits = exponent(currency)
    scaled = amount.scaleb(digits)
    minor = int(scaled)
    if minor != scaled:
        raise InvalidAmount(f"Amounts in {currency.upper()} have at most {digits} decimal places.")
    if currency in THREE_DECIMAL and minor % 10:
        raise InvalidAmount(f"The last decimal of an amount in {currency.upper()} must be 0.")
    if currency in WHOLE_UNITS_ONLY and minor % 100:
        raise InvalidAmount(f"Amounts in {currency.upper()} are whole units, without cents.")
    if minor > max_charge_minor(currency):
        largest = display(_largest_writable_minor(currency), currency)
        raise InvalidAmount(f"The amount is larger than a payment can be: at most {largest}.")
    return minor


def to_decimal(minor: int, currency: str) -> str:
    """Turn minor units into the decimal string of the API, such as ``10050`` usd into ``"100.50"``."""
    digits = exponent(currency)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"


def display(minor: int, currency: str) -> str:
    """Return an amount as people read it, such as ``1,575.00 USD``; for programs there is ``to_decimal``."""
    digits = exponent(currency)
    return f"{Decimal(minor).scaleb(-digits):,.{digits}f} {currency.upper()}"


def allocate(total_minor: int, weights: list[int], currency: str) -> list[int]:
    """Split ``total_minor`` in proportion to ``weights``. The parts add up to the total exactly.

    Each part is the difference of two rounded cumulative sums: 100 usd by weights 1, 1, 1 gives 33, 33, 34. Each part
    can be refunded by itself: 1,000 kwd gives 330, 330, 340.
    """
    total_weight = sum(weights)
    if total_weight <= 0:
        raise ValueError("allocate needs at least one positive weight")
    parts, seen_weight, allocated_minor = [], 0, 0
    for weight in weights:
        seen_weight += weight
        upto_minor = total_minor * seen_weight // total_weight
        if seen_weight < total_weight:
            upto_minor = floor_to_step(upto_minor, currency)
        parts.append(upto_minor - allocated_minor)
        allocated_minor = upto_minor
    return parts


def proportion(part_minor: int, whole_minor: int, of_minor: int) -> int:
    """Return ``of_minor * part / whole`` rounded down: 1,001 * 50 / 200 gives 250. A whole of 0 gives ``of_minor``."""
    return of_minor * part_minor // whole_minor if whole_minor else of_minor
