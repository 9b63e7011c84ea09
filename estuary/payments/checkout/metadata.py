"""Metadata of a payment at Stripe: enough to recreate the order from it."""

import json
from typing import Any

from estuary.catalog.models import ServiceType
from estuary.orders.models import Order, OrderType

METADATA_VALUE_MAX = 500  # https://docs.stripe.com/api/metadata


def build_metadata(order: Order) -> dict[str, str]:
    """Return an order's metadata for Stripe: strings, each within Stripe's limit of 500 characters.

    The order's row is the source of truth; metadata is a label. Scheduling data that is too long is cut and marked as
    ``truncated``; the order has all of it.
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
    items = scheduling.get("items") or []
    shortened = (
        {"truncated": True, "items_total": len(items), "items": items[:count]}
        for count in reversed(range(len(items) + 1))
    )
    texts = (json.dumps(each, separators=(",", ":"), sort_keys=True) for each in (scheduling, *shortened))
    return next(text for text in texts if len(text) <= METADATA_VALUE_MAX)
