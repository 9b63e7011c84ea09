"""Creation of orders: the row, the snapshot of what is sold, and the lines."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from estuary.accounts.models import User
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common.db.bulk import insert_rows, insert_with_keys
from estuary.common.observability import metrics
from estuary.common.observability.metrics import count_after_commit
from estuary.orders.models import Order, OrderLine, OrderTransition, OrderType
from estuary.orders.states import Status


@dataclass(frozen=True, slots=True)
class Line:
    """One requested deliverable: its share of the price, and its seats or its slot.

    Times with ``is_held`` False are taken when the order is paid, if they are free then.
    """

    service: Service
    amount_minor: int
    seats: tuple[ServiceSession, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_held: bool = True


@dataclass(frozen=True, slots=True)
class CheckoutOptions:
    """The buyer's options besides the item, by the names of the order's fields: payment type, saved card, URLs."""

    payment_type: str
    save_payment_method: bool = True
    stripe_payment_method_id: str = ""
    success_url: str = ""
    cancel_url: str = ""
    service_data: dict[str, Any] = field(default_factory=dict)
    scheduling_data: dict[str, Any] = field(default_factory=dict)
    request_fingerprint: str = ""
    time_zone: str = ""


def item_key(service: Service | None, currency: str) -> str:
    """Return the key of an item; a buyer has at most one live unpaid order for each key."""
    return f"service:{service.pk}" if service else f"credits:{currency}"


def place_order(
    *,
    user: User,
    service: Service | None,
    currency: str,
    total_minor: int,
    credits_applied_minor: int,
    lines: Sequence[Line],
    options: CheckoutOptions,
    at: datetime,
    expires_at: datetime,
) -> tuple[Order, list[OrderLine]]:
    """Insert the order and its lines; ``service=None`` is a purchase of credits, one to one with the currency.

    Raises django.db.IntegrityError (order_one_live_per_item) when the buyer has a live order for the same thing.
    """
    assert service is None or total_minor == sum(line.amount_minor for line in lines)
    order = Order(
        user=user,
        type=OrderType.DIRECT if service else OrderType.CREDIT,
        service=service,
        item_key=item_key(service, currency),
        snapshot=snapshot_of(service, total_minor) | _sold_time(lines, options.time_zone),
        currency=currency,
        total_minor=total_minor,
        credits_applied_minor=credits_applied_minor,
        amount_due_minor=total_minor - credits_applied_minor,
        credit_amount_minor=0 if service else total_minor,
        **asdict(options),
        created_at=at,
        expires_at=expires_at,
    )
    insert_with_keys([order])
    record_transitions(order, [("", Status.PENDING)], cause="placed by the buyer", at=at)
    return order, _write_lines(order, lines)


def _sold_time(lines: Sequence[Line], time_zone: str) -> dict[str, str]:
    """Return the time of a 1-on-1 or a workshop as it was sold, in the buyer's zone if that was sent along."""
    if len(lines) != 1 or len(lines[0].seats) > 1:
        return {}
    [line] = lines
    if line.starts_at is None or line.ends_at is None:
        return {}
    zone = time_zone or line.service.practitioner.time_zone
    return {
        "starts_at": line.starts_at.isoformat(),
        "ends_at": line.ends_at.isoformat(),
        "time_zone": zone,
    }


def record_transitions(
    order: Order, steps: Sequence[tuple[str, Status]], *, cause: str, at: datetime
) -> None:
    """Record how a new order came to its status: ``steps`` are pairs, before and after."""
    insert_rows(
        [
            OrderTransition(order=order, before=before, after=after, cause=cause, at=at)
            for before, after in steps
        ]
    )
    count_after_commit(metrics.TRANSITIONS, steps)


def _write_lines(order: Order, lines: Sequence[Line]) -> list[OrderLine]:
    return OrderLine.objects.bulk_create(
        [
            OrderLine(
                order=order,
                position=position,
                service=line.service,
                service_type=line.service.type,
                service_name=line.service.name,
                amount_minor=line.amount_minor,
                duration_min=line.service.duration_min if line.service.type == ServiceType.SESSION else None,
                **_times(line),
            )
            for position, line in enumerate(lines, start=1)
        ]
    )


def _times(line: Line) -> dict[str, Any]:
    # A course has several sessions, and is always held.
    session_id = line.seats[0].pk if len(line.seats) == 1 else None
    if line.is_held:
        return {"session_id": session_id, "starts_at": line.starts_at, "ends_at": line.ends_at}
    times = {"requested_starts_at": line.starts_at, "requested_ends_at": line.ends_at}
    return times | {"requested_session_id": session_id}


def snapshot_of(service: Service | None, total_minor: int) -> dict[str, Any]:
    """Return the snapshot of a sale: later changes of the service don't affect it. Amounts are minor units."""
    if service is None:
        return {"name": "Credits", "type": OrderType.CREDIT.value, "price_minor": total_minor}
    return {
        "name": service.name,
        "type": service.type,
        "price_minor": total_minor,
        "service_id": service.pk,
        "practitioner_id": service.practitioner_id,
        "practitioner": service.practitioner.display_name,
        "free_cancel_hours": service.free_cancel_hours,
        "max_moves": service.max_moves,
        "validity_days": service.validity_days,
    }
