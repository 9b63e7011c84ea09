"""The API of a buyer's credits: balances and their history."""

from typing import Any, cast

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import User
from estuary.common.api.fields import MoneyField
from estuary.common.api.openapi import problems
from estuary.common.api.pagination import NewestFirst
from estuary.credits.models import CreditAccount, CreditTransaction


class CreditTransactionSerializer(serializers.ModelSerializer[CreditTransaction]):
    """One movement; ``amount`` is signed, negative when credits went away."""

    id = serializers.CharField(source="pk")
    amount = MoneyField(source="amount_minor", currency="account.currency")
    balance_after = MoneyField(source="balance_after_minor", currency="account.currency")
    currency = serializers.CharField(source="account.currency")
    order_id = serializers.CharField(source="order.public_id", allow_null=True, default=None)
    order_title = serializers.CharField(source="order.title", allow_null=True, default=None)

    class Meta:
        model = CreditTransaction
        fields = [
            "id",
            "kind",
            "amount",
            "balance_after",
            "currency",
            "order_id",
            "order_title",
            "note",
            "created_at",
        ]


class BalanceSerializer(serializers.ModelSerializer[CreditAccount]):
    balance = MoneyField(source="balance_minor")
    frozen = MoneyField(source="frozen_minor")
    spendable = MoneyField(source="spendable_minor")

    class Meta:
        model = CreditAccount
        fields = ["currency", "balance", "frozen", "spendable"]


class CreditsSerializer(serializers.Serializer[Any]):
    """``balance`` is in ``currency``, the house's; ``balances`` has every currency; ``results`` is the history.

    ``frozen`` is the part of it whose payment is disputed; ``spendable`` is what can be paid with now.
    """

    balance = serializers.CharField()
    frozen = serializers.CharField()
    spendable = serializers.CharField()
    currency = serializers.CharField()
    balances = BalanceSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = CreditTransactionSerializer(many=True)


PAGE_SIZE = {"type": "integer", **NewestFirst.bounds()}


class Credits(APIView):
    """Your balance and its history, newest first; a negative balance is credits spent whose purchase was refunded."""

    @extend_schema(
        summary="Your credits",
        parameters=[OpenApiParameter("cursor", str), OpenApiParameter("page_size", PAGE_SIZE)],
        responses={200: CreditsSerializer, **problems(400, 401, 404)},
    )
    def get(self, request: Request) -> Response:
        accounts = list(CreditAccount.objects.filter(user=cast(User, request.user)).order_by("currency"))
        by_currency = {account.currency: account for account in accounts}
        default_account = by_currency.get(settings.CURRENCY) or CreditAccount(currency=settings.CURRENCY)
        history = CreditTransaction.objects.filter(account__in=accounts).select_related("account", "order")
        pages = NewestFirst()
        page = pages.paginate_queryset(history, request, view=self) or []
        return Response(
            {
                **BalanceSerializer(default_account).data,
                "balances": BalanceSerializer(accounts, many=True).data,
                "next": pages.get_next_link(),
                "previous": pages.get_previous_link(),
                "results": CreditTransactionSerializer(page, many=True).data,
            }
        )
