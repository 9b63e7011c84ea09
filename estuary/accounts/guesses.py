"""How many passwords may be guessed, at the API's sign-in and at the admin's together; counted before one is hashed.

Whoever guesses is stopped, and no account is shut, so that nobody keeps its owner out. What strangers can do to one:

- One address has 5 tries in five minutes, 10 an hour, 20 a day. Two addresses guess 20 passwords an hour.
- Ten addresses reach 100 an hour. From then on any other address has one try an hour: the owner's, who knows it.
- A hundred guess 180 in the first hour, and are stopped. A thousand use up that hour's 1,000 single tries.
- A browser in which the account was opened is counted by itself, whatever others do from wherever, its own address
  too. The browser in which a password is reset by mail becomes one.
"""

from dataclasses import dataclass, field

from allauth.core.internal import ratelimit
from django.http import HttpRequest

from estuary.accounts.devices import find_device
from estuary.accounts.models import User
from estuary.common.client_ip import network_site

LIMITS = {
    "from_address": "10/m/ip,100/h/ip",
    "from_address_at_account": "5/5m/key,10/h/key,20/d/key",
    # Who has one /48 of IPv6 has 65,536 addresses: each network of /64 counts as one.
    "from_site": "60/m/key,600/h/key",
    "from_site_at_account": "20/h/key",
    "at_account": "100/h/key",
    "once_from_address_at_account": "1/h/key",
    "once_at_account": "1000/h/key",
    "code_at_account": "10/h/key,50/d/key",
    "from_device": "5/5m/key,20/h/key",
}
APP = "estuary.sign_in"


@dataclass
class Guess:
    """A try that was counted, and can be taken back once it was the right password."""

    request: HttpRequest
    usages: list[ratelimit.RateLimitUsage] = field(default_factory=list)

    def count(self, action: str, key: str = "") -> bool:
        """Count the try by one limit; returns whether it is within."""
        usage = ratelimit.consume(
            self.request, app=APP, action=action, config={action: LIMITS[action]}, key=key
        )
        if usage:
            self.usages.append(usage)
        return bool(usage)

    def roll_back(self) -> None:
        for usage in self.usages:
            usage.rollback()


def count_guess(request: HttpRequest, email: str) -> Guess | None:
    """Count a try at an account; returns None where there were too many, and then no password may be looked at."""
    guess = Guess(request)
    if device := find_device(request, email):
        return guess if guess.count("from_device", device) else None
    within = _count_by_address(guess, email.lower()) and _count_at_account(guess, email.lower())
    return guess if within else None


def count_code(request: HttpRequest, user: User) -> Guess | None:
    """Count a code of a second factor; returns None where there were too many, from however many addresses.

    Whoever guesses knows the password. Fifty a day of a million codes, three of them right at a time, find one in
    4,600 days at even odds. What was counted outlives a reset of the password.
    """
    guess, factor = Guess(request), f"second factor of {user.pk}"
    within = _count_by_address(guess, factor) and guess.count("code_at_account", factor)
    return guess if within else None


def clear_guesses(request: HttpRequest, email: str) -> None:
    """Let the owner in who reset the password: forget what was counted at the account, from wherever."""
    account = email.lower()
    pair = _address_and_account(request, account)
    for action, key in (
        ("from_address_at_account", pair),
        ("once_from_address_at_account", pair),
        ("at_account", account),
        ("once_at_account", account),
    ):
        ratelimit.clear(request, app=APP, action=action, config={action: LIMITS[action]}, key=key)


def _count_by_address(guess: Guess, account: str) -> bool:
    if not guess.count("from_address"):
        return False
    address = ratelimit.get_ip(guess.request)
    site = network_site(address)
    if site != address and not (
        guess.count("from_site", site) and guess.count("from_site_at_account", f"{site} {account}")
    ):
        return False
    return guess.count("from_address_at_account", _address_and_account(guess.request, account))


def _count_at_account(guess: Guess, account: str) -> bool:
    if guess.count("at_account", account):
        return True
    once = guess.count("once_from_address_at_account", _address_and_account(guess.request, account))
    return once and guess.count("once_at_account", account)


def _address_and_account(request: HttpRequest, account: str) -> str:
    return f"{ratelimit.get_ip(request)} {account}"
