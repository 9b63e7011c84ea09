"""What a payment at Stripe says of its order: enough to write the order down again."""

import json
from typing import Any

from estuary.catalog.models import ServiceType
from estuary.orders.models import Order, OrderType

METADATA_VALUE_MAX = 500  # https://docs.stripe.com/api/metadata


def build_metadata(order: Order) -> dict[str, str]:
    """Return what Stripe shall show beside this order's payment: all strings, each short enough for Stripe.

    The order's row is the truth and metadata only a label: scheduling data too long for Stripe is cut to what fits and
    says so; the whole of it is on the order.
    """
    metadata = {"order_id": order.public_id, "user_id": str(order.user_id), "order_type": order.type}
    if order.type == OrderType.CREDIT:
        return metadata
    snapshot = order.snapshot
    metadata |= {
        "service_id": str(snapshot["service_id"]),
        "service_type": snapshot["type"],
        "service_name": snapshot["name"][:METADATA_VALUE_MAX],
    }
    if snapshot["type"] == ServiceType.WORKSHOP:
        metadata["service_session_id"] = str(order.scheduling_data.get("service_session_id", ""))
    elif snapshot["type"] != ServiceType.COURSE:
        metadata["scheduling_data"] = _fit_into_metadata(order.scheduling_data)
    return metadata


def _fit_into_metadata(scheduling: dict[str, Any]) -> str:
    """Return the scheduling data as JSON of at most 500 characters, whole or marked as ``truncated``."""
    whole = json.dumps(scheduling, separators=(",", ":"), sort_keys=True)
    if len(whole) <= METADATA_VALUE_MAX:
        return whole
    items_kept: list[Any] = []
    items = scheduling.get("items") or []
    fitting = ""
    for item in [None, *items]:
        if item is not None:
            items_kept.append(item)
        shortened = {"truncated": True, "items_total": len(items), "items": items_kept}
        candidate = json.dumps(shortened, separators=(",", ":"), sort_keys=True)
        if len(candidate) > METADATA_VALUE_MAX:
            break
        fitting = candidate
    return fitting
