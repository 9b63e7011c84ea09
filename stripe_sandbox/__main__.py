"""Start the sandbox: `stripe-sandbox`, or `python -m stripe_sandbox`."""

import argparse
import logging
import os
import socket
import sys
from contextlib import suppress

import uvicorn

from stripe_sandbox import versions
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.server import app_for
from stripe_sandbox.state import Settings


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="stripe-sandbox", description="A stateful Stripe for the laptop.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=12111, help="0: any that is free")
    parser.add_argument("--webhook-url", help="where events are posted")
    parser.add_argument("--webhook-secret", help="what they are signed with, whsec_…")
    parser.add_argument(
        "--webhook-api-version", help="the endpoint's API version; the account's default without it"
    )
    parser.add_argument("--api-version", default=versions.DEFAULT, help="the account's default API version")
    parser.add_argument("--public-url", help="how browsers reach this server")
    parser.add_argument("--publishable-key", default="", help="the only one that browsers may use, pk_test_…")
    parser.add_argument("--account", default=Settings.account_id, help="the account's id, acct_…")
    parser.add_argument("--name", default="Estuary sandbox", help="the merchant's name on pages")
    parser.add_argument(
        "--settle-after", type=float, help="seconds after which delayed payments and refunds end"
    )
    parser.add_argument(
        "--deliveries-at-once",
        type=int,
        default=1,
        help="webhooks on their way; one (the default) keeps the order",
    )
    options = parser.parse_args()
    if bool(options.webhook_url) != bool(options.webhook_secret):
        parser.error("--webhook-url and --webhook-secret go together")
    return options


def main() -> None:
    options = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    listener = listen(options.host, options.port)
    host = f"[{options.host}]" if ":" in options.host else options.host
    address = f"http://{host}:{listener.getsockname()[1]}"
    sandbox = Sandbox(
        webhook_url=options.webhook_url or "",
        webhook_secret=options.webhook_secret,
        webhook_api_version=options.webhook_api_version,
        public_url=options.public_url or address,
        default_version=options.api_version,
        account_id=options.account,
        account_name=options.name,
        publishable_key=options.publishable_key,
        automatic_after_s=options.settle_after,
    )
    print(
        f"Stripe sandbox on {address} (payments and controls: /_sandbox/, what it models: /_sandbox/about)",
        flush=True,
    )
    app = app_for(sandbox, deliveries_at_once=options.deliveries_at_once)
    # The sandbox's own clock is in its responses.
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_level="warning", access_log=False, date_header=False, timeout_graceful_shutdown=3
        )
    )
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; ends the process with a sentence when the address can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        # The error's own text names the address once more.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        sys.exit(f"The sandbox can't listen on {host}, port {port}: {reason}. --port chooses another.")


if __name__ == "__main__":
    main()
