"""Amounts and currencies: https://docs.stripe.com/currencies."""

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


def check_amount(amount: int, currency: str, param: str = "amount") -> int:
    """Return an amount in minor units; refuse one that is too small, too large or not rounded."""
    if amount < 1:
        message = "This value must be greater than or equal to 1."
        raise InvalidParameter(message, code="parameter_invalid_integer", param=param)
    minimum = MINIMUM.get(currency, 1)
    if amount < minimum:
        message = f"Amount must be at least {display(minimum, currency)} {currency}"
        raise InvalidParameter(message, code="amount_too_small", param=param)
    if amount > maximum(currency):
        message = f"Amount must be no more than {display(maximum(currency), currency)}"
        raise InvalidParameter(message, code="amount_too_large", param=param)
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_ONLY else 1
    if amount % step:
        raise InvalidParameter(
            f"Invalid amount: {currency} amounts must be a multiple of {step}.", param=param
        )
    return amount


def display(amount: int, currency: str) -> str:
    """Return an amount of minor units for people, such as `$12.50`."""
    places = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    number = f"{amount // 10**places:,}" + (f".{amount % 10**places:0{places}}" if places else "")
    symbol = SYMBOL.get(currency)
    return f"{symbol}{number}" if symbol else f"{number} {currency.upper()}"
