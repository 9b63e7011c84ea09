"""The API of the catalogue: services, their sessions and free slots. Public, without a sign-in."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import Practitioner
from estuary.catalog.availability import Slot, free_slots
from estuary.catalog.bounds import HORIZON
from estuary.catalog.cancellation_terms import describe_cancellation_terms
from estuary.catalog.models import PackageItem, Service, ServicePrice, ServiceSession, ServiceType
from estuary.catalog.venues import Venue
from estuary.common import clock
from estuary.common.api.fields import MoneyField
from estuary.common.api.openapi import problems
from estuary.common.api.pagination import NewestFirst, OldestFirst
from estuary.common.api.query_params import validate_query_params
from estuary.common.db.replica import replica_read
from estuary.common.errors import InvalidRequest
from estuary.common.money import min_charge_minor, to_decimal


class NoSlots(InvalidRequest):
    code, title = "no_slots", "This service has no slots"


class PriceSerializer(serializers.ModelSerializer[ServicePrice]):
    amount = MoneyField(source="amount_minor")
    minimum_charge = serializers.SerializerMethodField()

    class Meta:
        model = ServicePrice
        fields = ["currency", "amount", "minimum_charge"]

    def get_minimum_charge(self, price: ServicePrice) -> str:
        """The smallest share of this price that a card can pay."""
        return to_decimal(min_charge_minor(price.currency), price.currency)


class PractitionerSerializer(serializers.ModelSerializer[Practitioner]):
    name = serializers.CharField(source="display_name")

    class Meta:
        model = Practitioner
        fields = ["slug", "name", "headline", "bio", "time_zone"]


class VenueSerializer(serializers.ModelSerializer[Venue]):
    """A place. Show dates there in its time zone, with the viewer's beside it when they differ."""

    address_lines = serializers.ListField(child=serializers.CharField())
    directions_url = serializers.URLField(help_text="leads there: a map's page, or its app on a phone")

    class Meta:
        model = Venue
        fields = ["name", "address_lines", "time_zone", "directions", "directions_url"]


class ServiceBriefSerializer(serializers.ModelSerializer[Service]):
    id = serializers.CharField(source="pk")
    venue = VenueSerializer(allow_null=True, help_text="null: it is online")

    class Meta:
        model = Service
        fields = ["id", "type", "name", "slug", "duration_min", "location", "venue"]


class ContentSerializer(serializers.Serializer[Any]):
    """One thing inside a package or bundle; the bonus comes on top of the quantity, at no price."""

    service = ServiceBriefSerializer()
    quantity = serializers.IntegerField()
    bonus = serializers.IntegerField()


class SessionSerializer(serializers.ModelSerializer[ServiceSession]):
    id = serializers.CharField(source="pk")
    start_datetime = serializers.DateTimeField(source="starts_at")
    end_datetime = serializers.DateTimeField(source="ends_at")
    seats_left = serializers.IntegerField()
    sold_out = serializers.SerializerMethodField()

    class Meta:
        model = ServiceSession
        fields = ["id", "start_datetime", "end_datetime", "capacity", "seats_left", "sold_out"]

    def get_sold_out(self, session: ServiceSession) -> bool:
        return session.seats_left == 0


class ServiceSerializer(serializers.ModelSerializer[Service]):
    id = serializers.CharField(source="pk")
    practitioner = PractitionerSerializer()
    prices = PriceSerializer(many=True)
    on_sale = serializers.SerializerMethodField()

    class Meta:
        model = Service
        fields = [
            "id",
            "type",
            "name",
            "slug",
            "category",
            "summary",
            "location",
            "duration_min",
            "prices",
            "practitioner",
            "free_cancel_hours",
            "max_moves",
            "on_sale",
        ]

    def get_on_sale(self, service: Service) -> bool:
        """A course is sold only until its first session, since it is sold as a whole; so is a package that holds it."""
        at = clock.now()
        first: datetime | None = getattr(service, "first_session_at", None)
        if service.type == ServiceType.COURSE and first is None:
            return False
        has_started = (
            service.type in {ServiceType.COURSE, ServiceType.PACKAGE} and first is not None and first <= at
        )
        return service.is_on_sale(at) and not has_started


class ServiceDetailSerializer(ServiceSerializer):
    venue = serializers.SerializerMethodField()
    contents = serializers.SerializerMethodField()
    cancellation_terms = serializers.SerializerMethodField()

    class Meta(ServiceSerializer.Meta):
        fields = [
            *ServiceSerializer.Meta.fields,
            "description",
            "slot_step_min",
            "sale_starts_at",
            "sale_ends_at",
            "validity_days",
            "venue",
            "contents",
            "cancellation_terms",
        ]

    @extend_schema_field(VenueSerializer(allow_null=True))
    def get_venue(self, service: Service) -> Any:
        """Where it takes place; null of what is online, and of a package, whose parts have their own."""
        venue = service.place
        return VenueSerializer(venue).data if venue else None

    def get_cancellation_terms(self, service: Service) -> str:
        """What cancelling returns, as a sentence for buyers."""
        return describe_cancellation_terms(service.type, service.free_cancel_hours)

    @extend_schema_field(ContentSerializer(many=True))
    def get_contents(self, service: Service) -> Any:
        contents = [{"service": item.service, "quantity": 1, "bonus": 0} for item in service.items.all()]
        if service.type == ServiceType.BUNDLE:
            quantity, bonus = service.bundle_quantity, service.bundle_bonus
            contents = [{"service": service.bundle_of, "quantity": quantity, "bonus": bonus}]
        return ContentSerializer(contents, many=True).data


class SlotSerializer(serializers.Serializer[Slot]):
    start_datetime = serializers.DateTimeField(source="starts_at")
    end_datetime = serializers.DateTimeField(source="ends_at")


class SlotsSerializer(serializers.Serializer[dict[str, Any]]):
    service_id = serializers.CharField()
    time_zone = serializers.CharField()
    slots = SlotSerializer(many=True)


class ServiceFilter(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=ServiceType.choices, required=False)
    practitioner = serializers.SlugField(
        source="practitioner__slug", required=False, help_text="the practitioner's slug"
    )


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless ``name`` is a time zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise serializers.ValidationError("This is no time zone; use a name such as Europe/Lisbon.") from None


class SlotFilter(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=1, max_value=62, default=14)
    time_zone = serializers.CharField(
        max_length=64,
        required=False,
        validators=[validate_time_zone],
        help_text="whose days are meant and in which times are told; by default the venue's, else the practitioner's",
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add ``from``, which can't be an attribute name in Python."""
        first = serializers.DateField(
            required=False, validators=[_validate_within_horizon], help_text="by default today"
        )
        return {"from": first, **super().get_fields()}


def _validate_within_horizon(day: date) -> None:
    if abs(day - clock.now().date()) > HORIZON:
        raise serializers.ValidationError(f"Choose a day within {HORIZON.days} days of today.")


def visible_services() -> QuerySet[Service]:
    """Return the visible services with everything that the list shows, in two queries."""
    sessions = ServiceSession.objects.filter(called_off_at=None).order_by("starts_at").values("starts_at")
    own = sessions.filter(service=OuterRef("pk"))[:1]
    inside = PackageItem.objects.filter(package=OuterRef(OuterRef("pk")), service__type=ServiceType.COURSE)
    of_courses_inside = sessions.filter(service__in=inside.values("service"))[:1]
    return (
        Service.objects.filter(active=True)
        .select_related("practitioner")
        .prefetch_related(Prefetch("prices", ServicePrice.objects.order_by("id")))
        .annotate(first_session_at=Coalesce(Subquery(own), Subquery(of_courses_inside)))
    )


@method_decorator(gzip_page, name="dispatch")
class PublicView(APIView):
    """A view without a sign-in, whose answers hold no secret: they may be compressed."""

    permission_classes = [AllowAny]
    authentication_classes = []


@extend_schema_view(
    get=extend_schema(
        summary="What is offered",
        auth=[],
        parameters=[ServiceFilter],
        responses={200: ServiceSerializer, **problems(400, 404)},
    )
)
@method_decorator(replica_read, name="get")
class ServiceList(PublicView, generics.ListAPIView[Service]):
    """Services in the catalogue, oldest first; those not on sale just now are marked so."""

    serializer_class = ServiceSerializer
    pagination_class = OldestFirst
    queryset = Service.objects.none()

    def get_queryset(self) -> QuerySet[Service]:
        return visible_services().filter(**validate_query_params(self.request, ServiceFilter))


@extend_schema_view(
    get=extend_schema(
        summary="One service", auth=[], responses={200: ServiceDetailSerializer, **problems(404)}
    )
)
@method_decorator(replica_read, name="get")
class ServiceDetail(PublicView, generics.RetrieveAPIView[Service]):
    """One service, with what a package or a bundle holds."""

    serializer_class = ServiceDetailSerializer
    queryset = Service.objects.none()

    def get_queryset(self) -> QuerySet[Service]:
        items = Prefetch("items", PackageItem.objects.select_related("service__venue"))
        return visible_services().select_related("venue", "bundle_of__venue").prefetch_related(items)


def sold_services() -> QuerySet[Service]:
    """Return the services that can be bought: by themselves, or inside a package or a bundle that can."""
    packages = PackageItem.objects.filter(service=OuterRef("pk"), package__active=True)
    bundles = Service.objects.filter(bundle_of=OuterRef("pk"), active=True)
    return Service.objects.filter(Q(active=True) | Exists(packages) | Exists(bundles))


def upcoming_sessions(service_id: int) -> QuerySet[ServiceSession]:
    """Return the sessions of a service that are to come; none that is called off."""
    return ServiceSession.objects.filter(service_id=service_id, starts_at__gt=clock.now(), called_off_at=None)


class SoonestFirst(NewestFirst):
    """Pages of what comes next, soonest first."""

    ordering = ("starts_at", "id")  # type: ignore[assignment]


@extend_schema_view(
    get=extend_schema(
        summary="When a workshop or course meets",
        auth=[],
        responses={200: SessionSerializer, **problems(400, 404)},
    )
)
@method_decorator(replica_read, name="get")
class SessionList(PublicView, generics.ListAPIView[ServiceSession]):
    """The sessions of a workshop or course that are to come, with the seats that are left; none that is called off."""

    serializer_class = SessionSerializer
    pagination_class = SoonestFirst
    queryset = ServiceSession.objects.none()

    def get_queryset(self) -> QuerySet[ServiceSession]:
        service_id = self.kwargs["pk"]
        if not sold_services().filter(pk=service_id).exists():
            raise Http404
        return upcoming_sessions(service_id)


@method_decorator(replica_read, name="get")
class SlotList(PublicView):
    """The free slots of a 1-on-1 session, with what is taken and what is over left out."""

    @extend_schema(
        summary="When a 1-on-1 session can be booked",
        auth=[],
        parameters=[SlotFilter],
        responses={200: SlotsSerializer, **problems(400, 404)},
    )
    def get(self, request: Request, pk: int) -> Response:
        params = validate_query_params(request, SlotFilter)
        service = generics.get_object_or_404(sold_services().select_related("practitioner", "venue"), pk=pk)
        if service.type != ServiceType.SESSION:
            raise NoSlots(
                f"{service.name} is not a 1-on-1 session. Ask for /api/v1/services/{pk}/sessions/ instead."
            )
        return Response(show_slots(service, params))


def show_slots(
    service: Service, params: dict[str, Any], *, moving: tuple[int, datetime] | None = None
) -> dict[str, Any]:
    """Return the free slots that SlotFilter asks for, in the times of its zone.

    ``moving`` is the calendar entry and the start of a booking that looks for another time: the entry takes no time,
    and its start is no choice.
    """
    at = clock.now()
    zone = ZoneInfo(params.get("time_zone") or (service.venue or service.practitioner).time_zone)
    entry_id, own_start = moving or (None, None)
    slots = free_slots(
        service,
        first_day=params.get("from") or at.astimezone(zone).date(),
        days=params["days"],
        at=at,
        zone=zone,
        ignored_entry_id=entry_id,
    )
    choices = [slot for slot in slots if slot.starts_at != own_start]
    with timezone.override(zone):
        return SlotsSerializer({"service_id": service.pk, "time_zone": zone.key, "slots": choices}).data
