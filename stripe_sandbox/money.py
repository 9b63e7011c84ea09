"""Amounts and currencies: https://docs.stripe.com/currencies."""

import math

from stripe_sandbox.errors import InvalidParameter

_ZERO_DECIMAL = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
ZERO_DECIMAL = frozenset(_ZERO_DECIMAL.split())
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
# Two decimals in the API for historical reasons; the decimals must be 00.
WHOLE_ONLY = frozenset(["isk", "ugx"])

# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, in minor units.
MINIMUM = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
    "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
# Any other currency is converted: about what a US dollar costs, half of which is the least (November 2026).
PER_DOLLAR = {
    "afn": 70, "all": 85, "amd": 385, "ang": 1.79, "aoa": 915, "ars": 1450, "awg": 1.8, "azn": 1.7, "bam": 1.7,
    "bbd": 2, "bdt": 120, "bhd": 0.377, "bif": 2950, "bmd": 1, "bnd": 1.3, "bob": 6.9, "bsd": 1, "bwp": 13.5,
    "byn": 3.3, "bzd": 2, "cdf": 2850, "clp": 950, "cny": 7.2, "cop": 4100, "crc": 510, "cve": 100, "djf": 178,
    "dop": 60, "dzd": 134, "egp": 48, "etb": 140, "fjd": 2.25, "fkp": 0.78, "gel": 2.7, "gip": 0.78, "gmd": 72,
    "gnf": 8650, "gtq": 7.7, "gyd": 209, "hnl": 26, "htg": 131, "idr": 16500, "ils": 3.6, "isk": 125,
    "jmd": 160, "jod": 0.709, "kes": 129, "kgs": 87, "khr": 4050, "kmf": 450, "krw": 1430, "kwd": 0.307,
    "kyd": 0.83, "kzt": 520, "lak": 21700, "lbp": 89500, "lkr": 300, "lrd": 185, "lsl": 17.5, "mad": 9.3,
    "mdl": 17, "mga": 4500, "mkd": 54, "mmk": 2100, "mnt": 3600, "mop": 8, "mur": 46, "mvr": 15.4, "mwk": 1735,
    "mzn": 64, "nad": 17.5, "ngn": 1450, "nio": 36.8, "npr": 142, "omr": 0.385, "pab": 1, "pen": 3.4,
    "pgk": 4.2, "php": 58, "pkr": 281, "pyg": 7100, "qar": 3.64, "rsd": 101, "rub": 80, "rwf": 1450,
    "sar": 3.75, "sbd": 8.2, "scr": 14, "shp": 0.78, "sle": 23, "sos": 571, "srd": 39, "std": 22000,
    "szl": 17.5, "tjs": 9.3, "tnd": 2.95, "top": 2.4, "try": 42, "ttd": 6.8, "twd": 31, "tzs": 2450, "uah": 42,
    "ugx": 3600, "uyu": 40, "uzs": 12000, "vnd": 26300, "vuv": 121, "wst": 2.75, "xaf": 565, "xcd": 2.7,
    "xcg": 1.8, "xof": 565, "xpf": 103, "yer": 400, "zar": 17.3, "zmw": 22.5,
}  # fmt: skip
# "Maximum charge amounts" there, for all payment method types; card networks may allow more.
MAXIMUM = 99_999_999
MAXIMUM_OF = {"idr": 999_999_999_999, "cop": 9_999_999_999, "inr": 999_999_999}

SYMBOL = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cad": "CA$", "aud": "A$", "chf": "CHF "}

_CURRENCIES = (
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd "
    "cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd "
    "hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad "
    "mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln "
    "pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs "
    "uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw"
)
CURRENCIES = _CURRENCIES.split()
CURRENCY_CODES = frozenset(CURRENCIES)


def check_currency(currency: str) -> str:
    """Return the currency in lower case; refuse an unknown one."""
    code = currency.lower()
    if code not in CURRENCY_CODES:
        message = (
            f"Invalid currency: {code}. Stripe currently supports these currencies: {', '.join(CURRENCIES)}"
        )
        raise InvalidParameter(message, param="currency")
    return code


def maximum(currency: str) -> int:
    """Return the largest chargeable amount in minor units."""
    return MAXIMUM_OF.get(currency, MAXIMUM)


def minimum(currency: str) -> int:
    """Return the smallest chargeable amount in minor units."""
    if currency in MINIMUM:
        return MINIMUM[currency]
    dollar: float = PER_DOLLAR[currency] * 10 ** decimals(currency)
    return math.ceil(dollar / 2)


def decimals(currency: str) -> int:
    """Return how many decimal digits the minor unit has."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def check_amount(amount: int, currency: str, param: str = "amount") -> int:
    """Return an amount in minor units; refuse one that is too small, too large or not rounded."""
    if amount < 1:
        message = "This value must be greater than or equal to 1."
        raise InvalidParameter(message, code="parameter_invalid_integer", param=param)
    if amount < minimum(currency):
        raise InvalidParameter(_too_small(amount, currency), code="amount_too_small", param=param)
    if amount > maximum(currency):
        message = f"Amount must be no more than {display(maximum(currency), currency)}"
        raise InvalidParameter(message, code="amount_too_large", param=param)
    return check_step(amount, currency, param)


def _too_small(amount: int, currency: str) -> str:
    if currency in MINIMUM:
        return f"Amount must be at least {display(minimum(currency), currency)} {currency}"
    dollars = amount / 10 ** decimals(currency) / PER_DOLLAR[currency]
    converted = f"{display(amount, currency)} converts to approximately ${dollars:.2f}"
    return f"Amount must convert to at least 50 cents. {converted}."


def check_step(amount: int, currency: str, param: str = "amount") -> int:
    """Return an amount in minor units; refuse one that is not rounded as its currency must be."""
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_ONLY else 1
    if amount % step:
        raise InvalidParameter(
            f"Invalid amount: {currency} amounts must be a multiple of {step}.", param=param
        )
    return amount


def display(amount: int, currency: str) -> str:
    """Return an amount of minor units for people, such as `$12.50`."""
    places = decimals(currency)
    number = f"{amount // 10**places:,}" + (f".{amount % 10**places:0{places}}" if places else "")
    symbol = SYMBOL.get(currency)
    return f"{symbol}{number}" if symbol else f"{number} {currency.upper()}"
