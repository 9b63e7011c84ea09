"""Test bank accounts, whose payments settle after days: https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment."""

from dataclasses import dataclass

from stripe_sandbox.cards import Decline, fingerprint

METHODS_BY_CURRENCY = {"usd": "us_bank_account", "eur": "sepa_debit"}


@dataclass(frozen=True)
class TestAccount:
    """An account number, and how its payments end by default."""

    # pytest would collect the class by its name.
    __test__ = False

    number: str
    method: str
    failure: Decline | None = None
    country: str = "US"

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.number)


def _failing(code: str, message: str) -> Decline:
    return Decline(code, code, message)


CLOSED = _failing("bank_account_unusable", "The customer's bank account has been closed.")
FUNDS = _failing("insufficient_funds", "The customer's account has insufficient funds to cover this payment.")
NOT_AUTHORIZED = _failing(
    "debit_not_authorized", "The customer has notified their bank that this was unauthorized."
)

_US = [
    TestAccount("000123456789", "us_bank_account"),
    TestAccount("000000000009", "us_bank_account"),
    TestAccount("000111111113", "us_bank_account", CLOSED),
    TestAccount("000111111116", "us_bank_account", CLOSED),
    TestAccount("000222222227", "us_bank_account", FUNDS),
    TestAccount("000333333335", "us_bank_account", NOT_AUTHORIZED),
]
_SEPA = [
    TestAccount("DE89370400440532013000", "sepa_debit", country="DE"),
    TestAccount("DE62370400440532013001", "sepa_debit", FUNDS, country="DE"),
    TestAccount("FR1420041010050500013M02606", "sepa_debit", country="FR"),
    TestAccount("FR8420041010050500013M02607", "sepa_debit", FUNDS, country="FR"),
    TestAccount("AT611904300234573201", "sepa_debit", country="AT"),
    TestAccount("AT321904300235473204", "sepa_debit", country="AT"),
    TestAccount("AT861904300235473202", "sepa_debit", FUNDS, country="AT"),
    TestAccount("IT40S0542811101000000123456", "sepa_debit", country="IT"),
    TestAccount("IT60X0542811101000000123456", "sepa_debit", FUNDS, country="IT"),
]
ACCOUNTS = {account.number: account for account in (*_US, *_SEPA)}

_NAMES = {
    "pm_usBankAccount_success": "000123456789",
    "pm_usBankAccount": "000123456789",
    "pm_usBankAccount_processing": "000000000009",
    "pm_usBankAccount_accountClosed": "000111111113",
    "pm_usBankAccount_noAccount": "000111111116",
    "pm_usBankAccount_insufficientFunds": "000222222227",
    "pm_usBankAccount_debitNotAuthorized": "000333333335",
    "pm_sepaDebit": "DE89370400440532013000",
}

DEFAULT = {"us_bank_account": "000123456789", "sepa_debit": "DE89370400440532013000"}


def by_number(number: str, method: str) -> TestAccount:
    """Return the account with this number; payments of unknown numbers succeed."""
    return ACCOUNTS.get(number) or TestAccount(
        number, method, country=number[:2] if method == "sepa_debit" else "US"
    )


def by_name(name: str) -> TestAccount | None:
    """Return the account of a name such as `pm_usBankAccount_success`."""
    return ACCOUNTS[_NAMES[name]] if name in _NAMES else None
