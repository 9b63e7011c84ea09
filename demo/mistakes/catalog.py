"""The mistakes: the four common issues first, then others. Each is made, and taken back afterwards."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import psycopg

from demo.mistakes.shop import Shop
from demo.plan import HOST
from demo.ports import free_port
from estuary.config.environment import BASE_DIR

NOBODY_LISTENS = 9
ALL_BUT_DISPUTES = (
    *("customer_write", "payment_intent_write", "payment_method_write", "setup_intent_write"),
    *("checkout_session_write", "charge_write", "product_write", "event_read", "webhook_read"),
    "accounts_kyc_basic_read",
)
# All that the go-live page lists, but the event of a saved card.
PAGE = (BASE_DIR / "docs" / "howto" / "go-live.md").read_text(encoding="utf-8")
LISTED = re.findall(r"[a-z_]+(?:\.[a-z_]+)+", PAGE[PAGE.index("payment_intent.succeeded") :].split("```")[0])


@dataclass(frozen=True, slots=True)
class Mistake:
    """``make`` makes it, and yields the variables that the checkup has besides; ``code`` is what must be named."""

    name: str
    code: str
    make: Callable[[Shop], AbstractContextManager[dict[str, str]]]


def variables(**changed: str) -> Callable[[Shop], AbstractContextManager[dict[str, str]]]:
    """Return a mistake that is no more than variables with other values."""

    @contextmanager
    def make(shop: Shop) -> Iterator[dict[str, str]]:
        yield changed

    return make


@contextmanager
def revoked_key(shop: Shop) -> Iterator[dict[str, str]]:
    key = f"sk_test_{secrets.token_hex(50)}"
    shop.control("revoke_key", key=key)
    yield {"STRIPE_SECRET_KEY": key}


@contextmanager
def another_webhook_secret(shop: Shop) -> Iterator[dict[str, str]]:
    another = f"whsec_{secrets.token_hex(16)}"
    shop.end("web")
    shop.start_web(STRIPE_WEBHOOK_SECRET=another)
    order_id = shop.pay()
    yield {"STRIPE_WEBHOOK_SECRET": another}
    shop.end("web")
    shop.start_web()
    # Stripe sends the events again, at growing intervals.
    shop.wait_until_settled(order_id)


@contextmanager
def endpoint_without_saved_cards(shop: Shop) -> Iterator[dict[str, str]]:
    shop.update_endpoint({"enabled_events[]": sorted(set(LISTED) - {"payment_method.attached"})})
    yield {}
    shop.update_endpoint({"enabled_events[]": ["*"]})


@contextmanager
def no_endpoint(shop: Shop) -> Iterator[dict[str, str]]:
    shop.delete_endpoint()
    yield {}
    shop.add_endpoint()


@contextmanager
def endpoint_at_another_path(shop: Shop) -> Iterator[dict[str, str]]:
    shop.update_endpoint({"url": f"{shop.web_url}/payments/webhook/"})
    yield {}
    shop.update_endpoint({"url": shop.webhook_url})


@contextmanager
def disabled_endpoint(shop: Shop) -> Iterator[dict[str, str]]:
    endpoint_id = shop.endpoint_id()
    shop.update_endpoint({"disabled": "true"})
    yield {}
    shop.update_endpoint({"disabled": "false"}, endpoint_id)


@contextmanager
def endpoint_in_another_version(shop: Shop) -> Iterator[dict[str, str]]:
    shop.delete_endpoint()
    shop.add_endpoint(api_version="2025-03-31.basil")
    yield {}
    shop.delete_endpoint()
    shop.add_endpoint()


@contextmanager
def key_of_another_account(shop: Shop) -> Iterator[dict[str, str]]:
    port = free_port()
    another = shop.start_stripe(port, "--account", "acct_1AnotherShop0000")
    yield {"STRIPE_API_BASE": f"http://{HOST}:{port}"}
    shop.processes.end(another)


@contextmanager
def restricted_key(shop: Shop) -> Iterator[dict[str, str]]:
    key = f"rk_test_{secrets.token_hex(50)}"
    shop.control("restrict_key", key=key, permissions=",".join(ALL_BUT_DISPUTES))
    yield {"STRIPE_SECRET_KEY": key}


@contextmanager
def lost_events(shop: Shop) -> Iterator[dict[str, str]]:
    """A firewall between Stripe and the shop."""
    shop.control("faults", kind="drop", match="*", times=None)
    shop.pay()
    yield {}
    shop.clear_faults()


@contextmanager
def no_worker(shop: Shop) -> Iterator[dict[str, str]]:
    shop.end("worker")
    yield {}
    shop.start_worker()


@contextmanager
def wrong_clock(shop: Shop) -> Iterator[dict[str, str]]:
    shop.control("advance", seconds=600)
    yield {}
    shop.control("advance", seconds=-600)


@contextmanager
def empty_database(shop: Shop) -> Iterator[dict[str, str]]:
    url = shop.env["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("CREATE DATABASE not_migrated")
        name = database.info.dbname
    yield {"DATABASE_URL": url.replace(f"/{name}?", "/not_migrated?")}


NOWHERE = f"http://{HOST}:{NOBODY_LISTENS}"
MISTAKES = (
    Mistake("1. Payment intents fail: the secret key was revoked", "key_refused", revoked_key),
    Mistake(
        "2. No card field: the publishable key is of another account",
        "publishable_key_of_another_account",
        variables(NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY=f"pk_test_51{secrets.token_hex(48)}0"),
    ),
    Mistake(
        "3. Events are not processed: the webhook secret is another endpoint's",
        "webhook_secret_wrong",
        another_webhook_secret,
    ),
    Mistake(
        "4. Saved cards do not appear: the endpoint does not send their event",
        "endpoint_lacks_events",
        endpoint_without_saved_cards,
    ),
    Mistake("There is no webhook endpoint at Stripe", "endpoint_missing", no_endpoint),
    Mistake("The endpoint's address has another path", "endpoint_address", endpoint_at_another_path),
    Mistake("The endpoint is disabled", "endpoint_disabled", disabled_endpoint),
    Mistake(
        "The endpoint sends another API version",
        "endpoint_version",
        endpoint_in_another_version,
    ),
    Mistake("The key is of another account than the database", "wrong_account", key_of_another_account),
    Mistake("The restricted key may not read disputes", "permission_missing", restricted_key),
    Mistake("No worker is running", "worker_silent", no_worker),
    Mistake("The clock is ten minutes behind", "clock_off", wrong_clock),
    Mistake(
        "The mail server does not answer",
        "mail_server_silent",
        variables(EMAIL_URL=f"smtp://localhost:{NOBODY_LISTENS}/"),
    ),
    Mistake("Stripe can't be reached", "stripe_unreachable", variables(STRIPE_API_BASE=NOWHERE)),
    Mistake(
        "FRONTEND_URL leads to nobody",
        "shop_unreachable",
        variables(FRONTEND_URL=f"http://localhost:{NOBODY_LISTENS}"),
    ),
    Mistake("Receipts have no seller", "seller_unnamed", variables(ESTUARY_SELLER_NAME="")),
    Mistake("The database is not migrated", "migrations_missing", empty_database),
    Mistake(
        "One key is live, the other a test key",
        "cannot_start",
        variables(NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY=f"pk_live_51{secrets.token_hex(48)}0"),
    ),
    # The last: what was lost stays missing.
    Mistake("A firewall keeps Stripe's events out", "events_missing", lost_events),
)
