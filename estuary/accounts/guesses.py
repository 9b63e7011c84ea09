"""How many passwords may be guessed, at the API's sign-in and at the admin's together; counted before one is hashed."""

from dataclasses import dataclass

from allauth.core.internal import ratelimit
from django.http import HttpRequest

# Whoever guesses is stopped by where they call from. An account is shut to all by many guesses only, which come from
# at least twenty addresses; else a stranger would lock its owner out. A reset by mail opens it at once.
LIMITS = {
    "from_address": "10/m/ip,100/h/ip",
    "from_address_at_account": "5/5m/key",
    "at_account": "100/h/key",
}
APP = "estuary.sign_in"


@dataclass(frozen=True)
class Guess:
    """A try that was counted, and can be taken back once it was the right password."""

    usages: tuple[ratelimit.RateLimitUsage, ...]

    def take_back(self) -> None:
        for usage in self.usages:
            usage.rollback()


def count_guess(request: HttpRequest, email: str) -> Guess | None:
    """Count a try at an account; returns None where there were too many, and then no password may be looked at."""
    usages = []
    for action, rates in LIMITS.items():
        usage = ratelimit.consume(
            request, app=APP, action=action, config={action: rates}, key=_key(action, request, email)
        )
        if not usage:
            return None
        usages.append(usage)
    return Guess(tuple(usages))


def forget_guesses(request: HttpRequest, email: str) -> None:
    """Let the owner in who reset the password: forget what was counted at the account, from wherever."""
    for action in ("from_address_at_account", "at_account"):
        ratelimit.clear(
            request, app=APP, action=action, config={action: LIMITS[action]}, key=_key(action, request, email)
        )


def _key(action: str, request: HttpRequest, email: str) -> str:
    account = email.lower()
    return account if action == "at_account" else f"{ratelimit.get_ip(request)} {account}"
