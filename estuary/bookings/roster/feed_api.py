"""The API of a practitioner's calendar feed: its address is made, renewed and stopped; and the feed itself."""

from typing import Any

from allauth.core.internal import ratelimit
from django.http import HttpResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.profile.api import limit_by_user
from estuary.bookings.api import own_practice
from estuary.bookings.models import RosterFeed
from estuary.bookings.roster.feeds import find_practitioner, read_feed, renew_feed, stop_feed
from estuary.common import clock
from estuary.common.api.openapi import problems
from estuary.common.errors import NotFound, TooManyRequests
from estuary.notifications.calendar_feed import write_feed

NEW_ADDRESSES = "10/h/user,30/d/user"
# Many calendars are read from one address of a large provider, and a stranger can't guess a token.
READS_BY_ADDRESS, READS_BY_FEED = "600/m/ip", "60/h/key"
WAIT_S = 3600
NO_FEED = "There is no calendar under this address. Its owner can make a new one on the roster's page."
# A copy that is kept must not outlive the address.
HEADERS = {
    "Cache-Control": "private, no-cache",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}


class FeedSerializer(serializers.Serializer[Any]):
    """``url`` is shown when it is made, and never again: only its hash is stored."""

    active = serializers.BooleanField()
    created_at = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField(allow_null=True)


class FeedView(APIView):
    """The secret address of your calendar feed."""

    @extend_schema(
        summary="Whether you have a calendar feed",
        responses={200: FeedSerializer, **problems(401, 403)},
    )
    def get(self, request: Request) -> Response:
        feed = RosterFeed.objects.filter(practitioner=own_practice(request, "a calendar feed")).first()
        return Response(_as_json(feed))

    @extend_schema(
        summary="Make a new address for your calendar feed",
        description="The address before it, if there is one, ends at once.",
        request=None,
        responses={201: FeedSerializer, **problems(401, 403, 429)},
    )
    def post(self, request: Request) -> Response:
        practitioner = own_practice(request, "a calendar feed")
        limit_by_user(request, "renew_feed", NEW_ADDRESSES)
        feed, token = renew_feed(practitioner)
        url = request.build_absolute_uri(reverse("roster-calendar", args=[token]))
        return Response(_as_json(feed, url), status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Stop your calendar feed",
        responses={204: None, **problems(401, 403)},
    )
    def delete(self, request: Request) -> Response:
        stop_feed(own_practice(request, "a calendar feed"))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _as_json(feed: RosterFeed | None, url: str | None = None) -> dict[str, Any]:
    created_at = feed.created_at if feed else None
    return dict(FeedSerializer({"active": feed is not None, "created_at": created_at, "url": url}).data)


class CalendarView(APIView):
    """The feed itself, for calendar programs: whoever has the address reads it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        """Answer whatever is accepted: calendar programs send all kinds of headers."""
        return JSONRenderer(), "application/json"

    @extend_schema(
        summary="A practitioner's calendar",
        description="From thirty days ago to a year ahead. An address that ended is as one that never was.",
        auth=[],
        parameters=[
            OpenApiParameter("If-None-Match", location="header", description="the ETag of the last answer")
        ],
        responses={
            (200, "text/calendar"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="Not modified"),
            **problems(404, 429),
        },
    )
    def get(self, request: Request, token: str) -> HttpResponse:
        _limit(request, "read_feeds", READS_BY_ADDRESS)
        practitioner = find_practitioner(token)
        if practitioner is None:
            raise NotFound(NO_FEED)
        _limit(request, "read_feed", READS_BY_FEED, key=str(practitioner.pk))
        feed = read_feed(practitioner)
        response = get_conditional_response(request._request, feed.etag)
        if response is None:
            content = write_feed(feed, written_at=clock.now())
            response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
            response["Content-Disposition"] = 'inline; filename="roster.ics"'
        for name, value in {**HEADERS, "ETag": feed.etag}.items():
            response[name] = value
        return response


def _limit(request: Request, action: str, rate: str, key: str | None = None) -> None:
    """Count a read; raises TooManyRequests."""
    if not ratelimit.consume(
        request._request, app="estuary.roster", action=action, config={action: rate}, key=key, limit_get=True
    ):
        raise TooManyRequests(
            "This calendar was read often. Have your program ask once an hour at most.", retry_after_s=WAIT_S
        )
