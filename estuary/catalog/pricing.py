"""Prices: what a service costs, and the share of each part. No other price is trusted."""

from collections.abc import Sequence
from dataclasses import dataclass

from estuary.catalog.models import Service, ServiceType
from estuary.common.errors import InvalidRequest
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

    A package's price is divided in proportion to the items' own prices: 120 over items of 100 and 50 gives 80 and 40.
    A bundle's price is divided over the paid sessions. Bonus sessions have no price; a used one is valued by
    payments/refunds/cancellation_policy.py.
    """
    total_minor = price_of(service, currency)
    if service.type == ServiceType.PACKAGE:
        inside = [item.service for item in service.items.all()]
        if not inside:
            raise InvalidRequest(f"{service.name} holds nothing yet and can't be bought.")
        weights = _weights(inside, currency)
    elif service.type == ServiceType.BUNDLE:
        assert service.bundle_of is not None  # the database says so: service_bundle_is_whole
        inside = [service.bundle_of] * (service.bundle_quantity + service.bundle_bonus)
        weights = [1] * service.bundle_quantity + [0] * service.bundle_bonus
    else:
        return [PricedItem(service, total_minor)]
    shares = allocate(total_minor, weights, currency)
    return [PricedItem(item, share) for item, share in zip(inside, shares, strict=True)]


def _weights(inside: Sequence[Service], currency: str) -> list[int]:
    """Return the items' own prices in this currency; if one has none, those in another that all have, or equal weights.

    One item costs 100 eur and is not sold in usd; the other costs 50 eur and 60 usd. In usd they weigh 100 and 50.
    """
    prices = [{price.currency: price.amount_minor for price in service.prices.all()} for service in inside]
    common = set[str].intersection(*map(set, prices))
    compared = currency if currency in common else min(common, default="")
    return [of_item[compared] for of_item in prices] if compared else [1] * len(inside)
