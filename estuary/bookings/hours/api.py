"""The API of a practitioner's own hours: the week, dates with other hours, and what lies outside them."""

import re
from datetime import date, time
from typing import Any, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import Practitioner, User
from estuary.accounts.profile.api import limit_by_user
from estuary.bookings.api import own_practice
from estuary.bookings.hours.overview import OUTSIDE_SHOWN, hours_overview
from estuary.bookings.models import Booking
from estuary.catalog.bounds import HORIZON, WINDOWS_MAX
from estuary.catalog.hours.change import remove_exception, replace_exception, replace_week
from estuary.catalog.hours.windows import Window
from estuary.catalog.models import MIDNIGHT
from estuary.common.api.fields import TextField
from estuary.common.api.openapi import problems

CHANGES = "60/m/user,600/d/user"
READ_ERRORS, WRITE_ERRORS = (401, 403), (400, 401, 403, 409, 413, 415, 429)
WALL_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
DAY = OpenApiParameter(
    "day",
    OpenApiTypes.DATE,
    OpenApiParameter.PATH,
    description=f"today in the practitioner's time zone, or one of the {HORIZON.days} days after",
)


@extend_schema_field({"type": "string", "pattern": "^(?:[01][0-9]|2[0-3]):[0-5][0-9]$", "example": "09:00"})
class WallTimeField(serializers.Field[time, Any, str, Any]):
    """A time on the clock, in hours and minutes."""

    def to_internal_value(self, data: Any) -> time:
        if not isinstance(data, str) or not WALL_TIME.fullmatch(data):
            raise serializers.ValidationError("Send hours and minutes, like 09:00.")
        return time.fromisoformat(data)

    def to_representation(self, value: time) -> str:
        return f"{value:%H:%M}"


@extend_schema_field(
    {"type": "string", "pattern": "^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", "example": "17:30"}
)
class EndTimeField(WallTimeField):
    """When a window ends: 24:00, or 00:00, is midnight, the end of the day."""

    def to_internal_value(self, data: Any) -> time:
        return MIDNIGHT if data == "24:00" else super().to_internal_value(data)

    def to_representation(self, value: time) -> str:
        return "24:00" if value == MIDNIGHT else super().to_representation(value)


class WeekdayField(serializers.IntegerField):
    """0 for Monday to 6, as a number: DRF also accepts text."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            raise serializers.ValidationError("Send a number from 0 (Monday) to 6.")
        return int(super().to_internal_value(data))


class HoursWindowSerializer(serializers.Serializer[Window]):
    """From when until when, on the practitioner's clock."""

    starts = WallTimeField()
    ends = EndTimeField(help_text="24:00 is midnight, the end of the day")


class HoursWeekdaySerializer(serializers.Serializer[Any]):
    weekday = WeekdayField(min_value=0, max_value=6, help_text="0 is Monday")
    # One more than there may be, so that the sentence can name the day.
    windows = serializers.ListField(child=HoursWindowSerializer(), max_length=WINDOWS_MAX + 1)


class HoursExceptionSerializer(serializers.Serializer[Any]):
    """A date with windows of its own in place of the weekly ones; without any, nobody can be booked on it."""

    day = serializers.DateField()
    windows = HoursWindowSerializer(many=True)
    version = serializers.CharField(help_text="send it to replace them")


class DaysOffSerializer(serializers.Serializer[Any]):
    """Days that were called off and are closed for bookings, both included.

    The first four of these open them again: leave out a time that is null.
    """

    first_day = serializers.DateField()
    last_day = serializers.DateField()
    start_time = WallTimeField(allow_null=True, help_text="on the first day; null: all of it is closed")
    end_time = WallTimeField(allow_null=True, help_text="on the last day; null: all of it is closed")
    start_datetime = serializers.DateTimeField(source="starts_at")
    end_datetime = serializers.DateTimeField(source="ends_at")


class OutsideBookingSerializer(serializers.ModelSerializer[Booking]):
    """A booking to come that stands, although it is outside the hours."""

    booking_id = serializers.CharField(source="pk")
    guest = serializers.CharField(source="user.public_name")
    start_datetime = serializers.DateTimeField(source="starts_at")
    end_datetime = serializers.DateTimeField(source="ends_at")

    class Meta:
        model = Booking
        fields = ["booking_id", "service_name", "guest", "start_datetime", "end_datetime"]


class BookingsOutsideSerializer(serializers.Serializer[Any]):
    """Bookings to come that are outside the hours. No change of hours touches them."""

    count = serializers.IntegerField()
    bookings = OutsideBookingSerializer(many=True, help_text=f"the {OUTSIDE_SHOWN} soonest")


class HoursSerializer(serializers.Serializer[Any]):
    time_zone = serializers.CharField()
    version = serializers.CharField(help_text="of the week: send it to replace the week")
    week = HoursWeekdaySerializer(many=True, help_text="all seven days, from Monday on")
    exceptions = HoursExceptionSerializer(many=True, help_text="from today on")
    days_off = DaysOffSerializer(many=True)
    outside = BookingsOutsideSerializer()


class HoursWeekSerializer(serializers.Serializer[Any]):
    """The whole week. A weekday that is left out has no hours."""

    version = TextField(max_length=64, help_text="the version of the week that was read")
    week = serializers.ListField(child=HoursWeekdaySerializer(), max_length=7)

    def validate_week(self, week: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({day["weekday"] for day in week}) < len(week):
            raise serializers.ValidationError("Send each weekday once, with all of its windows.")
        return week


class HoursDaySerializer(serializers.Serializer[Any]):
    """The windows of a date; none: nobody can be booked on it."""

    version = TextField(
        max_length=64,
        allow_blank=True,
        help_text="the version of the date's own hours that was read; empty when it has none yet",
    )
    windows = serializers.ListField(child=HoursWindowSerializer(), max_length=WINDOWS_MAX + 1)


def _windows(rows: list[dict[str, Any]]) -> list[Window]:
    return [Window(row["starts"], row["ends"]) for row in rows]


def _answer(practitioner: Practitioner) -> Response:
    return Response(HoursSerializer(hours_overview(practitioner)).data)


class HoursView(APIView):
    """When the practitioner can be booked for 1-on-1 sessions, in the practitioner's own time zone."""

    @extend_schema(summary="Your hours", responses={200: HoursSerializer, **problems(*READ_ERRORS)})
    def get(self, request: Request) -> Response:
        return _answer(own_practice(request, "hours"))

    @extend_schema(
        summary="Replace your weekly hours",
        request=HoursWeekSerializer,
        responses={200: HoursSerializer, **problems(*WRITE_ERRORS)},
    )
    def put(self, request: Request) -> Response:
        practitioner = own_practice(request, "hours")
        body = HoursWeekSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        limit_by_user(request, "change_hours", CHANGES)
        data = body.validated_data
        week = {day["weekday"]: _windows(day["windows"]) for day in data["week"]}
        replace_week(practitioner, week, version=data["version"], by=cast(User, request.user))
        return _answer(practitioner)


class HoursExceptionView(APIView):
    """A date of the practitioner with other hours than those of its weekday."""

    @extend_schema(
        summary="Give a date other hours",
        parameters=[DAY],
        request=HoursDaySerializer,
        responses={200: HoursSerializer, **problems(404, *WRITE_ERRORS)},
    )
    def put(self, request: Request, day: date) -> Response:
        practitioner = own_practice(request, "hours")
        body = HoursDaySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        limit_by_user(request, "change_hours", CHANGES)
        data = body.validated_data
        replace_exception(
            practitioner,
            day,
            _windows(data["windows"]),
            version=data["version"],
            by=cast(User, request.user),
        )
        return _answer(practitioner)

    @extend_schema(
        summary="Give a date its weekly hours back",
        parameters=[DAY],
        responses={200: HoursSerializer, **problems(400, 404, *READ_ERRORS, 429)},
    )
    def delete(self, request: Request, day: date) -> Response:
        practitioner = own_practice(request, "hours")
        limit_by_user(request, "change_hours", CHANGES)
        remove_exception(practitioner, day, by=cast(User, request.user))
        return _answer(practitioner)
