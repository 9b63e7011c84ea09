"""The steps that flows are made of: each is one thing that a person does, through the public API or at Stripe."""

from typing import Any

from rest_framework.test import APIClient

from estuary.catalog.models import Service
from estuary.orders.models import Order
from stripe_sandbox import Sandbox
from stripe_sandbox.store import Obj
from tests.factories import a_free_slot
from tests.sandbox_bridge import settle_everything

CREATE = "/api/v1/payments/create/"
METHODS = "/api/v1/payments/methods/"
FINE, DECLINED, NO_FUNDS = "4242424242424242", "4000000000000002", "4000000000009995"
CHALLENGED, ATTACHES_THEN_DECLINES = "4000002500003155", "4000000000000341"
REFUND_PENDS = "4000000000007726"

type Json = dict[str, Any]


def create(buyer: APIClient, **body: Any) -> Json:
    """Ask for a payment and get one."""
    answer = buyer.post(CREATE, body)
    assert answer.status_code == 201, answer.json()
    return dict(answer.json())


def refused(buyer: APIClient, status: int, code: str, **body: Any) -> Json:
    """Ask for a payment and be told why there is none, in a sentence."""
    answer = buyer.post(CREATE, body)
    problem = dict(answer.json())
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert len(problem["detail"].split()) > 2
    return problem


def credits(buyer: APIClient, amount: str = "100.00", **body: Any) -> Json:
    return create(buyer, is_credit_purchase=True, amount=amount, **body)


def service(buyer: APIClient, of: Service, **scheduling: Any) -> Json:
    return create(buyer, service_id=str(of.pk), scheduling_data=scheduling)


def with_credits(buyer: APIClient, session: Service, payment_type: str = "intent") -> Json:
    """Begin to buy a free slot with as many credits as there are, and the rest by card."""
    start = a_free_slot(session).isoformat()
    body: Json = {"payment_type": payment_type, "scheduling_data": {"start_datetime": start}}
    return create(buyer, service_id=str(session.pk), use_credits=True, **body)


def pay(stripe: Sandbox, order: Json, card: str = FINE, **details: Any) -> Obj:
    """Pay an intent or a hosted page as its buyer, and let everything that follows happen."""
    paid = pay_only(stripe, order, card, **details)
    settle_everything(stripe)
    return paid


def pay_only(stripe: Sandbox, order: Json, card: str = FINE, **details: Any) -> Obj:
    if "checkout_url" in order:
        return stripe.control.pay_checkout(order_of(order).stripe_checkout_session_id, card=card, **details)
    return stripe.control.confirm(order["payment_intent_id"], card=card, **details)


def buy_credits(stripe: Sandbox, buyer: APIClient, amount: str = "100.00", card: str = FINE) -> Json:
    order = credits(buyer, amount)
    pay(stripe, order, card)
    return order


def order_of(order: Json) -> Order:
    return Order.objects.get(public_id=order["order_id"])


def status_of(order: Json) -> str:
    return order_of(order).status


def balance(buyer: APIClient) -> str:
    return str(buyer.get("/api/v1/credits/").json()["balance"])


def detail(buyer: APIClient, order: Json) -> Json:
    """Read an order as its page does."""
    return dict(buyer.get(f"/api/v1/orders/{order['order_id']}/").json())


def bookings(buyer: APIClient) -> list[Json]:
    return list(buyer.get("/api/v1/bookings/").json()["results"])


def cards(buyer: APIClient) -> list[Json]:
    return list(buyer.get(METHODS).json()["payment_methods"])


def refund(staff: APIClient, order: Json, **body: Any) -> Json:
    """Refund as staff does."""
    answer = staff.post(f"/api/v1/orders/{order['order_id']}/refunds/", body)
    assert answer.status_code == 201, answer.json()
    return dict(answer.json())


def posts(stripe: Sandbox, path: str) -> list[Any]:
    """Return the POSTs that we sent to one address of Stripe."""
    return [sent for sent in stripe.requests if sent.method == "POST" and sent.path == path]
