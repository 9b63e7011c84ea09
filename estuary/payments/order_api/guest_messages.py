"""The API with which practitioners write to their guests."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import Practitioner
from estuary.accounts.profile.api import limit_by_user
from estuary.bookings.api import own_practice
from estuary.common.api.fields import FlagField, TextField
from estuary.common.api.openapi import problems
from estuary.payments.guest_messages import (
    Draft,
    Target,
    find_message,
    send_message,
    target_date,
    target_guest,
)
from estuary.payments.idempotency import PARAMETER, Claim, idempotent
from estuary.payments.models import GuestMessage
from estuary.payments.models.mails import TEXT_MAX
from estuary.payments.order_api.date_changes import check_plain_text

MESSAGES = "20/h/user,60/d/user"


class GuestMessageRequestSerializer(serializers.Serializer[Any]):
    """Plain text. Guests reply to the shop, unless ``reply_to_me`` lets them have your e-mail address."""

    text = TextField(max_length=TEXT_MAX, validators=[check_plain_text])
    reply_to_me = FlagField(default=False)


class GuestMessageSerializer(serializers.Serializer[GuestMessage]):
    """A message that was taken: each guest gets a mail of their own within a minute."""

    message_id = serializers.CharField(source="public_id")
    guests = serializers.IntegerField(source="mails.count", help_text="how many are written to")
    reply_to_me = serializers.BooleanField(source="reply_to_practitioner")
    created_at = serializers.DateTimeField()


class WriteToGuestView(APIView):
    """A message to the guest of one booking."""

    @extend_schema(
        summary="Write to a guest",
        request=GuestMessageRequestSerializer,
        parameters=[PARAMETER],
        responses={202: GuestMessageSerializer} | problems(400, 401, 403, 404, 409, 413, 415, 422, 429),
    )
    @idempotent
    def post(self, request: Request, pk: int, claim: Claim) -> Response:
        practitioner = own_practice(request)
        body = GuestMessageRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        message = find_message(practitioner, claim.request_key)
        if message is None:
            target = self._find(practitioner, pk)
            # A refusal is no message.
            limit_by_user(request, "write_to_guests", MESSAGES)
            draft = Draft(
                text=body.validated_data["text"],
                reply_to_practitioner=body.validated_data["reply_to_me"],
                request_key=claim.request_key,
            )
            message = send_message(target, draft)
        return Response(GuestMessageSerializer(message).data, status=status.HTTP_202_ACCEPTED)

    def _find(self, practitioner: Practitioner, pk: int) -> Target:
        return target_guest(practitioner, pk)


class WriteToDateView(WriteToGuestView):
    """A message to all guests of a date, each in a mail of their own."""

    def _find(self, practitioner: Practitioner, pk: int) -> Target:
        return target_date(practitioner, pk)
