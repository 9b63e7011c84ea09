"""The API of a practitioner's roster: whom they meet, when and where."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.bookings.api import own_practice
from estuary.bookings.roster.days import RosterFilter, chosen_range
from estuary.bookings.roster.meetings import Payment, RosterEntry, roster, with_visits
from estuary.catalog.api import VenueSerializer
from estuary.common import clock
from estuary.common.api.openapi import problems
from estuary.common.api.query_params import validate_query_params


class GuestSerializer(serializers.Serializer[Any]):
    booking_id = serializers.CharField(source="booking.pk")
    name = serializers.CharField()
    payment = serializers.ChoiceField(
        choices=Payment.choices,
        help_text="how the guest's order stands; credits: no card was charged",
    )
    disputed = serializers.BooleanField(help_text="the guest's bank asks for the payment back")
    service_data = serializers.DictField(help_text="what the buyer sent with the order")
    earlier_visits = serializers.IntegerField(
        help_text="how many bookings with the same practitioner began before; 0: this is the first"
    )


class RosterEntrySerializer(serializers.Serializer[RosterEntry]):
    """One meeting: a group session with its seats, or a 1-on-1 slot."""

    service_id = serializers.CharField(allow_null=True)
    service_type = serializers.CharField()
    service_name = serializers.CharField()
    service_session_id = serializers.CharField(allow_null=True)
    start_datetime = serializers.DateTimeField(source="starts_at")
    end_datetime = serializers.DateTimeField(source="ends_at")
    moved_from_datetime = serializers.DateTimeField(
        source="moved_from", allow_null=True, help_text="when it began before it was moved"
    )
    location = serializers.CharField()
    venue = VenueSerializer(allow_null=True)
    join_url = serializers.SerializerMethodField()
    capacity = serializers.IntegerField()
    seats_left = serializers.IntegerField()
    guests = GuestSerializer(many=True)
    called_off = serializers.BooleanField(help_text="it does not take place; its guests are refunded")

    def get_join_url(self, entry: RosterEntry) -> str | None:
        """The link to join online; null once it is called off or over."""
        return entry.link or None if entry.ends_at > clock.now() else None


class RosterSerializer(serializers.Serializer[Any]):
    time_zone = serializers.CharField()
    results = RosterEntrySerializer(many=True)


class Roster(APIView):
    """For practitioners: whom they meet, by name."""

    @extend_schema(
        summary="Whom you meet",
        description="From now for so many ``days``, or from ``first_day`` to ``last_day``, which may be past.",
        parameters=[RosterFilter],
        responses={200: RosterSerializer, **problems(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        params = validate_query_params(request, RosterFilter)
        practitioner = own_practice(request, "a roster")
        begin, end = chosen_range(params, practitioner)
        entries = with_visits(practitioner, roster(practitioner, begin=begin, end=end))
        return Response(RosterSerializer({"time_zone": practitioner.time_zone, "results": entries}).data)
