"""The list of a buyer's orders; their detail, which shows refunds and disputes, is in payments."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import generics, serializers

from estuary.accounts.models import User
from estuary.common.api.fields import MoneyField
from estuary.common.api.openapi import problems
from estuary.common.api.pagination import NewestFirst
from estuary.common.api.query_params import validate_query_params
from estuary.orders.models import Order
from estuary.orders.states import Status


class OrderedServiceSerializer(serializers.Serializer[Order]):
    """The service as it was when it was ordered; ``id`` is null once it was deleted."""

    id = serializers.CharField(source="service_id", allow_null=True)
    type = serializers.CharField(source="snapshot.type")
    name = serializers.CharField(source="snapshot.name")
    practitioner = serializers.CharField(source="snapshot.practitioner")


class FailureSerializer(serializers.Serializer[Order]):
    code = serializers.CharField(source="failure_code")
    decline_code = serializers.CharField()
    message = serializers.CharField(source="failure_message")


class OrderSerializer(serializers.ModelSerializer[Order]):
    """All amounts are decimal strings of ``currency``; ``amount`` is the total, ``amount_due`` the card's share."""

    order_id = serializers.CharField(source="public_id")
    title = serializers.CharField()
    service = serializers.SerializerMethodField()
    amount = MoneyField(source="total_minor")
    credits_applied = MoneyField(source="credits_applied_minor")
    amount_due = MoneyField(source="amount_due_minor")
    credit_amount = MoneyField(source="credit_amount_minor")
    refunded = MoneyField(source="refunded_minor")
    failure = serializers.SerializerMethodField()

    class Meta:
        model = Order
        fields = [
            "order_id",
            "type",
            "status",
            "title",
            "service",
            "amount",
            "credits_applied",
            "amount_due",
            "currency",
            "credit_amount",
            "refunded",
            "payment_type",
            "failure",
            "cancel_reason",
            "disputed",
            "expires_at",
            "kept_until",
            "created_at",
            "completed_at",
        ]

    @extend_schema_field(OrderedServiceSerializer(allow_null=True))
    def get_service(self, order: Order) -> Any:
        return OrderedServiceSerializer(order).data if "service_id" in order.snapshot else None

    @extend_schema_field(FailureSerializer(allow_null=True))
    def get_failure(self, order: Order) -> Any:
        return FailureSerializer(order).data if order.failure_code or order.failure_message else None


class OrderFilter(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Status.choices, required=False)


@extend_schema_view(
    get=extend_schema(
        summary="Your orders",
        parameters=[OrderFilter],
        responses={200: OrderSerializer, **problems(400, 401, 404)},
    )
)
class OrderList(generics.ListAPIView[Order]):
    """Your own orders, newest first."""

    serializer_class = OrderSerializer
    pagination_class = NewestFirst
    queryset = Order.objects.none()

    def get_queryset(self) -> QuerySet[Order]:
        params = validate_query_params(self.request, OrderFilter)
        return Order.objects.filter(user=cast(User, self.request.user), **params)
