"""The API of one's own account: the name, and whom receipts name. allauth's URLs change address and password."""

from collections.abc import Callable
from typing import Any, cast

from allauth.core.internal import ratelimit
from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.contact.names import NAME_MAX, clean_name
from estuary.accounts.contact.postal_addresses import ADDRESS_MAX, clean_address
from estuary.accounts.models import User
from estuary.common.api.fields import TextField
from estuary.common.api.openapi import problems
from estuary.common.errors import TooManyRequests
from estuary.common.validators import check_one_line

CHANGES = "10/m/user,60/d/user"  # each change of a name is copied to Stripe


class AccountSerializer(serializers.ModelSerializer[User]):
    """Your account. ``billing_name`` and ``billing_address`` stand on receipts; without the first, ``name`` does."""

    name = TextField(max_length=NAME_MAX, source="get_full_name")
    email_verified = serializers.SerializerMethodField()
    has_password = serializers.BooleanField(source="has_usable_password", read_only=True)
    billing_name = TextField(max_length=NAME_MAX, allow_blank=True)
    billing_address = TextField(max_length=ADDRESS_MAX, allow_blank=True)

    class Meta:
        model = User
        fields = [
            "email",
            "email_verified",
            "name",
            "has_password",
            "billing_name",
            "billing_address",
            "date_joined",
        ]
        read_only_fields = ["email", "date_joined"]

    def get_email_verified(self, user: User) -> bool:
        return user.emailaddress_set.filter(email__iexact=user.email, verified=True).exists()

    def validate_name(self, name: str) -> str:
        return _checked(clean_name, name)

    def validate_billing_name(self, name: str) -> str:
        _checked(check_one_line, name)
        return name

    def validate_billing_address(self, address: str) -> str:
        return _checked(clean_address, address)

    def update(self, user: User, validated: dict[str, Any]) -> User:
        """Save what has changed, and nothing else of a row that others may be changing."""
        name = validated.pop("get_full_name", user.get_full_name())
        columns = list(validated)
        if name != user.get_full_name():
            user.set_name(name)
            columns += ["first_name", "last_name"]
        for field, value in validated.items():
            setattr(user, field, value)
        user.save(update_fields=columns)
        return user


def _checked[T](check: Callable[[str], T], text: str) -> T:
    """Call one of our validators, and raise its error as the API's."""
    try:
        return check(text)
    except ValidationError as error:
        raise serializers.ValidationError(error.messages, code=error.code) from None


class AccountView(APIView):
    """Your account."""

    @extend_schema(summary="Your account", responses={200: AccountSerializer, **problems(401)})
    def get(self, request: Request) -> Response:
        return Response(AccountSerializer(cast(User, request.user)).data)

    @extend_schema(
        summary="Change your name, and whom receipts name",
        request=AccountSerializer,
        responses={200: AccountSerializer, **problems(400, 401, 413, 415, 429)},
    )
    def patch(self, request: Request) -> Response:
        changed = AccountSerializer(cast(User, request.user), data=request.data, partial=True)
        changed.is_valid(raise_exception=True)
        limit_by_user(request, "change_account", CHANGES)
        changed.save()
        return Response(changed.data)


def limit_by_user(request: Request, action: str, limit: str) -> None:
    """Count a request of a signed-in user; raises TooManyRequests."""
    if not ratelimit.consume(
        request._request, app="estuary.account", action=action, config={action: limit}, user=request.user
    ):
        raise TooManyRequests("That was often for now. Wait an hour, then send it again.", retry_after_s=3600)
