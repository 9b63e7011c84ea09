"""Delivers webhooks in background threads, and retries failed deliveries."""

import logging
import threading

import httpx

from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.webhook_queue import Delivery

TIMEOUT_S = 20.0
PAUSE_S = 0.1

log = logging.getLogger("stripe_sandbox")


class DeliveryWorker:
    """Threads that post due deliveries. One thread keeps their order; several overtake each other, as at Stripe."""

    def __init__(self, sandbox: Sandbox, *, at_once: int = 1) -> None:
        self._sandbox = sandbox
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"webhooks {number}", daemon=True)
            for number in range(1, at_once + 1)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the current deliveries and stop."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=TIMEOUT_S)

    def _run(self) -> None:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
            while not self._stop.is_set():
                with self._sandbox.lock:
                    self._sandbox.state.timers.run_due()
                    due = self._sandbox.state.outbox.take(limit=1)
                for delivery in due:
                    self._deliver(http, delivery)
                if not due:
                    self._stop.wait(PAUSE_S)

    def _deliver(self, http: httpx.Client, delivery: Delivery) -> None:
        try:
            status = http.post(delivery.url, content=delivery.body, headers=delivery.headers).status_code
            outcome = str(status)
        except httpx.HTTPError as error:
            status, outcome = 0, type(error).__name__
        outbox = self._sandbox.state.outbox
        with self._sandbox.lock:
            if 200 <= status < 300:
                outbox.succeeded(delivery)
                again = ""
            else:
                wait = outbox.failed(delivery)
                again = f", again in {wait:.0f} s" if wait is not None else ", given up"
        log.info("webhook %s %s -> %s%s", delivery.type, delivery.event_id, outcome, again)
