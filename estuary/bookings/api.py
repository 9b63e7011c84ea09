"""The API of bookings: a buyer's bookings, and choosing their time."""

from datetime import datetime
from typing import Any, cast

from django.db.models import Prefetch, Q, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import Practitioner, User
from estuary.bookings.date_changes.seats import CALLED_OFF_STATUSES
from estuary.bookings.models import ACTIVE, Booking, Participant
from estuary.bookings.moving.rules import can_move, free_cancel_until, move_until, moves_left
from estuary.bookings.order_lines import SHOWN_STARTS_HELP, ScheduleRequest
from estuary.bookings.scheduling import schedule
from estuary.catalog.api import VenueSerializer
from estuary.catalog.bounds import DATES_MAX
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.common.api.fields import IdField, MomentField, MoneyField
from estuary.common.api.openapi import problems
from estuary.common.api.pagination import NewestFirst
from estuary.common.api.query_params import validate_query_params
from estuary.common.errors import Forbidden


class PractitionersOnly(Forbidden):
    code = "practitioners_only"


def own_practice(request: Request, what: str = "dates") -> Practitioner:
    """Return the signed-in practitioner; raises PractitionersOnly, which names ``what`` others do not have."""
    practitioner = Practitioner.objects.filter(user=cast(User, request.user)).first()
    if practitioner is None:
        raise PractitionersOnly(
            f"Only practitioners have {what}. What you have booked yourself is under Bookings."
        )
    return practitioner


class HostSerializer(serializers.ModelSerializer[Practitioner]):
    name = serializers.CharField(source="display_name")

    class Meta:
        model = Practitioner
        fields = ["slug", "name", "time_zone"]


JOIN_URL_HELP = "the link to join online, for those who have booked; null once it is canceled or over"


class SeatSerializer(serializers.Serializer[Any]):
    """One meeting of a workshop or course in which the buyer has a seat."""

    id = serializers.CharField(source="session_id")
    start_datetime = serializers.DateTimeField(source="session.starts_at")
    end_datetime = serializers.DateTimeField(source="session.ends_at")
    join_url = serializers.CharField(allow_null=True, help_text=JOIN_URL_HELP)
    moved_from_datetime = serializers.DateTimeField(
        source="moved_from", allow_null=True, help_text="when it began before the practitioner moved it"
    )


class PartSerializer(serializers.ModelSerializer[Booking]):
    """A booking without its children; ``amount`` is its share of what the order cost."""

    id = serializers.CharField(source="pk")
    order_id = serializers.CharField(source="order.public_id")
    parent_id = serializers.CharField(allow_null=True)
    service_id = serializers.CharField(allow_null=True)
    practitioner = HostSerializer()
    service_session_id = serializers.CharField(source="session_id", allow_null=True)
    start_datetime = serializers.DateTimeField(source="starts_at", allow_null=True)
    end_datetime = serializers.DateTimeField(source="ends_at", allow_null=True)
    location = serializers.CharField(source="service.location", default="")
    venue = serializers.SerializerMethodField()
    join_url = serializers.SerializerMethodField()
    sessions = serializers.SerializerMethodField()
    needs_scheduling = serializers.BooleanField()
    missed_start_datetime = serializers.DateTimeField(
        source="missed_starts_at",
        allow_null=True,
        help_text="chosen when it was ordered, and not free any more when it was paid: choose another time",
    )
    former_start_datetime = serializers.DateTimeField(
        source="former_starts_at",
        allow_null=True,
        help_text="the earliest of its starts before it was moved; null if it never was",
    )
    free_cancel_until = serializers.SerializerMethodField()
    can_move = serializers.SerializerMethodField()
    move_until = serializers.SerializerMethodField()
    moves_left = serializers.SerializerMethodField()
    decline_until = serializers.SerializerMethodField()
    amount = MoneyField(source="amount_minor", currency="order.currency")
    currency = serializers.CharField(source="order.currency")
    disputed = serializers.BooleanField(source="order.disputed")

    class Meta:
        model = Booking
        fields = [
            "id",
            "order_id",
            "parent_id",
            "service_id",
            "service_type",
            "service_name",
            "practitioner",
            "location",
            "venue",
            "join_url",
            "status",
            "service_session_id",
            "start_datetime",
            "end_datetime",
            "sessions",
            "needs_scheduling",
            "missed_start_datetime",
            "valid_until",
            "former_start_datetime",
            "free_cancel_until",
            "can_move",
            "move_until",
            "moves_left",
            "decline_until",
            "amount",
            "currency",
            "disputed",
            "created_at",
            "canceled_at",
        ]

    @extend_schema_field(SeatSerializer(many=True))
    def get_sessions(self, booking: Booking) -> Any:
        seats = sorted(booking.participants.all(), key=lambda seat: seat.session.starts_at)
        for seat in seats:
            seat.join_url = booking.join_url_of(seat.session)  # type: ignore[attr-defined]
        return SeatSerializer(seats, many=True).data

    @extend_schema_field(VenueSerializer(allow_null=True))
    def get_venue(self, booking: Booking) -> Any:
        """Where it takes place; null of what is online, and of a package or bundle, whose parts have their own."""
        venue = booking.service.venue if booking.service else None
        return VenueSerializer(venue).data if venue else None

    @extend_schema_field(serializers.CharField(allow_null=True, help_text=JOIN_URL_HELP))
    def get_join_url(self, booking: Booking) -> str | None:
        return booking.join_url_of(booking.session)

    def get_free_cancel_until(self, booking: Booking) -> datetime | None:
        """Until when cancelling returns the money; null when it has no time yet.

        Moving it never extends this. After its practitioner has moved it, it is until it begins.
        """
        return booking.starts_at if self.get_decline_until(booking) else free_cancel_until(booking)

    def get_can_move(self, booking: Booking) -> bool:
        """Whether it can be moved to another time now."""
        return can_move(booking, clock.now())

    def get_move_until(self, booking: Booking) -> datetime | None:
        """Until when it can be moved, while moves are left; null for what has no time to move."""
        return move_until(booking)

    def get_moves_left(self, booking: Booking) -> int:
        """How often it can still be moved."""
        return moves_left(booking)

    def get_decline_until(self, booking: Booking) -> datetime | None:
        """Until when a guest who can't come to a moved date gets all of it back; null when it was not moved.

        It is until the date begins, and at least for 24 hours after the guests were written to.
        """
        if booking.status not in CALLED_OFF_STATUSES:
            return None
        at = clock.now()
        seats = [seat for seat in booking.participants.all() if seat.can_decline(at)]
        return max((seat.decline_until for seat in seats if seat.decline_until), default=None)


class BookingSerializer(PartSerializer):
    children = serializers.SerializerMethodField()

    class Meta(PartSerializer.Meta):
        fields = [*PartSerializer.Meta.fields, "children"]

    @extend_schema_field(PartSerializer(many=True))
    def get_children(self, booking: Booking) -> Any:
        return PartSerializer(
            sorted(booking.children.all(), key=lambda child: child.position), many=True
        ).data


class BookingFilter(serializers.Serializer[Any]):
    when = serializers.ChoiceField(
        choices=["upcoming", "past", "unscheduled", "canceled"],
        required=False,
        help_text="without it: everything bought, newest first, parts inside their package or bundle",
    )


def own_bookings(user: User) -> QuerySet[Booking]:
    """Return a user's bookings with everything that the serializer shows, in a constant number of queries."""
    bookings = Booking.objects.select_related("order", "practitioner", "service__venue", "line", "session")
    seats = Prefetch("participants", Participant.objects.filter(active=True).select_related("session"))
    children = Prefetch("children", bookings.prefetch_related(seats))
    return bookings.filter(user=user).prefetch_related(seats, children)


def _when(bookings: QuerySet[Booking], when: str | None, at: datetime) -> QuerySet[Booking]:
    """Filter by time or status, with parts as rows of their own; else only top-level bookings."""
    match when:
        case "upcoming":
            return bookings.filter(status__in=ACTIVE, ends_at__gt=at)
        case "past":
            return bookings.filter(ends_at__lte=at)
        case "canceled":
            # A package or bundle that was canceled as a whole is one row.
            whole = Q(parent__status=Booking.Status.CANCELED)
            return bookings.filter(status=Booking.Status.CANCELED).exclude(whole)
        case "unscheduled":
            return bookings.filter(
                Q(valid_until=None) | Q(valid_until__gt=at),
                status__in=ACTIVE,
                starts_at=None,
                service_type__in=[ServiceType.SESSION, ServiceType.WORKSHOP],
            )
    return bookings.filter(parent=None)


class BookingPages(NewestFirst):
    """Upcoming: soonest first. Past and canceled: latest first. Otherwise newest first."""

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        orders = {
            "upcoming": ("starts_at", "id"),
            "past": ("-starts_at", "-id"),
            "canceled": ("-canceled_at", "-id"),
        }
        return orders.get(request.query_params.get("when", ""), ("-id",))


@extend_schema_view(
    get=extend_schema(
        summary="Your bookings",
        parameters=[BookingFilter],
        responses={200: BookingSerializer, **problems(400, 401, 404)},
    )
)
class BookingList(generics.ListAPIView[Booking]):
    """Your bookings."""

    serializer_class = BookingSerializer
    pagination_class = BookingPages
    queryset = Booking.objects.none()

    def get_queryset(self) -> QuerySet[Booking]:
        params = validate_query_params(self.request, BookingFilter)
        bookings = own_bookings(cast(User, self.request.user))
        return _when(bookings, params.get("when"), clock.now())


@extend_schema_view(
    get=extend_schema(summary="One booking", responses={200: BookingSerializer, **problems(401, 404)})
)
class BookingDetail(generics.RetrieveAPIView[Booking]):
    """One booking of yours, with the bookings inside it."""

    serializer_class = BookingSerializer
    queryset = Booking.objects.none()

    def get_queryset(self) -> QuerySet[Booking]:
        return own_bookings(cast(User, self.request.user))


class ScheduleSerializer(serializers.Serializer[Any]):
    """A start for a 1-on-1 session, or a session of a workshop; one of the two."""

    start_datetime = MomentField(required=False)
    service_session_id = IdField(required=False)
    shown_start_datetimes = serializers.ListField(
        child=MomentField(),
        required=False,
        allow_empty=False,
        max_length=DATES_MAX,
        help_text=SHOWN_STARTS_HELP,
    )

    def to_request(self) -> ScheduleRequest:
        data = self.validated_data
        session_id, shown = data.get("service_session_id"), data.get("shown_start_datetimes")
        return ScheduleRequest(
            starts_at=data.get("start_datetime"),
            session_id=int(session_id) if session_id is not None else None,
            shown_starts=tuple(shown) if shown else None,
        )


class BookingSchedule(APIView):
    """Choose the time of a part of a package or bundle, once, while it is valid."""

    @extend_schema(
        summary="Schedule a booking",
        request=ScheduleSerializer,
        responses={200: BookingSerializer, **problems(400, 401, 404, 409, 413, 415)},
    )
    def post(self, request: Request, pk: int) -> Response:
        serializer = ScheduleSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        bookings = own_bookings(cast(User, request.user))
        wish = serializer.to_request()
        schedule(
            booking=generics.get_object_or_404(Booking.objects.filter(user=cast(User, request.user)), pk=pk),
            starts_at=wish.starts_at,
            session_id=wish.session_id,
            shown_starts=wish.shown_starts,
            at=clock.now(),
        )
        return Response(BookingSerializer(bookings.get(pk=pk)).data)
