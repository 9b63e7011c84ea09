"""A marketplace in which a buyer owns one of everything, made through the real API, the SDK and the sandbox."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import ACTIVE, Booking
from estuary.catalog.models import PackageItem, Service, ServiceSession, ServiceType
from estuary.common import clock
from estuary.common.errors import Unavailable
from estuary.orders.models import Order
from estuary.orders.states import Status
from estuary.payments.models import PaymentMethod
from stripe_sandbox import Sandbox
from tests.factories import (
    REFUNDING,
    a_free_slot,
    make_practitioner,
    make_service,
    make_sessions,
    make_staff,
    make_user,
    signed_in,
)
from tests.flows import buying
from tests.flows.buying import DECLINED, Json, pay
from tests.sandbox_bridge import settle_everything

WORKER_TRIES = 8  # as tasks.py has it
LEAST = 2  # of each kind, before a case is sent that may use one up


def bearer(client: APIClient) -> str:
    """Return the header that a client of the public API carries."""
    return str(client._credentials["HTTP_AUTHORIZATION"])  # type: ignore[attr-defined]


def settle_as_the_worker_does(stripe: Sandbox) -> None:
    """Run jobs again that failed for a while: Stripe may remember a failure, and the next try has another key."""
    for _ in range(WORKER_TRIES - 1):
        try:
            return settle_everything(stripe)
        except Unavailable:
            continue
    return settle_everything(stripe)


@dataclass
class Buyer:
    """Somebody who buys, and goes on buying when things run out."""

    user: User
    client: APIClient

    @classmethod
    def named(cls, name: str) -> "Buyer":
        user = make_user(name)
        return cls(user, signed_in(user))

    def orders(self) -> list[str]:
        return list(Order.objects.filter(user=self.user).order_by("pk").values_list("public_id", flat=True))

    def bookings(self) -> list[str]:
        return [
            str(pk)
            for pk in Booking.objects.filter(user=self.user).order_by("pk").values_list("pk", flat=True)
        ]

    def cards(self) -> list[str]:
        """Return every name of every card, removed ones included."""
        cards = PaymentMethod.objects.filter(user=self.user).order_by("pk")
        return [str(name) for card in cards for name in (card.pk, card.stripe_payment_method_id)]


@dataclass
class Marketplace:
    """Two buyers who own things, a practitioner, one of staff, and everything that is sold."""

    stripe: Sandbox
    host: Practitioner
    maya: Buyer
    tom: Buyer
    staff: User
    services: dict[str, Service] = field(default_factory=dict)
    seats: list[ServiceSession] = field(default_factory=list)
    slots_used: int = 0
    nights_used: int = 0

    @classmethod
    def opened(cls, stripe: Sandbox) -> "Marketplace":
        host = make_practitioner("Ana Ribeiro")
        staff = make_staff("Ines Duarte", *REFUNDING)
        market = cls(stripe, host, Buyer.named("Maya Lindqvist"), Buyer.named("Tom Achterberg"), staff)
        market._stock_the_shop()
        for buyer in (market.maya, market.tom):
            market._one_of_everything(buyer)
        return market

    def _stock_the_shop(self) -> None:
        session = make_service(ServiceType.SESSION, self.host, free_cancel_hours=24)
        workshop = make_service(ServiceType.WORKSHOP, self.host, usd=6_500)
        course = make_service(ServiceType.COURSE, self.host, usd=20_000)
        self.seats = [
            *make_sessions(workshop, 3, capacity=500),
            *make_sessions(course, 3, in_days=12, capacity=500),
        ]
        package = make_service(ServiceType.PACKAGE, self.host, holds=[session, workshop], validity_days=90)
        bundle = make_service(
            ServiceType.BUNDLE,
            self.host,
            bundle_of=session,
            bundle_quantity=4,
            bundle_bonus=1,
            validity_days=90,
        )
        walk = make_service(ServiceType.SESSION, self.host, usd=4_200)
        cheap = make_service(ServiceType.SESSION, self.host, usd=30)
        hidden = make_service(ServiceType.SESSION, self.host, active=False)
        self.services = {
            "session": session,
            "workshop": workshop,
            "course": course,
            "package": package,
            "bundle": bundle,
            "walk": walk,
            "cheap": cheap,
            "hidden": hidden,
        }
        assert PackageItem.objects.filter(package=package).count() == 2

    def slot(self) -> datetime:
        """Return a free slot, never the same twice in a row."""
        self.slots_used += 1
        return a_free_slot(self.services["session"], nth=self.slots_used % 40)

    def hour_of_night(self) -> datetime:
        """Return a time of the practitioner at which nothing is, never the same twice."""
        self.nights_used += 1
        return (clock.now() + timedelta(days=60 + self.nights_used)).replace(
            hour=1, minute=0, second=0, microsecond=0
        )

    def open_dates(self, kind: str) -> list[ServiceSession]:
        """Return the dates of a workshop or course that were not called off; there are new ones if none is left."""
        dates = (
            self.services[kind].sessions.filter(called_off_at=None, starts_at__gt=clock.now()).order_by("pk")
        )
        if not dates:
            starts_at = self.hour_of_night()
            ends_at = starts_at + timedelta(hours=2)
            new = ServiceSession(
                service=self.services[kind], starts_at=starts_at, ends_at=ends_at, capacity=500
            )
            new.save()
            self.seats.append(new)
        return list(dates.all())

    def buy(self, buyer: Buyer, kind: str, **body: Any) -> Json:
        service = self.services[kind]
        scheduling: Json = {}
        if kind in {"session", "walk"}:
            scheduling = {"start_datetime": self.slot().isoformat()}
        if kind == "workshop":
            scheduling = {"service_session_id": str(self.open_dates(kind)[0].pk)}
        return buying.create(buyer.client, service_id=str(service.pk), scheduling_data=scheduling, **body)

    def _one_of_everything(self, buyer: Buyer) -> None:
        """An order in every state, bookings of every kind, credits spent and frozen, several cards."""
        stripe, client = self.stripe, buyer.client
        buying.buy_credits(stripe, client, "300.00")
        self.buy(buyer, "session", use_credits=True)
        partly, wholly = self.buy(buyer, "workshop"), self.buy(buyer, "session")
        for order in (partly, wholly, self.buy(buyer, "package"), self.buy(buyer, "bundle")):
            pay(stripe, order)
        staff = signed_in(self.staff)
        buying.refund(staff, partly, amount="5.00")
        buying.refund(staff, wholly)
        pay(stripe, self.buy(buyer, "walk"), DECLINED)
        pay(stripe, self.buy(buyer, "course"), method="us_bank_account")
        canceled = buying.credits(client, "23.00")
        client.post(f"/api/v1/orders/{canceled['order_id']}/cancel/")
        stripe.control.dispute(self._paid(buyer, "24.00")["payment_intent_id"])
        lost = stripe.control.dispute(self._paid(buyer, "25.00")["payment_intent_id"])
        stripe.control.close_dispute(lost["id"], "lost")
        self._money_too_late(buyer)
        settle_everything(stripe)
        self.replenish(buyer)

    def _paid(self, buyer: Buyer, amount: str) -> Json:
        order = buying.credits(buyer.client, amount)
        pay(self.stripe, order)
        return order

    def _money_too_late(self, buyer: Buyer) -> None:
        """A payment that Stripe took for a session whose order had ended: refunded in full by itself."""
        late = self.buy(buyer, "session")
        buyer.client.post(f"/api/v1/orders/{late['order_id']}/cancel/")
        intent = self.stripe.state.store.payment_intents.get(late["payment_intent_id"])
        assert intent is not None
        intent["status"] = "requires_payment_method"  # as if it had not been canceled there
        self.stripe.control.lose_events()
        self.stripe.control.confirm(intent["id"], card=buying.FINE)
        buyer.client.post(f"/api/v1/orders/{late['order_id']}/sync/")

    def replenish(self, buyer: Buyer) -> None:
        """Buy and save again what was used up, so that the next case still finds what it may name."""
        settle_as_the_worker_does(self.stripe)
        orders = Order.objects.filter(user=buyer.user)
        if PaymentMethod.objects.filter(user=buyer.user, detached_at=None).count() < LEAST:
            self._save_cards(buyer)
        if orders.filter(status=Status.PENDING).count() < LEAST:
            self._leave_unpaid(buyer)
        mine = Booking.objects.filter(user=buyer.user, status__in=ACTIVE)
        if mine.filter(parent=None, starts_at__isnull=False).count() < LEAST:
            pay(self.stripe, self.buy(buyer, "session"))
        if mine.filter(starts_at=None).exclude(parent=None).count() < LEAST:
            pay(self.stripe, self.buy(buyer, "bundle"))
        if not mine.filter(session__in=self.open_dates("workshop")).exists():
            pay(self.stripe, self.buy(buyer, "workshop"))

    def _save_cards(self, buyer: Buyer) -> None:
        for number in ("4242424242424242", "5555555555554444", "378282246310005"):
            setup = buyer.client.post("/api/v1/payments/methods/setup/").json()
            self.stripe.control.confirm_setup(setup["setup_intent_id"], card=number)
        settle_everything(self.stripe)

    def _leave_unpaid(self, buyer: Buyer) -> None:
        """At most one order for a thing can wait for its payment, so these are of two things."""
        buyer.client.post(buying.CREATE, {"is_credit_purchase": True, "amount": "30.00"})
        self.buy(buyer, "session", payment_type="checkout")
