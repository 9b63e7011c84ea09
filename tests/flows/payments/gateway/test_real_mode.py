"""Without the sandbox the same code talks to Stripe: what it would send is shown by a recorder in Stripe's place."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from django.db import connection

from estuary.orders.models import Order
from tests.factories import make_user

ROOT = Path(__file__).parents[4]
INTENT = {
    "id": "pi_recorded",
    "object": "payment_intent",
    "status": "requires_payment_method",
    "amount": 10000,
    "currency": "usd",
    "client_secret": "pi_recorded_secret_x",
    "livemode": True,
}


class Recorder(BaseHTTPRequestHandler):
    """Answers as Stripe would, just enough, and remembers what it was asked."""

    seen: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.seen.append({"path": self.path, "headers": dict(self.headers), "body": parse_qs(body)})
        answer = {"id": "cus_recorded", "object": "customer"} if "customers" in self.path else INTENT
        payload = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def do_GET(self) -> None:
        """Say whose key it is, the one thing that is looked at before anything is asked for."""
        payload = json.dumps({"id": "acct_recorded", "object": "account"}).encode()
        self.send_response(200 if self.path == "/v1/account" else 404)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output quiet."""


@pytest.fixture
def recorder() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    seen: list[dict[str, Any]] = []
    server = HTTPServer(("127.0.0.1", 0), type("OneRecorder", (Recorder,), {"seen": seen}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


def database_url() -> str:
    params = connection.get_connection_params()
    return f"postgresql://{params['user']}@/{params['dbname']}?host={quote(params['host'], safe='')}"


CREATE = """
from rest_framework.test import APIClient
from estuary.accounts.models import User
buyer = APIClient()
buyer.force_authenticate(User.objects.get())
body = {"is_credit_purchase": True, "amount": 100.00}
answer = buyer.post("/api/v1/payments/create/", body, secure=True, HTTP_HOST="estuary.example")
assert answer.status_code == 201, answer.content
"""


@pytest.mark.django_db(transaction=True)
def test_the_same_code_talks_to_stripe_itself(recorder: tuple[str, list[dict[str, Any]]]) -> None:
    user = make_user()
    base, seen = recorder
    environment = {
        "PATH": os.environ["PATH"],
        "STRIPE_SECRET_KEY": "sk_live_0123456789abcdef",
        "STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef",
        "FRONTEND_URL": "https://estuary.example",
        "DATABASE_URL": database_url(),
        "STRIPE_API_BASE": base,
    }
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", CREATE]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    customer, intent = seen
    order = Order.objects.get()
    assert (customer["path"], intent["path"]) == ("/v1/customers", "/v1/payment_intents")
    for request in seen:
        assert request["headers"]["Authorization"] == "Bearer sk_live_0123456789abcdef"
        assert request["headers"]["Stripe-Version"] == "2026-10-28.endive"
    assert intent["headers"]["Idempotency-Key"] == f"{order.public_id}-intent-1"
    assert intent["body"] == {
        "amount": ["10000"],
        "currency": ["usd"],
        "customer": ["cus_recorded"],
        "description": ["Credits"],
        "metadata[order_id]": [order.public_id],
        "metadata[user_id]": [str(user.pk)],
        "metadata[order_type]": ["credit"],
        "automatic_payment_methods[enabled]": ["true"],
        "automatic_payment_methods[allow_redirects]": ["never"],
        "allowed_payment_method_types[0]": ["card"],
        "setup_future_usage": ["off_session"],
    }
