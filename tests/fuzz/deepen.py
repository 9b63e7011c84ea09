"""Real ids, owned and foreign, in place of generated ones: a case with none would only meet 404s."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from django.conf import settings
from schemathesis import Case
from schemathesis.core.parameters import ParameterLocation

from estuary.bookings.roster.feeds import renew_feed
from estuary.catalog.models import Service
from estuary.common import clock
from estuary.config.site_pages import PAGES
from estuary.documents.models import CreditNote
from estuary.payments.models import DateChange
from tests.fuzz.date_changes import DateChanges, is_date_change
from tests.fuzz.world import Buyer, Marketplace

AS_GENERATED = 0.2  # of all ids stay what they are
SENSIBLE = 0.4  # of all payments ask for something that is sold, at a time that is free
HINDRANCES = {"currency", "payment_method_id", "service_data", "success_url", "cancel_url", "use_credits"}
CARRIED_OUT = 0.7  # of all changes of dates name the preview of exactly what they ask for
OWN = 0.75  # of the real ones are the sender's


def deepen(case: Case[Any], market: Marketplace, owner: Buyer, other: Buyer, random: Random) -> None:
    """Put real things wherever a case names one by path, in its body or in a header; leaves what the case lacks."""
    ids = _Ids(market, owner, other, random)
    if case.method.upper() not in {"GET", "DELETE"} and random.random() < 0.5:
        market.replenish(owner)
    for name, generated in list((case.path_parameters or {}).items()):
        if not _must_be_refused(case):
            case.path_parameters[name] = ids.for_path(case.path, name, generated)
    if isinstance(case.body, dict):
        case.body = ids.into_body(case.body)
        if case.path.endswith("/payments/create/") and random.random() < SENSIBLE:
            case.body = ids.without_hindrances(case.body) | ids.a_sensible_wish()
        if is_date_change(case.path) and not _has_bad_body(case) and random.random() < CARRIED_OUT:
            pk = (case.path_parameters or {}).get("id")
            case.body = DateChanges(market, random).with_preview(case.path, pk, case.body)
    _repeat(case, random)


def _must_be_refused(case: Case[Any]) -> bool:
    """Whether it was made with a wrong address: with a right one nothing would be wrong with it any more."""
    return _is_negative(case, ParameterLocation.PATH)


def _has_bad_body(case: Case[Any]) -> bool:
    return _is_negative(case, ParameterLocation.BODY)


def _is_negative(case: Case[Any], location: ParameterLocation) -> bool:
    part = case.meta.components.get(location) if case.meta else None
    return part is not None and part.mode.is_negative


def _repeat(case: Case[Any], random: Random) -> None:
    """Send keys that were sent before, with the same body and with others."""
    headers: Any = case.headers or {}
    if "Idempotency-Key" in headers and random.random() < 0.7:
        headers["Idempotency-Key"] = f"key-{random.randrange(30)}"


def as_number(value: Any) -> Any:
    """As the document has these ids in addresses: else schemathesis takes a right one for one that must be refused."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value


class _Ids:
    """What may stand where an id is meant."""

    def __init__(self, market: Marketplace, owner: Buyer, other: Buyer, random: Random) -> None:
        self.market, self.owner, self.other, self.random = market, owner, other, random

    def for_path(self, path: str, name: str, generated: Any) -> Any:
        if "/pages/" in path:
            return self._one_of(list(PAGES), generated)
        if "/hours/" in path:
            days = (clock.now().date() + timedelta(days=number) for number in range(-1, 9))
            return self._one_of([day.isoformat() for day in days], generated)
        if "/roster/" in path and "/bookings/" not in path:
            return self._of_a_practitioner(name, generated)
        if name == "token":
            return self._one_of([renew_feed(self.market.host)[1]], generated)
        if name == "number":
            return self._one_of(list(CreditNote.objects.values_list("number", flat=True)), generated)
        if "/orders/" in path:
            return self._either(Buyer.orders, generated)
        if "/bookings/" in path:
            return as_number(self._either(Buyer.bookings, generated))
        if "/services/" in path:
            return as_number(self._one_of(self._services(slots="/slots/" in path), generated))
        assert "/methods/" in path, f"nothing is known of {name} in {path}"
        return self._either(Buyer.cards, generated)

    def _of_a_practitioner(self, name: str, generated: Any) -> Any:
        if name == "change_id":
            changes = DateChange.objects.filter(practitioner=self.market.host)
            return self._one_of(list(changes.values_list("public_id", flat=True)), generated)
        return as_number(self._one_of([str(seat.pk) for seat in self.market.seats], generated))

    def into_body(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the body with real things under the names of real things, at any depth."""
        return {name: self._value(name, value, body) for name, value in body.items()}

    def _value(self, name: str, value: Any, body: dict[str, Any]) -> Any:
        if isinstance(value, dict) and name == "scheduling_data":
            return self.into_body(value)
        if isinstance(value, list) and name == "items":
            return [self.into_body(item) if isinstance(item, dict) else item for item in value]
        choose: dict[str, Callable[[], Any]] = {
            "service_id": lambda: self._one_of(self._services(), value),
            "service_session_id": lambda: self._one_of([str(seat.pk) for seat in self.market.seats], value),
            "payment_method_id": lambda: self._either(Buyer.cards, value),
            "booking_id": lambda: self._either(Buyer.bookings, value),
            "start_datetime": lambda: self._one_of([self.market.slot().isoformat()], value),
            "success_url": lambda: self._one_of([f"{settings.FRONTEND_URL}/orders/"], value),
            "cancel_url": lambda: self._one_of([f"{settings.FRONTEND_URL}/"], value),
            "currency": lambda: self._one_of(["usd", "eur", "USD"], value),
            "amount": lambda: self._one_of(self._amounts(), value),
            "credit_amount": lambda: body.get("amount", value),
        }
        return choose[name]() if name in choose else value

    def without_hindrances(self, body: dict[str, Any]) -> dict[str, Any]:
        """Leave out what most would be refused for, the price always and the rest half the time."""
        kept = {name: value for name, value in body.items() if name not in {"amount", "credit_amount"}}
        return {
            name: value
            for name, value in kept.items()
            if name not in HINDRANCES or self.random.random() < 0.5
        }

    def a_sensible_wish(self) -> dict[str, Any]:
        """What to buy, and when it shall be; whatever else a payment has is left as it was generated."""
        if self.random.random() < 0.2:
            return {"is_credit_purchase": True, "amount": self.random.choice(self._amounts())}
        kind = self.random.choice(["session", "walk", "cheap", "workshop", "course", "package", "bundle"])
        wish: dict[str, Any] = {"service_id": str(self.market.services[kind].pk), "is_credit_purchase": False}
        if kind in {"session", "walk", "cheap"}:
            wish["scheduling_data"] = {"start_datetime": self.market.slot().isoformat()}
        if kind == "workshop":
            wish["scheduling_data"] = {
                "service_session_id": str(self.random.choice(self.market.open_dates("workshop")).pk)
            }
        return wish

    def _amounts(self) -> list[Any]:
        return ["1.00", 5, "20.00", 65.00, "100.00", "99.99", "1000.00"]

    def _services(self, *, slots: bool = False) -> list[str]:
        if slots and self.random.random() < 0.8:
            return [str(self.market.services[kind].pk) for kind in ("session", "walk")]
        return [str(pk) for pk in Service.objects.order_by("pk").values_list("pk", flat=True)]

    def _either(self, things: Callable[[Buyer], list[str]], generated: Any) -> Any:
        whose = self.owner if self.random.random() < OWN else self.other
        return self._one_of(things(whose), generated)

    def _one_of(self, real: list[Any], generated: Any) -> Any:
        if not real or self.random.random() < AS_GENERATED:
            return generated
        return self.random.choice(real)
