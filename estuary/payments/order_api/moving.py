"""Moving a booking: the endpoint, and the transaction in which the mail and the signal are queued with the move."""

from typing import Any, cast

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import User
from estuary.bookings.api import BookingSerializer, ScheduleSerializer, own_bookings
from estuary.bookings.models import Booking, BookingMove
from estuary.bookings.moving.move_booking import move
from estuary.bookings.moving.rules import BookingNotMovable
from estuary.bookings.order_lines import ScheduleRequest
from estuary.common import clock
from estuary.common.api.openapi import problems
from estuary.common.db.transactions import retry_transaction
from estuary.notifications.order_mail_texts import OrderMail
from estuary.payments import outbox
from estuary.payments.hooks.delivery import announce
from estuary.payments.hooks.signals import booking_moved
from estuary.payments.refunds.call_offs_under_way import is_being_called_off


@retry_transaction
@transaction.atomic
def move_booking(*, booking: Booking, request: ScheduleRequest, by: User) -> None:
    """Move a booking for its buyer; a repeated request is the same move."""
    move_and_announce(booking=booking, request=request, by=by)


def move_and_announce(
    *, booking: Booking, request: ScheduleRequest, by: User, beyond_limits: bool = False
) -> BookingMove | None:
    """Move a booking, write to the buyer and queue the signal; a repeated request does none of it again.

    Must run inside the caller's transaction. Returns None if the booking is there already. A booking that its
    practitioner has called off can't be moved: its money is on its way back.
    """
    record = move(booking=booking, request=request, by=by, at=clock.now(), beyond_limits=beyond_limits)
    if record:
        # The move has locked the order, and so does whoever calls off dates: there is no later row.
        if is_being_called_off(booking.order_id, [booking]):
            raise BookingNotMovable(f"{booking.service_name} was called off; the money is on its way back.")
        announce(booking_moved, [record])
        outbox.send_mails([(record.booking.order, OrderMail.MOVED)], about=f"move-{record.pk}")
    return record


class MoveBookingView(APIView):
    """Moves a booking to another time of the same service, as long as it could be canceled for a refund.

    The price stays. A repeated request with the same time is the same move: it is answered with 200 and not counted.
    """

    @extend_schema(
        summary="Move a booking",
        request=ScheduleSerializer,
        responses={200: BookingSerializer, **problems(400, 401, 404, 409, 413, 415)},
    )
    def post(self, request: Request, pk: int) -> Response:
        body: Any = ScheduleSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = cast(User, request.user)
        booking = get_object_or_404(Booking, pk=pk, user=user)
        move_booking(booking=booking, request=body.to_request(), by=user)
        return Response(BookingSerializer(own_bookings(user).get(pk=pk)).data)
