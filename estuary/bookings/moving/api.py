"""The times to which a booking can be moved."""

from typing import Any, cast

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.bookings.moving.move_booking import calendar_entry_of, set_sold_length
from estuary.bookings.moving.rules import check_movable
from estuary.catalog.api import NoSlots, SlotFilter, SlotsSerializer, show_slots
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.common.api.openapi import problems
from estuary.common.api.query_params import validate_query_params


class BookingSlots(APIView):
    """The free slots to which a 1-on-1 booking can be moved; its own time does not count as taken."""

    @extend_schema(
        summary="To which times a booking can be moved",
        parameters=[SlotFilter],
        responses={200: SlotsSerializer, **problems(400, 401, 404, 409)},
    )
    def get(self, request: Request, pk: int) -> Response:
        params = validate_query_params(request, SlotFilter)
        bookings = Booking.objects.select_related("order", "service__practitioner", "service__venue")
        booking = get_object_or_404(bookings, pk=pk, user=cast(User, request.user))
        check_movable(booking, clock.now())
        return Response(_slots(booking, params))


def _slots(booking: Booking, params: dict[str, Any]) -> dict[str, Any]:
    service = booking.service
    # check_movable makes sure of both.
    assert service and booking.starts_at
    if service.type != ServiceType.SESSION:
        raise NoSlots(
            f"{service.name} is not a 1-on-1 session. Ask for /api/v1/services/{service.pk}/sessions/ instead."
        )
    set_sold_length(service, booking)
    return show_slots(service, params, moving=(calendar_entry_of(booking), booking.starts_at))
