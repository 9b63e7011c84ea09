"""A person's rights, for themselves: downloading one's data, and deleting one's account."""

from typing import Any, cast

from allauth.account.adapter import get_adapter
from django.http import JsonResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import User
from estuary.accounts.profile.api import limit_by_user
from estuary.accounts.sign_in.reauthentication import require_reauthentication
from estuary.common import clock
from estuary.common.api.openapi import problems
from estuary.privacy.erasure.checks import StaffNotErased
from estuary.privacy.erasure.erase import begin_erasure
from estuary.privacy.export import export_own_data

EXPORTS = "5/h/user,20/d/user"
ERASURES = "10/h/user"


class ErasureRequestSerializer(serializers.Serializer[Any]):
    forfeit_credits = serializers.BooleanField(
        default=False,
        help_text="give up the credits that are left; without it, credits keep the account open",
    )


class ErasureSerializer(serializers.Serializer[Any]):
    requested_at = serializers.DateTimeField(
        help_text="nobody can sign in since; the data goes within the hour"
    )


class OwnDataView(APIView):
    """A file with all that our tables have of you."""

    @extend_schema(
        summary="Download your data",
        description="Needs the password, or a mailed code, once more within the last five minutes.",
        responses={(200, "application/json"): OpenApiTypes.OBJECT, **problems(401, 403, 429)},
    )
    def get(self, request: Request) -> JsonResponse:
        require_reauthentication(request)
        limit_by_user(request, "export", EXPORTS)
        exported = export_own_data(cast(User, request.user))
        response = JsonResponse(exported, json_dumps_params={"indent": 2, "ensure_ascii": False})
        response.headers["Content-Disposition"] = (
            f'attachment; filename="estuary-my-data-{clock.now():%Y-%m-%d}.json"'
        )
        return response


class ErasureView(APIView):
    """The end of your account."""

    @extend_schema(
        summary="Delete your account",
        description="Needs the password, or a mailed code, once more within the last five minutes. What is under way, "
        "such as a booking to come, has to end first: the answer says what.",
        request=ErasureRequestSerializer,
        responses={202: ErasureSerializer, **problems(400, 401, 403, 409, 413, 415, 429)},
    )
    def post(self, request: Request) -> Response:
        require_reauthentication(request)
        user = cast(User, request.user)
        body = ErasureRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        limit_by_user(request, "erase", ERASURES)
        if user.is_staff or user.is_superuser:
            raise StaffNotErased
        erasure = begin_erasure(user, by_person=True, **body.validated_data)
        get_adapter().send_notification_mail("account/email/erasure_requested", user)
        return Response(ErasureSerializer(erasure).data, 202)
