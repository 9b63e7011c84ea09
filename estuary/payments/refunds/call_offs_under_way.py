"""Bookings whose practitioner has called them off: all goes back, but the worker has not come to their order yet."""

from collections.abc import Iterable

from django.db.models import Q

from estuary.bookings.models import Booking
from estuary.payments.models import DateChange, DateChangeRow


def is_being_called_off(order_id: int, bookings: Iterable[Booking]) -> bool:
    """Return whether a call-off of one of these bookings waits. The caller holds the lock on their order.

    Whoever calls off dates locks the order too, so there is no later row. A row without a booking is of an order that
    was not paid then; which of its bookings it means is known once it is carried out.
    """
    keys = [booking.pk for booking in bookings]
    waiting = DateChangeRow.objects.filter(
        Q(booking=None) | Q(booking__in=keys), order_id=order_id, status=DateChangeRow.Status.WAITING
    )
    return waiting.exclude(change__kind=DateChange.Kind.MOVE).exists()
