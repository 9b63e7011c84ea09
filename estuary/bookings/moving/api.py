"""The times that a booking can have: to schedule a part of a package or bundle, or to move what has its time.

They are asked for by the booking, as its service may have been taken off sale since: what was paid for is due.
"""

from typing import cast

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.bookings.moving.move_booking import calendar_entry_of
from estuary.bookings.moving.rules import check_movable
from estuary.bookings.scheduling import check_schedulable, set_sold_length
from estuary.catalog.api import (
    NoSlots,
    SessionSerializer,
    SlotFilter,
    SlotsSerializer,
    SoonestFirst,
    show_slots,
    upcoming_sessions,
)
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.common import clock
from estuary.common.api.openapi import problems
from estuary.common.api.query_params import validate_query_params


class BookingSlots(APIView):
    """The free slots that a 1-on-1 booking can have; its own time does not count as taken."""

    @extend_schema(
        summary="To which times a booking can be scheduled or moved",
        parameters=[SlotFilter],
        responses={200: SlotsSerializer, **problems(400, 401, 404, 409)},
    )
    def get(self, request: Request, pk: int) -> Response:
        params = validate_query_params(request, SlotFilter)
        booking, service = _find(request, pk)
        if service.type != ServiceType.SESSION:
            raise NoSlots(
                f"{service.name} is not a 1-on-1 session. Ask for /api/v1/bookings/{pk}/sessions/ instead."
            )
        set_sold_length(service, booking)
        moving = (calendar_entry_of(booking), booking.starts_at) if booking.starts_at else None
        return Response(show_slots(service, params, moving=moving))


@extend_schema_view(
    get=extend_schema(
        summary="To which dates a booking can be scheduled or moved",
        responses={200: SessionSerializer, **problems(400, 401, 404, 409)},
    )
)
class BookingSessions(generics.ListAPIView[ServiceSession]):
    """The dates to come that a booking of a workshop can have, but for its own; none that is called off."""

    serializer_class = SessionSerializer
    pagination_class = SoonestFirst
    queryset = ServiceSession.objects.none()

    def get_queryset(self) -> QuerySet[ServiceSession]:
        booking, service = _find(self.request, self.kwargs["pk"])
        own = [booking.session_id] if booking.session_id else []
        return upcoming_sessions(service.pk).exclude(pk__in=own)


def _find(request: Request, pk: int) -> tuple[Booking, Service]:
    """Return a buyer's booking whose time can be chosen now, and its service.

    Raises Http404, or what ``check_schedulable`` and ``check_movable`` raise.
    """
    bookings = Booking.objects.select_related("order", "line", "service__practitioner", "service__venue")
    booking = get_object_or_404(bookings, pk=pk, user=cast(User, request.user))
    check = check_schedulable if booking.needs_scheduling else check_movable
    check(booking, clock.now())
    # Both make sure of it.
    assert booking.service
    return booking, booking.service
