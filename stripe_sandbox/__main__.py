"""Start the sandbox: `python -m stripe_sandbox --webhook-url http://… --webhook-secret whsec_…`."""

import argparse
import logging

import uvicorn

from stripe_sandbox import versions
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.server import app_for


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="stripe_sandbox", description="A stateful Stripe for the laptop.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--webhook-url", help="where events are posted")
    parser.add_argument("--webhook-secret", help="what they are signed with, whsec_…")
    parser.add_argument(
        "--webhook-api-version", help="the endpoint's API version; the account's default without it"
    )
    parser.add_argument("--api-version", default=versions.DEFAULT, help="the account's default API version")
    parser.add_argument("--public-url", help="how browsers reach this server")
    parser.add_argument("--publishable-key", default="", help="the only one that browsers may use, pk_test_…")
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
    sandbox = Sandbox(
        webhook_url=options.webhook_url or "",
        webhook_secret=options.webhook_secret,
        webhook_api_version=options.webhook_api_version,
        public_url=options.public_url or f"http://{options.host}:{options.port}",
        default_version=options.api_version,
        account_name=options.name,
        publishable_key=options.publishable_key,
        automatic_after_s=options.settle_after,
    )
    print(
        f"Stripe sandbox on http://{options.host}:{options.port} (payments and controls: /_sandbox/)",
        flush=True,
    )
    app = app_for(sandbox, deliveries_at_once=options.deliveries_at_once)
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
