"""A small marketplace for tests: practitioners, services and bookings, made through the product's own functions."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.headless.tokens.strategies.jwt.internal import create_access_token
from django.contrib.auth import login
from django.contrib.auth.models import Permission
from django.db import transaction
from django.http import HttpRequest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.accounts.sign_in.sessions import API_BACKEND, SessionStore
from estuary.bookings.fulfilment import book, cancel, reserve
from estuary.bookings.models import Booking
from estuary.bookings.order_lines import ScheduleRequest, plan_lines
from estuary.catalog.availability import free_slots
from estuary.catalog.models import (
    Availability,
    PackageItem,
    Service,
    ServicePrice,
    ServiceSession,
    ServiceType,
)
from estuary.catalog.pricing import priced_items
from estuary.common import clock
from estuary.orders.models import Order
from estuary.orders.place_order import CheckoutOptions, place_order
from estuary.orders.states import Status

PASSWORD = "correct horse battery"
REFUNDING = ("orders.view_order", "payments.add_refund")
_numbers = count(1)


def make_user(name: str = "Maya Lindqvist", **fields: Any) -> User:
    first, _, last = name.partition(" ")
    email = f"{first.lower()}{next(_numbers)}@estuary.example"
    return User.objects.create_user(email, PASSWORD, first_name=first, last_name=last, **fields)


def make_staff(name: str, *permissions: str, is_superuser: bool = False) -> User:
    """One of staff who may do exactly this, such as ``orders.view_order``."""
    user = make_user(name, is_staff=True, is_superuser=is_superuser)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def make_practitioner(name: str = "Ana Ribeiro", *, time_zone: str = "Europe/Lisbon") -> Practitioner:
    """A practitioner who is there on every day from 9 to 17 o'clock, in the practitioner's own time zone."""
    user = make_user(name)
    practitioner = Practitioner.objects.create(
        user=user, display_name=name, slug=f"host-{user.pk}", time_zone=time_zone
    )
    for weekday in range(7):
        Availability.objects.create(practitioner=practitioner, weekday=weekday, starts=time(9), ends=time(17))
    return practitioner


def make_service(
    type: ServiceType,
    practitioner: Practitioner,
    *,
    holds: Sequence[Service] = (),
    usd: int = 10_000,
    **fields: Any,
) -> Service:
    number = next(_numbers)
    service = Service.objects.create(
        practitioner=practitioner,
        type=type,
        **{"name": f"The {type} {number}", "slug": f"s-{number}", **fields},
    )
    ServicePrice.objects.create(service=service, currency="usd", amount_minor=usd)
    ServicePrice.objects.create(service=service, currency="eur", amount_minor=usd * 9 // 10)
    for position, inside in enumerate(holds, start=1):
        PackageItem.objects.create(package=service, service=inside, position=position)
    return service


def make_sessions(
    service: Service, how_many: int = 1, *, capacity: int = 8, in_days: int = 10
) -> list[ServiceSession]:
    """Weekly meetings of two hours, at 20 o'clock UTC, when nobody gives 1-on-1 sessions."""
    first = datetime.combine(clock.now().date() + timedelta(days=in_days), time(20), UTC)
    return [
        ServiceSession.objects.create(
            service=service,
            starts_at=first + timedelta(weeks=week),
            ends_at=first + timedelta(weeks=week, hours=2),
            capacity=capacity,
        )
        for week in range(how_many)
    ]


def a_free_slot(service: Service, *, nth: int = 0) -> datetime:
    """A start three days from now or later, so that nobody's cancellation rule has begun."""
    at = clock.now()
    return free_slots(service, first_day=at.date() + timedelta(days=3), days=14, at=at)[nth].starts_at


def place(
    user: User,
    service: Service,
    *,
    wish: ScheduleRequest | None = None,
    items: Sequence[ScheduleRequest] = (),
    currency: str = "usd",
) -> Order:
    """Place an order that waits for its payment, with its seats and slots held."""
    at = clock.now()
    with transaction.atomic():
        lines = plan_lines(
            service,
            priced_items(service, currency),
            schedule_request=wish or ScheduleRequest(),
            items=items,
            at=at,
        )
        order, rows = place_order(
            user=user,
            service=service,
            currency=currency,
            total_minor=sum(line.amount_minor for line in lines),
            credits_applied_minor=0,
            lines=lines,
            options=CheckoutOptions(payment_type="intent"),
            at=at,
            expires_at=at + timedelta(minutes=15),
        )
        reserve(order=order, lines=list(zip(rows, lines, strict=True)))
    return order


def pay(order: Order) -> Booking:
    """Turn an order into bookings as a payment does, and return the one at the top."""
    at = clock.now()
    with transaction.atomic():
        transition = order.change_status(Status.COMPLETED, cause="evt_test", at=at)
        order.captured_minor, order.completed_at = order.amount_due_minor, at
        order.save()
        transition.save()
        booked = book(
            list(Order.objects.filter(pk=order.pk).prefetch_related("lines__service", "reservations")), at=at
        )
    return booked[0]


def buy(
    user: User,
    service: Service,
    *,
    wish: ScheduleRequest | None = None,
    items: Sequence[ScheduleRequest] = (),
    currency: str = "usd",
) -> Booking:
    return pay(place(user, service, wish=wish, items=items, currency=currency))


def cancel_booking(booking: Booking) -> None:
    with transaction.atomic():
        cancel([booking], at=clock.now())


def signed_in(user: User) -> APIClient:
    """A client that carries a bearer token of a session that a sign-in with the password would have begun.

    The sign-in itself takes longer than many a test. It has tests of its own, in tests/attacks and tests/api.
    """
    request = HttpRequest()
    request.session = SessionStore()
    record_authentication(request, user, "password", email=user.email)
    login(request, user, API_BACKEND)
    request.session.save()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {create_access_token(user, request.session, claims={})}")
    return client


def token_of(user: User) -> dict[str, str]:
    """The header of a client that is signed in, for requests over the wire."""
    return {"Authorization": signed_in(user)._credentials["HTTP_AUTHORIZATION"]}  # type: ignore[attr-defined]
