"""For practitioners: their workshops and courses with the dates of each, and adding, changing and deleting a date."""

from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import User
from estuary.bookings.api import own_practice
from estuary.bookings.models import Reservation
from estuary.catalog.api import VenueSerializer
from estuary.catalog.bounds import CAPACITY_MAX, DURATION_MIN, SESSION_MAX
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.catalog.venues import JOIN_URL_MAX, check_https_url
from estuary.common import clock
from estuary.common.api.fields import IdField, MomentField, TextField, WholeNumberField
from estuary.common.api.openapi import problems
from estuary.common.api.pagination import NewestFirst, OldestFirst
from estuary.common.api.query_params import validate_query_params
from estuary.payments import idempotency
from estuary.payments.order_api.date_changes import ERRORS
from estuary.payments.own_dates.change_date import DateEdit, change_date, delete_date, version_of
from estuary.payments.own_dates.create_dates import WITH_DATES, NewDates, create_dates

# Dates that a service in the list shows; all of them are in a list of their own.
DATES_SHOWN = 20
WEEKS_MAX = 52
LASTS_MAX_MIN = int(SESSION_MAX.total_seconds()) // 60
JOIN_URL_HELP = "the link to join online, which only guests see; empty: the service's"


def check_join_url(url: str) -> None:
    """Reject what is no https address; an empty one is none."""
    try:
        if url:
            check_https_url(url)
    except ValidationError as error:
        raise serializers.ValidationError(error.messages) from None


class OwnDateSerializer(serializers.ModelSerializer[ServiceSession]):
    """A date of a workshop or course, as its practitioner sees it."""

    id = serializers.CharField(source="pk")
    service_id = serializers.CharField()
    start_datetime = serializers.DateTimeField(source="starts_at")
    end_datetime = serializers.DateTimeField(source="ends_at")
    taken = serializers.IntegerField(help_text="seats that are booked, or held by who is paying")
    called_off = serializers.BooleanField(source="is_called_off")
    can_delete = serializers.SerializerMethodField()
    version = serializers.SerializerMethodField()

    class Meta:
        model = ServiceSession
        fields = [
            "id",
            "service_id",
            "start_datetime",
            "end_datetime",
            "capacity",
            "taken",
            "join_url",
            "called_off",
            "can_delete",
            "version",
        ]
        read_only_fields = fields

    def get_can_delete(self, session: ServiceSession) -> bool:
        """Whether nobody ever booked or held it; any other date is called off."""
        return not getattr(session, "was_reserved", True)

    def get_version(self, session: ServiceSession) -> str:
        """Names the state of the date; send it back with a change."""
        return version_of(session)


class OwnServiceSerializer(serializers.ModelSerializer[Service]):
    """A workshop or course with its next dates."""

    id = serializers.CharField(source="pk")
    venue = VenueSerializer(allow_null=True, help_text="null: it is online")
    time_zone = serializers.SerializerMethodField()
    sold_as_it_is = serializers.BooleanField(
        help_text="a course that guests have bought: no date is added to it, as they would have no seat in it"
    )
    dates = OwnDateSerializer(source="next_dates", many=True, help_text=f"the next {DATES_SHOWN} to come")
    has_more_dates = serializers.SerializerMethodField()

    class Meta:
        model = Service
        fields = [
            "id",
            "type",
            "name",
            "active",
            "duration_min",
            "location",
            "venue",
            "join_url",
            "time_zone",
            "sold_as_it_is",
            "dates",
            "has_more_dates",
        ]
        read_only_fields = fields

    def to_representation(self, instance: Service) -> dict[str, Any]:
        loaded: list[ServiceSession] = instance.next_dates  # type: ignore[attr-defined]
        self.has_more = len(loaded) > DATES_SHOWN
        instance.next_dates = loaded[:DATES_SHOWN]  # type: ignore[attr-defined]
        return super().to_representation(instance)

    def get_time_zone(self, service: Service) -> str:
        """The zone of the place, or the practitioner's: a date that is repeated keeps its time in it."""
        return (service.venue or service.practitioner).time_zone

    def get_has_more_dates(self, service: Service) -> bool:
        """Whether more dates are to come than are shown here."""
        return self.has_more


class OwnDateFilter(serializers.Serializer[Any]):
    service_id = IdField(help_text="whose dates")
    when = serializers.ChoiceField(
        choices=["upcoming", "past"],
        default="upcoming",
        help_text="upcoming: soonest first; past: latest first",
    )


class DateFieldsSerializer(serializers.Serializer[Any]):
    """What a new date and a change of one have in common."""

    end_datetime = MomentField(source="ends_at", required=False)
    join_url = TextField(
        required=False,
        allow_blank=True,
        max_length=JOIN_URL_MAX,
        validators=[check_join_url],
        help_text=JOIN_URL_HELP,
    )


class NewDateSerializer(DateFieldsSerializer):
    """A new date, by its end or by how long it lasts; with neither, it lasts as long as its service says."""

    service_id = IdField()
    start_datetime = MomentField(source="starts_at")
    duration_min = WholeNumberField(required=False, min_value=DURATION_MIN, max_value=LASTS_MAX_MIN)
    capacity = WholeNumberField(min_value=1, max_value=CAPACITY_MAX)
    weeks = WholeNumberField(
        required=False,
        min_value=1,
        max_value=WEEKS_MAX,
        default=1,
        help_text="how many dates, each a week after the one before, at the same time of day: all or none",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "ends_at" in attrs and "duration_min" in attrs:
            raise serializers.ValidationError({"duration_min": ["Send this or end_datetime, not both."]})
        return attrs


class DateEditSerializer(DateFieldsSerializer):
    """What shall change, and the version of the date that was looked at."""

    version = TextField(max_length=64)
    start_datetime = MomentField(source="starts_at", required=False)
    capacity = WholeNumberField(required=False, min_value=1, max_value=CAPACITY_MAX)


class NewDatesSerializer(serializers.Serializer[Any]):
    results = OwnDateSerializer(many=True)


def own_dates() -> QuerySet[ServiceSession]:
    """Return dates with whether a seat was ever booked or held."""
    reserved = Reservation.objects.filter(session=OuterRef("pk"))
    return ServiceSession.objects.annotate(was_reserved=Exists(reserved))


@extend_schema_view(
    get=extend_schema(
        summary="Your workshops and courses, with their next dates",
        responses={200: OwnServiceSerializer, **problems(400, 401, 403, 404)},
    )
)
class OwnServiceList(generics.ListAPIView[Service]):
    """For practitioners: their workshops and courses, oldest first, each with its next dates."""

    serializer_class = OwnServiceSerializer
    pagination_class = OldestFirst
    queryset = Service.objects.none()

    def get_queryset(self) -> QuerySet[Service]:
        practitioner = own_practice(self.request)
        to_come = own_dates().filter(ends_at__gt=clock.now()).order_by("starts_at", "pk")
        sold = ServiceSession.objects.filter(
            service=OuterRef("pk"), taken__gt=0, service__type=ServiceType.COURSE
        )
        return (
            Service.objects.filter(practitioner=practitioner, type__in=WITH_DATES)
            .select_related("venue", "practitioner")
            .annotate(sold_as_it_is=Exists(sold))
            .prefetch_related(Prefetch("sessions", to_come[: DATES_SHOWN + 1], to_attr="next_dates"))
        )


class DatePages(NewestFirst):
    """Dates to come soonest first, past ones latest first."""

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        is_past = request.query_params.get("when") == "past"
        return ("-starts_at", "-id") if is_past else ("starts_at", "id")


@extend_schema_view(
    get=extend_schema(
        summary="The dates of one of your workshops or courses",
        parameters=[OwnDateFilter],
        responses={200: OwnDateSerializer, **problems(400, 401, 403, 404)},
    )
)
class OwnDateList(generics.ListAPIView[ServiceSession]):
    """For practitioners: all dates of one of their services, those that were called off too."""

    serializer_class = OwnDateSerializer
    pagination_class = DatePages
    queryset = ServiceSession.objects.none()

    def get_queryset(self) -> QuerySet[ServiceSession]:
        practitioner = own_practice(self.request)
        params = validate_query_params(self.request, OwnDateFilter)
        own_services = Service.objects.filter(practitioner=practitioner, type__in=WITH_DATES)
        service = get_object_or_404(own_services, pk=params["service_id"])
        at = clock.now()
        dates = own_dates().filter(service=service)
        return dates.filter(ends_at__lte=at) if params["when"] == "past" else dates.filter(ends_at__gt=at)

    @extend_schema(
        summary="Add dates to one of your workshops or courses",
        parameters=[idempotency.PARAMETER],
        request=NewDateSerializer,
        responses={201: NewDatesSerializer, **problems(*ERRORS, 422)},
    )
    @idempotency.idempotent
    def post(self, request: Request, claim: idempotency.Claim) -> Response:
        """Add a date, or one of each of several weeks: all of them or none."""
        practitioner = own_practice(request)
        body = NewDateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = {**body.validated_data, "service_id": int(body.validated_data["service_id"])}
        created = create_dates(
            practitioner, NewDates(**values), by=cast(User, request.user), is_retry=claim.is_retry
        )
        rows = own_dates().filter(pk__in=[session.pk for session in created]).order_by("starts_at", "pk")
        return Response(NewDatesSerializer({"results": rows}).data, status=status.HTTP_201_CREATED)


class OwnDateDetail(APIView):
    """For practitioners: one of their dates."""

    @extend_schema(summary="One of your dates", responses={200: OwnDateSerializer, **problems(401, 403, 404)})
    def get(self, request: Request, pk: int) -> Response:
        practitioner = own_practice(request)
        session = get_object_or_404(own_dates().filter(service__practitioner=practitioner), pk=pk)
        return Response(OwnDateSerializer(session).data)

    @extend_schema(
        summary="Change one of your dates",
        request=DateEditSerializer,
        responses={200: OwnDateSerializer, **problems(*ERRORS)},
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change its seats or its link, and its time as long as nobody has a seat; guests hear of a new link."""
        practitioner = own_practice(request)
        body = DateEditSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = dict(body.validated_data)
        edit = DateEdit(values.pop("version"), values)
        change_date(practitioner, pk, edit, by=cast(User, request.user))
        return Response(OwnDateSerializer(own_dates().get(pk=pk)).data)

    @extend_schema(summary="Delete one of your dates", responses={204: None, **problems(401, 403, 404, 409)})
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a date that nobody ever booked or held; any other one is called off."""
        delete_date(own_practice(request), pk, by=cast(User, request.user))
        return Response(status=status.HTTP_204_NO_CONTENT)
