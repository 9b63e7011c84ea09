"""Limits on password guesses, shared by the API's sign-in and the admin's, counted before a password is hashed.

Attackers are stopped, and no account is locked, so that nobody can keep its owner out. What attackers can do to one
account:

- One address has 5 attempts in five minutes, 10 an hour, 20 a day. Two addresses guess 20 passwords an hour.
- Ten addresses reach 100 an hour. From then on each other address has one attempt an hour: enough for the owner.
- A hundred addresses guess 180 in the first hour, and are stopped. A thousand use up that hour's 1,000 single attempts.
- A browser in which the account was opened before is counted by itself, whatever others do from any address, its own
  address too. The browser of a password reset by mail becomes such a browser.
"""

from dataclasses import dataclass, field

from allauth.core.internal import ratelimit
from django.http import HttpRequest

from estuary.accounts.models import User
from estuary.accounts.sign_in.devices import find_device
from estuary.common.client_ip import network_site

LIMITS = {
    "from_address": "10/m/ip,100/h/ip",
    "from_address_at_account": "5/5m/key,10/h/key,20/d/key",
    # The owner of an IPv6 /48 has 65,536 networks of /64, each of which counts as one address.
    "from_site": "60/m/key,600/h/key",
    "from_site_at_account": "20/h/key",
    "at_account": "100/h/key",
    "once_from_address_at_account": "1/h/key",
    "once_at_account": "1000/h/key",
    "code_at_account": "10/h/key,50/d/key",
    "from_device": "5/5m/key,20/h/key",
    # Of mailed codes; see sign_in_codes/limits.py.
    "code_mail_from_address": "20/m/ip,120/h/ip",
    "code_mail_from_address_to_account": "3/m/key,6/h/key,12/d/key",
    "code_mail_to_account": "12/h/key,30/d/key",
    "code_mail_from_device": "3/m/key,10/h/key,30/d/key",
}
APP = "estuary.sign_in"


@dataclass
class Guess:
    """A counted attempt, which can be rolled back if the password was right."""

    request: HttpRequest
    usages: list[ratelimit.RateLimitUsage] = field(default_factory=list)

    def count(self, action: str, key: str = "") -> bool:
        """Count the attempt by one limit; returns whether it is within the limit."""
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
    """Count an attempt at an account; returns None if there were too many: then check no password."""
    guess = Guess(request)
    if device := find_device(request, email):
        return guess if guess.count("from_device", device) else None
    within = _count_by_address(guess, email.lower()) and _count_at_account(guess, email.lower())
    return guess if within else None


def count_code(request: HttpRequest, user: User) -> Guess | None:
    """Count a second-factor code; returns None if there were too many, from any number of addresses.

    The attacker knows the password. With 50 guesses a day, a million codes and three valid ones at a time, even odds
    take 4,600 days. These counters survive a password reset.
    """
    guess, factor = Guess(request), f"second factor of {user.pk}"
    within = _count_by_address(guess, factor) and guess.count("code_at_account", factor)
    return guess if within else None


def clear_guesses(request: HttpRequest, email: str) -> None:
    """Clear the counters of an account whose owner has reset the password."""
    account = email.lower()
    pair = address_and_account(request, account)
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
    return guess.count("from_address_at_account", address_and_account(guess.request, account))


def _count_at_account(guess: Guess, account: str) -> bool:
    if guess.count("at_account", account):
        return True
    once = guess.count("once_from_address_at_account", address_and_account(guess.request, account))
    return once and guess.count("once_at_account", account)


def address_and_account(request: HttpRequest, account: str) -> str:
    """Return the key of one address at one account."""
    return f"{ratelimit.get_ip(request)} {account}"
