"""Estuary's public API as a buyer's browser uses it."""

import time
from dataclasses import dataclass
from typing import Any

import httpx

from demo.selfcheck.failure import SelfCheckFailed, describe_response

type Json = dict[str, Any]
SETTLED_WITHIN_S = 20.0


@dataclass(slots=True)
class Estuary:
    """The API for nobody in particular: the shop window, and the doors to sign up and in."""

    http: httpx.Client
    token: str = ""

    def get(self, path: str, **query: str) -> Json:
        return self._ask("GET", path, params=query)

    def post(self, path: str, **body: Any) -> Json:
        return self._ask("POST", path, json=body)

    def try_post(self, path: str, **body: Any) -> httpx.Response:
        """Send what may well be refused, and return the answer whatever it is."""
        return self.http.post(path, json=body, headers=self._headers())

    def sign_up(self, email: str, password: str) -> "Estuary":
        return self._enter("signup", email, password)

    def sign_in(self, email: str, password: str) -> "Estuary":
        return self._enter("login", email, password)

    def _enter(self, door: str, email: str, password: str) -> "Estuary":
        answer = self.http.post(f"/_allauth/app/v1/auth/{door}", json={"email": email, "password": password})
        if answer.status_code != 200:
            raise SelfCheckFailed(describe_response(answer))
        return Estuary(self.http, str(answer.json()["meta"]["access_token"]))

    def _ask(self, method: str, path: str, **how: Any) -> Json:
        answer = self.http.request(method, path, headers=self._headers(), **how)
        if not answer.is_success:
            raise SelfCheckFailed(describe_response(answer))
        return dict(answer.json())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    # --- The shop window

    def slots(self, service_id: str) -> list[str]:
        """Return the starts of the free slots of a 1-on-1 service in the next two weeks."""
        return [slot["start_datetime"] for slot in self.get(f"/api/v1/services/{service_id}/slots/")["slots"]]

    def sessions(self, service_id: str) -> list[Json]:
        return list(self.get(f"/api/v1/services/{service_id}/sessions/")["results"])

    def seats_left(self, service_id: str, session_id: str) -> int:
        matching = [s for s in self.sessions(service_id) if s["id"] == session_id]
        return int(matching[0]["seats_left"])

    # --- Buying

    def create_payment(self, **body: Any) -> Json:
        return self.post("/api/v1/payments/create/", **body)

    def order(self, order_id: str) -> Json:
        return self.get(f"/api/v1/orders/{order_id}/")

    def wait_for_order(
        self,
        order_id: str,
        status: str,
        *,
        within_s: float = SETTLED_WITHIN_S,
    ) -> Json:
        """Poll an order, as the return page does, until it is in ``status``; raises SelfCheckFailed if it never is."""
        deadline = time.monotonic() + within_s
        while True:
            order = self.order(order_id)
            if order["status"] == status:
                return order
            if time.monotonic() > deadline:
                raise SelfCheckFailed(_never(order, status, within_s))
            time.sleep(0.1)

    def bookings_of(self, order_id: str) -> list[Json]:
        """Return the bookings of an order, parts inside their package or bundle."""
        results = self.get("/api/v1/bookings/", page_size="100")["results"]
        return [booking for booking in results if booking["order_id"] == order_id]

    def cards(self) -> list[Json]:
        return list(self.get("/api/v1/payments/methods/")["payment_methods"])

    def balance(self) -> str:
        return str(self.get("/api/v1/credits/")["balance"])

    def ledger(self, order_id: str) -> list[str]:
        """Return the signed amounts that an order moved, the newest first."""
        lines = self.get("/api/v1/credits/", page_size="100")["results"]
        return [line["amount"] for line in lines if line["order_id"] == order_id]


def _never(order: Json, status: str, within_s: float) -> str:
    steps = " → ".join(step["after"] for step in order["timeline"]) or "none"
    failure = f"; failure: {order['failure']}" if order["failure"] else ""
    return (
        f"order {order['order_id']} is {order['status']} after {within_s:.0f} s, not yet {status} as it should be "
        f"(steps: {steps}; {len(order['bookings'])} bookings, {len(order['refunds'])} refunds{failure})"
    )
