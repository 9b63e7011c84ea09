"""Recovery of orders that only Stripe has, as after a restored backup."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from estuary.accounts.models import User
from estuary.catalog.models import Service
from estuary.orders.models import Order, OrderType
from estuary.orders.place_order import item_key, record_transitions, snapshot_of
from estuary.orders.states import Status


@dataclass(frozen=True, slots=True)
class RecoveredOrderData:
    """What Stripe's metadata says about an order; ``service`` is None for credits and for a deleted service."""

    public_id: str
    user: User
    service: Service | None
    service_name: str
    service_type: str
    kind: OrderType
    currency: str
    total_minor: int
    customer_id: str
    placed_at: datetime
    scheduling_data: dict[str, Any] = field(default_factory=dict)


def recover_order(recovered: RecoveredOrderData, *, cause: str, at: datetime) -> Order:
    """Insert the order as canceled: it holds no seats and slots.

    Credits that paid a part are unknown; the balance of the restored backup still has them.
    """
    snapshot = _snapshot(recovered)
    order = Order.objects.create(
        public_id=recovered.public_id,
        user=recovered.user,
        type=recovered.kind,
        status=Status.CANCELED,
        item_key=item_key(recovered.service, recovered.currency),
        service=recovered.service,
        snapshot=snapshot,
        currency=recovered.currency,
        total_minor=recovered.total_minor,
        amount_due_minor=recovered.total_minor,
        credit_amount_minor=recovered.total_minor if recovered.kind == OrderType.CREDIT else 0,
        stripe_customer_id=recovered.customer_id,
        scheduling_data=recovered.scheduling_data,
        cancel_reason="recovered",
        created_at=recovered.placed_at,
        expires_at=recovered.placed_at,
    )
    steps = [("", Status.PENDING), (Status.PENDING, Status.CANCELED)]
    record_transitions(order, steps, cause=cause, at=at)
    if recovered.kind == OrderType.DIRECT:
        order.lines.create(
            position=1,
            service=recovered.service,
            service_type=recovered.service_type,
            service_name=snapshot["name"],
            amount_minor=recovered.total_minor,
        )
    return order


def _snapshot(recovered: RecoveredOrderData) -> dict[str, Any]:
    if recovered.kind == OrderType.CREDIT:
        return snapshot_of(recovered.service, recovered.total_minor)
    snapshot = (
        snapshot_of(recovered.service, recovered.total_minor)
        if recovered.service
        else {"price_minor": recovered.total_minor}
    )
    name = recovered.service_name or snapshot.get("name", "A service")
    return snapshot | {"name": name, "type": recovered.service_type}
