"""Test cards and what each does: https://docs.stripe.com/testing."""

import hashlib
from dataclasses import dataclass
from typing import Literal

Authentication = Literal["none", "unless_set_up", "off_session_ok", "always"]


@dataclass(frozen=True)
class Decline:
    """A decline by the bank: https://docs.stripe.com/declines/codes."""

    code: str
    decline_code: str
    message: str
    param: str | None = None
    advice: str | None = None
    by_radar: bool = False
    # The card network's own code (ISO 8583); Radar declines before a network is asked.
    network_code: str | None = None


def _declined(
    decline_code: str, message: str = "Your card was declined.", network_code: str | None = None
) -> Decline:
    return Decline(
        "card_declined", decline_code, message, advice="try_again_later", network_code=network_code
    )


GENERIC = _declined("generic_decline", network_code="01")
INSUFFICIENT_FUNDS = _declined("insufficient_funds", "Your card has insufficient funds.", "51")
LOST = _declined("lost_card", network_code="41")
STOLEN = _declined("stolen_card", network_code="43")
FRAUDULENT = Decline(
    "card_declined", "fraudulent", "Your card was declined.", advice="try_again_later", by_radar=True
)
LIVE_CARD = _declined(
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test (live) card. "
    "For a list of valid test cards, visit: https://stripe.com/docs/testing.",
)
VELOCITY = _declined(
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    "65",
)
EXPIRED = Decline(
    "expired_card",
    "expired_card",
    "Your card has expired.",
    "exp_month",
    "do_not_try_again",
    network_code="54",
)
INCORRECT_CVC = Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "cvc")
PROCESSING_ERROR = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


@dataclass(frozen=True)
class TestCard:
    """A card number and its behaviour."""

    # pytest would collect the class by its name.
    __test__ = False

    number: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    decline: Decline | None = None
    attachable: bool = True
    authentication: Authentication = "none"
    cvc_check: str = "pass"
    postal_code_check: str = "pass"
    line1_check: str = "pass"
    dispute: str | None = None
    disputes: int = 1
    inquiry: bool = False
    issuer_warns: bool = False
    refund: Literal["succeeds", "pends", "fails_later"] = "succeeds"
    risk: Literal["normal", "elevated", "highest"] = "normal"

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.number)


def fingerprint(number: str) -> str:
    """Return the same 16 characters for the same number."""
    return hashlib.sha256(f"estuary-sandbox:{number}".encode()).hexdigest()[:16]


def _refused(number: str, decline: Decline) -> TestCard:
    return TestCard(number, decline=decline, attachable=False)


_CARDS = [
    TestCard("4242424242424242"),
    TestCard("4000056655665556", funding="debit"),
    TestCard("4012888888881881"),
    TestCard("4111111111111111"),
    TestCard("5555555555554444", "mastercard"),
    TestCard("2223003122003222", "mastercard"),
    TestCard("5200828282828210", "mastercard", "debit"),
    TestCard("5105105105105100", "mastercard", "prepaid"),
    TestCard("378282246310005", "amex"),
    TestCard("371449635398431", "amex"),
    TestCard("6011111111111117", "discover"),
    TestCard("6011000990139424", "discover"),
    TestCard("6011981111111113", "discover", "debit"),
    TestCard("3056930009020004", "diners"),
    TestCard("36227206271667", "diners"),
    TestCard("6555900000604105", "discover"),
    TestCard("3566002020360505", "jcb", country="JP"),
    TestCard("6200000000000005", "unionpay", country="CN"),
    TestCard("6200000000000047", "unionpay", "debit", country="CN"),
    TestCard("4000000000000077"),
    TestCard("4000003720000278", country="IE"),
    # Declines
    _refused("4000000000000002", GENERIC),
    _refused("4000000000009995", INSUFFICIENT_FUNDS),
    _refused("4000000000009987", LOST),
    _refused("4000000000009979", STOLEN),
    _refused("4000000000000069", EXPIRED),
    _refused("4000000000000127", INCORRECT_CVC),
    _refused("4000000000000119", PROCESSING_ERROR),
    _refused("4000000000006975", VELOCITY),
    TestCard("4000000000000341", decline=GENERIC),
    # Fraud prevention
    TestCard("4000000000000101", cvc_check="fail"),
    TestCard("4000000000000036", postal_code_check="fail"),
    TestCard("4000000000000028", line1_check="fail"),
    TestCard("4000000000000010", postal_code_check="fail", line1_check="fail"),
    TestCard("4000000000000044", postal_code_check="unavailable", line1_check="unavailable"),
    TestCard("4100000000000019", decline=FRAUDULENT, risk="highest"),
    TestCard("4000000000004954", decline=FRAUDULENT, risk="highest"),
    TestCard("4000000000009235", risk="elevated"),
    # 3-D Secure
    TestCard("4000002500003155", country="FR", authentication="unless_set_up"),
    TestCard("4000002760003184", country="DE", authentication="always"),
    TestCard("4000003800000446", country="HK", authentication="off_session_ok"),
    TestCard("4000008260003178", country="GB", authentication="always", decline=INSUFFICIENT_FUNDS),
    TestCard("4000000000003220", authentication="always"),
    TestCard("4000000000003063", authentication="always"),
    TestCard("4000008400001629", authentication="always", decline=GENERIC),
    TestCard("4000000000003055"),
    # Disputes
    TestCard("4000000000000259", dispute="fraudulent"),
    TestCard("4000000000002685", dispute="product_not_received"),
    TestCard("4000000000001976", dispute="fraudulent", inquiry=True),
    TestCard("4000000404000079", dispute="fraudulent", disputes=2),
    TestCard("4000000000005423", issuer_warns=True),
    # Refunds
    TestCard("4000000000007726", refund="pends"),
    TestCard("4000000000005126", refund="fails_later"),
]

# Visa cards of other countries, each with a name such as `pm_card_br`.
_COUNTRIES = {
    "ae": "4000007840000001", "ar": "4000000320000021", "at": "4000000400000008", "au": "4000000360000006",
    "be": "4000000560000004", "bg": "4000001000000000", "br": "4000000760000002", "by": "4000001120000005",
    "ca": "4000001240000000", "ch": "4000007560000009", "cl": "4000001520000001", "cn": "4000001560000002",
    "co": "4000001700000003", "cr": "4000001880000005", "cy": "4000001960000008", "cz": "4000002030000002",
    "de": "4000002760000016", "dk": "4000002080000001", "ec": "4000002180000000", "ee": "4000002330000009",
    "es": "4000007240000007", "fi": "4000002460000001", "fr": "4000002500000003", "gb": "4000008260000000",
    "gi": "4000002920000005", "gr": "4000003000000030", "hk": "4000003440000004", "hr": "4000001910000009",
    "hu": "4000003480000005", "ie": "4000003720000005", "in": "4000003560000008", "it": "4000003800000008",
    "jp": "4000003920000003", "li": "4000004380000004", "lt": "4000004400000000", "lu": "4000004420000006",
    "lv": "4000004280000005", "mt": "4000004700000007", "mx": "4000004840008001", "my": "4000004580000002",
    "nl": "4000005280000002", "no": "4000005780000007", "nz": "4000005540000008", "pa": "4000005910000000",
    "pe": "4000006040000068", "pl": "4000006160000005", "pt": "4000006200000007", "py": "4000006000000066",
    "ro": "4000006420000001", "sa": "4000006820000007", "se": "4000007520000008", "sg": "4000007020000003",
    "si": "4000007050000006", "sk": "4000007030000001", "th": "4000007640000003", "tw": "4000001580000008",
    "uy": "4000008580000003",
}  # fmt: skip

CARDS = {card.number: card for card in _CARDS} | {
    number: TestCard(number, country=country.upper()) for country, number in _COUNTRIES.items()
}

# Names after `pm_card_`, most of them also after `tok_`.
NAMES = _COUNTRIES | {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "mastercard_debit": "5200828282828210",
    "mastercard_prepaid": "5105105105105100",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "us": "4242424242424242",
    "bypassPending": "4000000000000077",
    "bypassPendingInternational": "4000003720000278",
    "visa_chargeDeclined": "4000000000000002",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "visa_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "chargeCustomerFail": "4000000000000341",
    "cvcCheckFail": "4000000000000101",
    "avsZipFail": "4000000000000036",
    "avsLine1Fail": "4000000000000028",
    "avsFail": "4000000000000010",
    "avsUnchecked": "4000000000000044",
    "radarBlock": "4100000000000019",
    "riskLevelHighest": "4000000000004954",
    "riskLevelElevated": "4000000000009235",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequired": "4000002760003184",
    "authenticationRequiredSetupForOffSession": "4000003800000446",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureRequired": "4000000000003063",
    "threeDSecureRequiredChargeDeclined": "4000008400001629",
    "threeDSecureOptional": "4000000000003055",
    "createDispute": "4000000000000259",
    "createDisputeProductNotReceived": "4000000000002685",
    "createDisputeInquiry": "4000000000001976",
    "createMultipleDisputes": "4000000404000079",
    "createIssuerFraudRecord": "4000000000005423",
    "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126",
}

_PREFIXES = [
    ("4", "visa"), ("34", "amex"), ("37", "amex"), ("35", "jcb"), ("30", "diners"), ("36", "diners"),
    ("38", "diners"), ("62", "unionpay"), ("60", "discover"), ("65", "discover"), ("5", "mastercard"),
    ("2", "mastercard"),
]  # fmt: skip


def by_number(number: str) -> TestCard:
    """Return the card with this number; other well-formed numbers are declined as live cards."""
    brand = next((brand for prefix, brand in _PREFIXES if number.startswith(prefix)), "unknown")
    return CARDS.get(number) or TestCard(number, brand, decline=LIVE_CARD, attachable=False)


def by_name(name: str) -> TestCard | None:
    """Return the card of a name such as `pm_card_visa`, `tok_visa` or `tok_visa_createDispute`."""
    for prefix in ("pm_card_", "tok_visa_", "tok_"):
        if name.startswith(prefix) and name.removeprefix(prefix) in NAMES:
            return CARDS[NAMES[name.removeprefix(prefix)]]
    return None


def passes_luhn(number: str) -> bool:
    """Check the number's last digit against the others."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + doubled) % 10 == 0
