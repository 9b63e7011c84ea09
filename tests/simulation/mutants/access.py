"""Slips in who may see and do what."""

import hashlib
from typing import Any

from django.db.models import Q
from django.shortcuts import get_object_or_404

from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.common.errors import NotFound
from estuary.common.ids import parse_primary_key
from estuary.orders import api as orders_api
from estuary.orders.models import Order
from estuary.payments import client, idempotency
from estuary.payments.customers import payment_methods
from estuary.payments.models import PaymentMethod
from estuary.payments.order_api import views as order_views
from estuary.payments.refusals import signatures
from tests.simulation.mutants.patching import breaks, instead_of, nothing, rebind

OTHERS_OBJECTS = ("what is another's is not found", "an answer holds only what is its asker's")
UNSIGNED = "what Stripe did not sign is refused"


@breaks("S11", *OTHERS_OBJECTS)
def any_order_by_its_name() -> None:
    orders = Order.objects.select_related("user")
    instead_of(
        order_views.own_order, lambda request, public_id: get_object_or_404(orders, public_id=public_id)
    )


@breaks("S11", *OTHERS_OBJECTS)
def any_card_by_its_name() -> None:
    def anybodys(user: User, ref: str) -> PaymentMethod:
        by_ref = Q(stripe_payment_method_id=ref) | Q(pk=parse_primary_key(ref) or 0)
        row = PaymentMethod.objects.filter(by_ref).first()
        if row is None:
            raise NotFound("You have no such saved card.")
        return row

    instead_of(payment_methods.find_card, anybodys)


@breaks("S11", *OTHERS_OBJECTS)
def any_booking_by_its_number() -> None:
    view: Any = order_views.CancelBookingView
    bookings = Booking.objects.select_related("order")
    rebind(view, "_own_booking", staticmethod(lambda request, pk: get_object_or_404(bookings, pk=pk)))


@breaks("S11", *OTHERS_OBJECTS)
def everybodys_orders_in_one_list() -> None:
    view: Any = orders_api.OrderList
    rebind(view, "get_queryset", lambda _: Order.objects.all())


@breaks("S11", *OTHERS_OBJECTS)
def one_buyers_key_is_everybodys() -> None:
    instead_of(idempotency._request_key, lambda user, key: hashlib.sha256(key.encode()).hexdigest())


@breaks("S11", UNSIGNED)
def whoever_knocks_is_stripe() -> None:
    instead_of(client.verify_signature, nothing)


@breaks("S11", UNSIGNED)
def a_signature_never_grows_old() -> None:
    instead_of(signatures.refuse_old, nothing)


@breaks("S11", UNSIGNED)
def a_signature_of_the_future_is_one() -> None:
    instead_of(signatures.refuse_future, nothing)
