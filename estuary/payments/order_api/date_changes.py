"""For practitioners: calling off or moving their dates, a booking or their days; for guests: declining a new time."""

from typing import Any, cast
from unicodedata import category

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import Practitioner, User
from estuary.bookings.api import own_practice
from estuary.bookings.models import Booking
from estuary.common.api.fields import HourField, MomentField, MoneyField, TextField
from estuary.common.api.openapi import problems
from estuary.common.api.pagination import NewestFirst
from estuary.common.api.query_params import validate_query_params
from estuary.common.validators import JOINERS, UNWRITTEN
from estuary.payments.dates.begin_change import Confirmation, begin_change, open_days
from estuary.payments.dates.decline import decline_new_time, preview_decline
from estuary.payments.dates.previews import ChangeRequest, Kind, days_request, preview_change
from estuary.payments.dates.serialize import change_as_json, preview_as_json
from estuary.payments.models import DateChange
from estuary.payments.models.date_changes import MESSAGE_MAX, REASON_MAX
from estuary.payments.order_api.views import RefundSerializer, try_send_now

ERRORS = (400, 401, 403, 404, 409, 413, 415)


def check_plain_text(text: str) -> None:
    """Reject control characters but line breaks, and invisible marks: they make a sentence read as another one."""
    allowed = JOINERS + "\n\r"
    if any(category(character) in UNWRITTEN and character not in allowed for character in text):
        raise serializers.ValidationError("Write plain text, without control characters.")


class DateTotalSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    tender = serializers.CharField(help_text="payment_method or credits")
    amount = serializers.CharField()


class DateConsequenceSerializer(serializers.Serializer[Any]):
    """One consequence for one guest, with the reason as a sentence."""

    guest = serializers.CharField()
    line = serializers.CharField()
    act = serializers.CharField(help_text="refund, move, end_order, cancel, reschedule or hold_back")
    tender = serializers.CharField(help_text="payment_method, credits or none")
    amount = serializers.CharField()
    currency = serializers.CharField()
    why = serializers.CharField()


class CalledOffDateSerializer(serializers.Serializer[Any]):
    """A date that goes off sale, whether or not anybody has booked it."""

    service_session_id = serializers.CharField()
    line = serializers.CharField()
    start_datetime = serializers.DateTimeField()


class DatePreviewSerializer(serializers.Serializer[Any]):
    """What would be done; name ``preview_id`` to do exactly that."""

    preview_id = serializers.CharField()
    kind = serializers.ChoiceField(choices=DateChange.Kind.choices)
    title = serializers.CharField()
    start_datetime = serializers.DateTimeField()
    end_datetime = serializers.DateTimeField()
    time_zone = serializers.CharField()
    guests = serializers.IntegerField()
    refunded_guests = serializers.IntegerField(help_text="how many of them get money back now")
    held_back_guests = serializers.IntegerField(
        help_text="how many of them get it only once a dispute has ended"
    )
    unpaid_orders = serializers.IntegerField()
    totals = DateTotalSerializer(many=True)
    called_off_dates = CalledOffDateSerializer(
        many=True, help_text="the dates that go off sale, also those without guests; the first 50"
    )
    more_called_off_dates = serializers.IntegerField(help_text="how many more dates go off sale")
    rows = DateConsequenceSerializer(many=True)


class DateProgressSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    held_back = serializers.IntegerField(help_text="refunds that wait for a dispute to end")


class DateChangeRowSerializer(DateConsequenceSerializer):
    status = serializers.CharField(help_text="waiting, done or held_back")


class DateChangeSerializer(serializers.Serializer[Any]):
    """A change that was begun: it is done once each of its rows is."""

    change_id = serializers.CharField()
    kind = serializers.ChoiceField(choices=DateChange.Kind.choices)
    status = serializers.ChoiceField(choices=DateChange.Status.choices)
    title = serializers.CharField()
    message = serializers.CharField()
    created_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)
    progress = DateProgressSerializer()
    called_off_dates = CalledOffDateSerializer(
        many=True, help_text="the dates that went off sale; the first 50"
    )
    more_called_off_dates = serializers.IntegerField(help_text="how many more dates went off sale")
    rows = DateChangeRowSerializer(many=True)


class DateActSerializer(serializers.Serializer[Any]):
    """Which preview is carried out, with words of one's own to the guests."""

    preview_id = TextField(max_length=64)
    message = TextField(
        required=False, allow_blank=True, max_length=MESSAGE_MAX, default="", validators=[check_plain_text]
    )
    reason = TextField(
        required=False, allow_blank=True, max_length=REASON_MAX, default="", validators=[check_plain_text]
    )


class DateNewTimeSerializer(serializers.Serializer[Any]):
    start_datetime = MomentField()
    end_datetime = MomentField(required=False, help_text="without it, the date lasts as long as before")


class DateDaysSerializer(serializers.Serializer[Any]):
    """Days in the practitioner's own time zone, both included; or a part of them, which is one range."""

    first_day = serializers.DateField()
    last_day = serializers.DateField()
    start_time = HourField(required=False, help_text="on the first day; without it, from midnight")
    end_time = HourField(required=False, help_text="on the last day; without it, until midnight")

    def to_request(self, practitioner: Practitioner) -> ChangeRequest:
        """Return the request to call off or open these days. Raises InvalidRequest."""
        names = ("first_day", "last_day", "start_time", "end_time")
        return days_request(practitioner, **{name: self.validated_data.get(name) for name in names})


class DateMoveActSerializer(DateNewTimeSerializer, DateActSerializer):
    """The new time, and the preview of it that is carried out."""


class DateDaysActSerializer(DateDaysSerializer, DateActSerializer):
    """The days, and the preview of them that is carried out."""


def _act(request: Request, change: ChangeRequest, data: dict[str, Any]) -> Response:
    words = {name: data[name] for name in ("preview_id", "message", "reason")}
    date_change = begin_change(change, Confirmation(by=cast(User, request.user), **words))
    return Response(change_as_json(date_change), status=status.HTTP_202_ACCEPTED)


class CallOffView(APIView):
    """Calls off a date, or a 1-on-1 booking, of the practitioner: every guest is refunded in full and written to."""

    @extend_schema(
        summary="Ask what calling it off would do",
        responses={200: DatePreviewSerializer} | problems(401, 403, 404, 409),
    )
    def get(self, request: Request, pk: int) -> Response:
        return Response(preview_as_json(preview_change(self._change(request, pk))))

    @extend_schema(
        summary="Call it off",
        request=DateActSerializer,
        responses={202: DateChangeSerializer} | problems(*ERRORS),
    )
    def post(self, request: Request, pk: int) -> Response:
        body = DateActSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return _act(request, self._change(request, pk), body.validated_data)

    def _change(self, request: Request, pk: int) -> ChangeRequest:
        return ChangeRequest(kind=Kind.CALL_OFF, practitioner=own_practice(request), session_id=pk)


class CallOffBookingView(CallOffView):
    """Calls off a 1-on-1 booking of the practitioner: the guest is refunded in full and written to."""

    def _change(self, request: Request, pk: int) -> ChangeRequest:
        return ChangeRequest(kind=Kind.CALL_OFF, practitioner=own_practice(request), booking_id=pk)


class MoveView(APIView):
    """Moves a date with all its guests; who can't come to the new time is refunded in full."""

    @extend_schema(
        summary="Ask what moving a date would do",
        parameters=[DateNewTimeSerializer],
        responses={200: DatePreviewSerializer} | problems(400, 401, 403, 404, 409),
    )
    def get(self, request: Request, pk: int) -> Response:
        practitioner = own_practice(request)
        times = validate_query_params(request, DateNewTimeSerializer)
        return Response(preview_as_json(preview_change(self._change(practitioner, pk, times))))

    @extend_schema(
        summary="Move a date",
        request=DateMoveActSerializer,
        responses={202: DateChangeSerializer} | problems(*ERRORS),
    )
    def post(self, request: Request, pk: int) -> Response:
        practitioner = own_practice(request)
        body = DateMoveActSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return _act(request, self._change(practitioner, pk, body.validated_data), body.validated_data)

    @staticmethod
    def _change(practitioner: Practitioner, pk: int, times: dict[str, Any]) -> ChangeRequest:
        return ChangeRequest(
            kind=Kind.MOVE,
            practitioner=practitioner,
            session_id=pk,
            starts_at=times["start_datetime"],
            ends_at=times.get("end_datetime"),
        )


class CallOffDaysView(APIView):
    """Calls off everything of the practitioner in a range of days, and closes these days for new bookings."""

    @extend_schema(
        summary="Ask what calling off days would do",
        parameters=[DateDaysSerializer],
        responses={200: DatePreviewSerializer} | problems(400, 401, 403, 404, 409),
    )
    def get(self, request: Request) -> Response:
        practitioner = own_practice(request)
        days = validate_query_params(request, DateDaysSerializer)
        return Response(preview_as_json(preview_change(days_request(practitioner, **days))))

    @extend_schema(
        summary="Call off days",
        request=DateDaysActSerializer,
        responses={202: DateChangeSerializer} | problems(*ERRORS),
    )
    def post(self, request: Request) -> Response:
        practitioner = own_practice(request)
        body = DateDaysActSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return _act(request, body.to_request(practitioner), body.validated_data)


class OpenDaysView(APIView):
    """Opens days that were called off for new bookings. What was called off on them stays so."""

    @extend_schema(
        summary="Open days again",
        request=DateDaysSerializer,
        responses={200: DateDaysSerializer} | problems(400, 401, 403, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        practitioner = own_practice(request)
        body = DateDaysSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        open_days(body.to_request(practitioner), by=cast(User, request.user))
        return Response(body.data)


class DateChangeSummarySerializer(serializers.ModelSerializer[DateChange]):
    """One change of dates in a list; its own address has the rows."""

    change_id = serializers.CharField(source="public_id")

    class Meta:
        model = DateChange
        fields = ["change_id", "kind", "status", "title", "created_at", "done_at"]


@extend_schema_view(
    get=extend_schema(
        summary="What you have called off or moved",
        responses={200: DateChangeSummarySerializer, **problems(400, 401, 403, 404)},
    )
)
class DateChangeList(generics.ListAPIView[DateChange]):
    """The changes of the practitioner's dates, newest first."""

    serializer_class = DateChangeSummarySerializer
    pagination_class = NewestFirst
    queryset = DateChange.objects.none()

    def get_queryset(self) -> QuerySet[DateChange]:
        return DateChange.objects.filter(practitioner=own_practice(self.request))


class DateChangeView(APIView):
    """One change of the practitioner's dates, with how far it is."""

    @extend_schema(
        summary="How far a change of dates is",
        responses={200: DateChangeSerializer} | problems(401, 403, 404),
    )
    def get(self, request: Request, change_id: str) -> Response:
        changes = DateChange.objects.filter(practitioner=own_practice(request))
        return Response(change_as_json(get_object_or_404(changes, public_id=change_id)))


class DeclineView(APIView):
    """Lets a guest decline the new time of a moved date: all of it goes back.

    That is until it begins, and at least for 24 hours after the guests were written to.
    """

    class DeclinePreview(serializers.Serializer[Any]):
        returned = MoneyField(source="returned_minor")
        currency = serializers.CharField()

    class DeclinedBooking(serializers.Serializer[Any]):
        booking_id = serializers.CharField()
        status = serializers.CharField()
        refund = RefundSerializer(allow_null=True)

    @extend_schema(
        operation_id="bookings_decline_foresee",
        summary="Ask what declining the new time would return",
        responses={200: DeclinePreview} | problems(401, 404, 409),
    )
    def get(self, request: Request, pk: int) -> Response:
        return Response(self.DeclinePreview(preview_decline(self._own_booking(request, pk))).data)

    @extend_schema(
        summary="Decline the new time of a moved date",
        request=None,
        responses={200: DeclinedBooking} | problems(401, 404, 409),
    )
    def post(self, request: Request, pk: int) -> Response:
        booking = self._own_booking(request, pk)
        refund = decline_new_time(booking=booking, by=cast(User, request.user))
        sent = try_send_now(refund) if refund else None
        booking.refresh_from_db()
        return Response(
            {
                "booking_id": str(booking.pk),
                "status": booking.status,
                "refund": RefundSerializer(sent).data if sent else None,
            }
        )

    @staticmethod
    def _own_booking(request: Request, pk: int) -> Booking:
        own_bookings = Booking.objects.select_related("order", "practitioner")
        return get_object_or_404(own_bookings.filter(user=cast(User, request.user)), pk=pk)
