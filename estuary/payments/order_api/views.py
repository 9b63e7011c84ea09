"""What payments add to the API of orders and bookings: the detail, cancel, refund, and sync with Stripe."""

from typing import Any, cast

from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estuary.accounts.models import User
from estuary.accounts.rights import Right, may
from estuary.bookings.models import Booking
from estuary.common.api.fields import FlagField, IdField, MoneyField, TextField
from estuary.common.api.openapi import problems
from estuary.common.money import to_minor
from estuary.orders.models import Order
from estuary.orders.states import LIVE
from estuary.payments import idempotency
from estuary.payments.checkout.cancel_order import cancel_order
from estuary.payments.checkout.serializers import AmountField
from estuary.payments.errors import NotOwner, StripeBusy, StripeRefused, StripeUnavailable
from estuary.payments.models import DateChangeRow, Refund
from estuary.payments.order_api.serializers import OrderDetailSerializer
from estuary.payments.reconciliation.customers import save_card_of_payment
from estuary.payments.refunds.cancellation import cancel_booking, preview_cancellation
from estuary.payments.refunds.repeats import RefundRepeatGuard, refund_in_again
from estuary.payments.refunds.request_refund import request_refund, send_refund
from estuary.payments.settlement.sync import sync_order
from estuary.payments.throttling import SyncThrottle


class OrderStandingSerializer(serializers.Serializer[Order]):
    order_id = serializers.CharField(source="public_id")
    status = serializers.CharField()


def own_order(request: Request, public_id: str) -> Order:
    """Return the signed-in buyer's order; other orders are not found."""
    return get_object_or_404(
        Order.objects.select_related("user"), public_id=public_id, user=cast(User, request.user)
    )


class OrderDetailView(APIView):
    """One order of yours (or any, for staff who may view orders): poll it with If-None-Match."""

    @extend_schema(
        summary="One order",
        parameters=[
            OpenApiParameter("If-None-Match", location="header", description="the ETag of the last answer")
        ],
        responses={
            200: OrderDetailSerializer,
            304: OpenApiResponse(description="Not modified"),
            **problems(401, 404),
        },
    )
    @method_decorator(conditional_page)
    def get(self, request: Request, order_id: str) -> Response:
        orders = _visible_orders(cast(User, request.user))
        bookings = Prefetch("bookings", Booking.objects.select_related("service__venue", "practitioner"))
        order = get_object_or_404(
            orders.prefetch_related("lines", "transitions", bookings, "refunds", "disputes"),
            public_id=order_id,
        )
        if order.status not in LIVE:  # while it is paid it is polled, and has neither
            date_changes = DateChangeRow.objects.select_related("change__practitioner", "session__service")
            prefetch_related_objects([order], "booking_moves", Prefetch("date_change_rows", date_changes))
        data = OrderDetailSerializer(order, context={"request": request}).data
        return Response(data, headers={"Cache-Control": "private, no-cache"})


def _visible_orders(user: User) -> QuerySet[Order]:
    return Order.objects.all() if may(user, Right.VIEW_ORDERS) else Order.objects.filter(user=user)


class CancelOrderView(APIView):
    """Cancels an unpaid order, first at Stripe; its seats and credits are returned at once."""

    @extend_schema(
        summary="Cancel an unpaid order",
        request=None,
        responses={200: OrderStandingSerializer} | problems(401, 404, 409, 503),
    )
    def post(self, request: Request, public_id: str) -> Response:
        order = cancel_order(user=cast(User, request.user), order=own_order(request, public_id))
        return Response(OrderStandingSerializer(order).data)


class SyncOrderView(APIView):
    """Fetches the payment from Stripe and settles it, for the return page when the webhook is late.

    A card that the payment saved is among the buyer's cards when this answers.
    """

    throttle_classes = [SyncThrottle]

    @extend_schema(
        summary="Settle an order from Stripe's side",
        request=None,
        responses={200: OrderStandingSerializer} | problems(401, 404, 409, 429, 503),
    )
    def post(self, request: Request, public_id: str) -> Response:
        order = own_order(request, public_id)
        if order.status in LIVE:
            sync_order(order)
            order.refresh_from_db()
        save_card_of_payment(order)
        return Response(OrderStandingSerializer(order).data)


class RefundSerializer(serializers.Serializer[Refund]):
    refund_id = serializers.CharField(source="public_id")
    order_id = serializers.CharField(source="order.public_id")
    booking_id = serializers.CharField(allow_null=True)
    status = serializers.CharField()
    amount = MoneyField(source="amount_minor")
    to_card = MoneyField(source="card_minor")
    to_credits = MoneyField(source="credits_minor")
    currency = serializers.CharField()
    origin = serializers.CharField()
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()


class MayRefund(BasePermission):
    """Lets staff read an order's refunds if they may view orders, and refund if they may add refunds."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        reads = request.method in SAFE_METHODS
        return may(request.user, Right.VIEW_ORDERS if reads else Right.REFUND)


class RefundsView(APIView):
    """The refunds of an order, for staff with the same permissions as in the admin."""

    permission_classes = [MayRefund]

    class RefundRequest(serializers.Serializer[Any]):
        """Without ``amount`` everything left is refunded; with ``booking_id`` only that booking's part."""

        amount = AmountField(required=False)
        booking_id = IdField(required=False)
        cancel_booking = FlagField(default=False)
        reason = TextField(required=False, max_length=200, default="")
        again = TextField(
            required=False,
            max_length=32,
            default="",
            help_text="the `refund_id` of a 409 `refunded_just_now`: staff mean to refund the same once more",
        )

    @extend_schema(
        operation_id="orders_refunds_list",
        summary="List the refunds of an order",
        responses={200: RefundSerializer(many=True)} | problems(401, 403, 404),
    )
    def get(self, request: Request, public_id: str) -> Response:
        order = get_object_or_404(Order, public_id=public_id)
        refunds = Refund.objects.filter(order=order).select_related("order")
        return Response([RefundSerializer(refund).data for refund in refunds])

    @extend_schema(
        operation_id="orders_refunds_create",
        summary="Refund an order or a part of it",
        request=RefundRequest,
        parameters=[idempotency.PARAMETER],
        responses={201: RefundSerializer} | problems(400, 401, 403, 404, 409, 413, 415, 422),
    )
    @idempotency.idempotent
    def post(self, request: Request, public_id: str, claim: idempotency.Claim) -> Response:
        order = get_object_or_404(Order, public_id=public_id)
        body = self.RefundRequest(data=request.data)
        body.is_valid(raise_exception=True)
        existing = Refund.objects.filter(request_key=claim.request_key).first() if claim.is_retry else None
        refund = existing or self._request(order, body.validated_data, request, claim)
        return Response(RefundSerializer(try_send_now(refund)).data, status=status.HTTP_201_CREATED)

    @staticmethod
    def _request(order: Order, data: dict[str, Any], request: Request, claim: idempotency.Claim) -> Refund:
        staff, reason, cancels = cast(User, request.user), data["reason"], data["cancel_booking"]
        amount_minor = to_minor(data["amount"], order.currency) if "amount" in data else None
        booking_id = data.get("booking_id")
        booking = get_object_or_404(Booking, pk=booking_id, order=order) if "booking_id" in data else None
        after_id, guard = refund_in_again(order, data["again"]), None
        if amount_minor is not None and not claim.request_key:
            guard = RefundRepeatGuard(staff, amount_minor, booking, cancels, reason, after_id)
        return request_refund(
            order=order,
            amount_minor=amount_minor,
            booking=booking,
            cancels=cancels,
            reason=reason,
            requested_by=staff,
            request_key=claim.request_key,
            guard=guard,
            refuses_called_off=True,
        )


def try_send_now(refund: Refund) -> Refund:
    """Send a refund during the request; if Stripe does not answer, its job sends the refund later."""
    try:
        return send_refund(refund.pk)
    except (StripeUnavailable, StripeBusy, StripeRefused, NotOwner):
        return refund


class CancelBookingView(APIView):
    """Cancels a booking for its buyer; if early enough, its price is refunded by the service's own rule."""

    class CanceledBooking(serializers.Serializer[Any]):
        booking_id = serializers.CharField()
        status = serializers.CharField()
        refund = RefundSerializer(allow_null=True)

    class Consequence(serializers.Serializer[Any]):
        """``returned`` is refunded to the buyer; ``along`` counts bookings without a time that end with this one."""

        returned = MoneyField(source="returned_minor", currency="currency")
        currency = serializers.CharField()
        along = serializers.IntegerField()

    @extend_schema(
        operation_id="bookings_cancel_foresee",
        summary="Ask what cancelling a booking would return, now",
        responses={200: Consequence} | problems(401, 404, 409),
    )
    def get(self, request: Request, pk: int) -> Response:
        booking = self._own_booking(request, pk)
        preview = preview_cancellation(booking)
        body = {
            "returned_minor": preview.returned_minor,
            "currency": booking.order.currency,
            "along": len(preview.breakdown.also_canceled),
        }
        return Response(self.Consequence(body).data)

    class CancelRequest(serializers.Serializer[Any]):
        returned = AmountField(
            required=False,
            help_text="what the buyer was shown: if less would come back by now, nothing is canceled, and the answer "
            "is a 409 `refund_changed`",
        )

    @extend_schema(
        summary="Cancel a booking",
        request=CancelRequest,
        responses={200: CanceledBooking} | problems(400, 401, 404, 409, 413, 415),
    )
    def post(self, request: Request, pk: int) -> Response:
        booking = self._own_booking(request, pk)
        cancellation = self.CancelRequest(data=request.data)
        cancellation.is_valid(raise_exception=True)
        shown = cancellation.validated_data.get("returned")
        shown_minor = to_minor(shown, booking.order.currency) if shown else 0
        refund = cancel_booking(booking=booking, by=cast(User, request.user), shown_minor=shown_minor)
        sent = try_send_now(refund) if refund else None
        booking.refresh_from_db()
        body = {
            "booking_id": str(booking.pk),
            "status": booking.status,
            "refund": RefundSerializer(sent).data if sent else None,
        }
        return Response(body)

    @staticmethod
    def _own_booking(request: Request, pk: int) -> Booking:
        own_bookings = Booking.objects.select_related("order").filter(user=cast(User, request.user))
        return get_object_or_404(own_bookings, pk=pk)
