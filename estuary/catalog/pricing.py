"""The only price we trust: what a service costs, and how that price falls on each thing inside it."""

from dataclasses import dataclass

from estuary.catalog.models import Service, ServiceType
from estuary.common.api.errors import InvalidRequest
from estuary.common.money import allocate


class CurrencyNotOffered(InvalidRequest):
    code = "currency_not_offered"


@dataclass(frozen=True, slots=True)
class PricedItem:
    """One deliverable and its share of the price, in minor units."""

    service: Service
    amount_minor: int


def price_of(service: Service, currency: str) -> int:
    """Return the price in minor units; raises CurrencyNotOffered. Reads prefetched ``prices`` when there are any."""
    for price in service.prices.all():
        if price.currency == currency:
            return price.amount_minor
    offered = ", ".join(sorted(price.currency.upper() for price in service.prices.all())) or "no currency yet"
    raise CurrencyNotOffered(f"{service.name} is not sold in {currency.upper()}; it is sold in {offered}.")


def priced_items(service: Service, currency: str) -> list[PricedItem]:
    """Return what is inside ``service``, in order, with shares that add up to its price exactly.

    A package is shared out in proportion to its items' own prices. A bundle is shared out over the sessions that are
    paid for. Bonus sessions carry no price: payments/refunds/cancellation_policy.py says what a used one is worth.
    """
    total_minor = price_of(service, currency)
    if service.type == ServiceType.PACKAGE:
        inside = [item.service for item in service.items.all()]
        weights = [_weight(item, currency) for item in inside]
        if not inside:
            raise InvalidRequest(f"{service.name} holds nothing yet and can't be bought.")
    elif service.type == ServiceType.BUNDLE:
        assert service.bundle_of is not None  # the database says so: service_bundle_is_whole
        inside = [service.bundle_of] * (service.bundle_quantity + service.bundle_bonus)
        weights = [1] * service.bundle_quantity + [0] * service.bundle_bonus
    else:
        return [PricedItem(service, total_minor)]
    return [
        PricedItem(item, share) for item, share in zip(inside, allocate(total_minor, weights), strict=True)
    ]


def _weight(service: Service, currency: str) -> int:
    """An item that is not sold alone in this currency weighs one unit, so that it still has a share."""
    return next((price.amount_minor for price in service.prices.all() if price.currency == currency), 1)
