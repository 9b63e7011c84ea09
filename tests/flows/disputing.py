"""What tests of disputes share: the steps of a buyer's bank, and what everybody sees of them."""

from typing import Any

from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceType
from estuary.payments.models import Dispute
from stripe_sandbox import Sandbox
from stripe_sandbox.store import Obj
from tests.factories import a_free_slot, make_service, signed_in
from tests.flows import buying
from tests.flows.buying import Json, order_of
from tests.sandbox_bridge import settle_everything


def dispute(stripe: Sandbox, order: Json, **details: Any) -> Obj:
    """Dispute a payment, and let everything that follows happen."""
    opened = stripe.control.dispute(order["payment_intent_id"], **details)
    settle_everything(stripe)
    return opened


def close(stripe: Sandbox, opened: Obj, outcome: str) -> None:
    stripe.control.close_dispute(opened["id"], outcome)
    settle_everything(stripe)


def a_session(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, *, usd: int = 10_000, **body: Any
) -> Json:
    """Buy a session that lies ahead; what credits do not pay is paid by card."""
    session = make_service(ServiceType.SESSION, ana, usd=usd)
    slot = {"start_datetime": a_free_slot(session, nth=4 * Booking.objects.count()).isoformat()}
    order = buying.create(buyer, service_id=str(session.pk), scheduling_data=slot, **body)
    if order.get("payment_intent_id"):
        buying.pay(stripe, order)
    return order


def purse(buyer: APIClient) -> tuple[str, str, str]:
    """Return what the buyer sees: balance, what of it is frozen, and what can be spent."""
    shown = buyer.get("/api/v1/credits/").json()
    return shown["balance"], shown["frozen"], shown["spendable"]


def shares() -> list[tuple[str, int, int, int]]:
    """Return each dispute's status, and what it freezes, took back and lost, in minor units; oldest first."""
    rows = Dispute.objects.order_by("opened_at", "stripe_dispute_id")
    return list(rows.values_list("status", "frozen_minor", "clawed_minor", "lost_minor"))


def money_of(purchase: Json) -> tuple[str, int, int, int]:
    """Return an order's status, and what was captured, refunded and lost of it, in minor units."""
    order = order_of(purchase)
    return order.status, order.captured_minor, order.refunded_minor, order.lost_minor


def guests(practitioner: Practitioner) -> list[bool]:
    """Return who comes, as the practitioner sees: of each guest whether the payment is disputed."""
    meetings = signed_in(practitioner.user).get("/api/v1/roster/").json()["results"]
    return [guest["disputed"] for meeting in meetings for guest in meeting["guests"]]
