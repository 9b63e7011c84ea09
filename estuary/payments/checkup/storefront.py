"""The storefront: is its publishable key one of our account, and does the shop's address lead to this installation?"""

from collections.abc import Iterator
from pathlib import Path

import requests
from django.conf import settings
from django.urls import reverse

from estuary.common import stripe_keys
from estuary.payments.checkup.finding import Finding, broken, good, look
from estuary.payments.errors import KeyRefused, PermissionMissing
from estuary.payments.gateway.probes import Probes

TIMEOUT_S = 3
NO_CARD_FIELD = "The card field does not show, so nobody can pay by card."
SET_KEY = (
    "export NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY=pk_…    # beside the secret key on "
    "https://dashboard.stripe.com/apikeys; then start the web server again"
)
START_AGAIN = "Start the web server again, with the variables that this command has."


def check_storefront(stripe: Probes | None) -> Iterator[Finding]:
    key = settings.STRIPE_PUBLISHABLE_KEY
    if key:
        yield from _check_key(stripe, key)
    if not (Path(settings.STOREFRONT_ROOT) / "index.html").is_file():
        yield look(
            "storefront_not_built",
            "The storefront is not built.",
            why="The address of the shop shows no page, unless a frontend of your own stands there.",
            cure="make frontend    # then start the web server again",
        )
    yield from _check_address(key)


def _check_key(stripe: Probes | None, key: str) -> Iterator[Finding]:
    accounts = {stripe_keys.find_account(settings.STRIPE_SECRET_KEY), stripe_keys.find_account(key)}
    is_ours: bool | None = None if len(accounts - {""}) < 2 else False
    try:
        if stripe and is_ours is None:
            is_ours = stripe.is_publishable_key_of_account(key)
    except KeyRefused as error:
        yield broken("publishable_key_refused", _name_variable(error), why=NO_CARD_FIELD, cure=SET_KEY)
        return
    except PermissionMissing:
        is_ours = None
    if is_ours is False:
        yield broken(
            "publishable_key_of_another_account",
            "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY is of another account than STRIPE_SECRET_KEY.",
            why=f"Stripe.js knows none of our payments. {NO_CARD_FIELD}",
            cure=SET_KEY,
        )
    elif stripe:
        proven = ": it was used to read a payment" if is_ours else ", of the same mode as the secret key"
        yield good("publishable_key", f"The publishable key is accepted{proven}.")


def _name_variable(error: KeyRefused) -> str:
    return str(error).replace("STRIPE_SECRET_KEY", "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY").split(" Copy ")[0]


def _check_address(key: str) -> Iterator[Finding]:
    """Read the public settings at the shop's address, as a browser does."""
    url = f"{settings.FRONTEND_URL}{reverse('payment-config')}"
    try:
        with requests.Session() as session:
            # A .netrc or a proxy of this machine is not the browser's.
            session.trust_env = False
            response = session.get(url, timeout=TIMEOUT_S, allow_redirects=False)
            public = response.json() if response.ok else {}
    except (requests.RequestException, ValueError) as error:
        yield _unreachable(url, type(error).__name__)
        return
    if not isinstance(public, dict) or "publishable_key" not in public:
        yield _unreachable(url, f"status {response.status_code}")
    elif public["publishable_key"] != key or public.get("sandbox") != settings.SANDBOX:
        yield broken(
            "web_server_differs",
            f"The web server at {settings.FRONTEND_URL} runs with another publishable key or mode than this command.",
            why="It was started before the variables were changed, or it is another installation.",
            cure=START_AGAIN,
        )
    else:
        yield good(
            "address", f"The web server answers at {settings.FRONTEND_URL}, with the same publishable key."
        )


def _unreachable(url: str, reason: str) -> Finding:
    return look(
        "shop_unreachable",
        f"{url} does not answer with the shop's public settings ({reason}).",
        why="If it does not answer from outside either, buyers and Stripe's events do not reach the shop.",
        cure=f"curl -i {url}    # from outside: is the web server running, and FRONTEND_URL its address?",
    )
