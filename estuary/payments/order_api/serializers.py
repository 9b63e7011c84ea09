"""The detail of an order: its lines, timeline and bookings, and what payments know of it, refunds and disputes."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from estuary.accounts.rights import Right, may
from estuary.bookings.models import Booking, BookingMove
from estuary.catalog.api import VenueSerializer
from estuary.common.api.fields import MoneyField
from estuary.common.money import to_decimal
from estuary.orders.api import OrderSerializer
from estuary.orders.models import Order, OrderLine, OrderTransition
from estuary.orders.states import LIVE, Status
from estuary.payments.checkout.serializers import SchedulingSerializer
from estuary.payments.mailing.date_changes import describe_line
from estuary.payments.models import DateChange, Dispute
from estuary.payments.refunds.request_refund import refundable_minor


class LineSerializer(serializers.ModelSerializer[OrderLine]):
    service_id = serializers.CharField(allow_null=True)
    service_session_id = serializers.CharField(source="session_id", allow_null=True)
    amount = MoneyField(source="amount_minor", currency="order.currency")
    start_datetime = serializers.DateTimeField(source="starts_at", allow_null=True)
    end_datetime = serializers.DateTimeField(source="ends_at", allow_null=True)
    wished_start_datetime = serializers.DateTimeField(
        source="requested_starts_at",
        allow_null=True,
        help_text="chosen and not held: taken when the order is paid, if it is free then (start_datetime tells)",
    )
    wished_service_session_id = serializers.CharField(source="requested_session_id", allow_null=True)

    class Meta:
        model = OrderLine
        fields = [
            "position",
            "service_id",
            "service_type",
            "service_name",
            "service_session_id",
            "amount",
            "start_datetime",
            "end_datetime",
            "wished_start_datetime",
            "wished_service_session_id",
        ]


class TransitionSerializer(serializers.ModelSerializer[OrderTransition]):
    cause = serializers.SerializerMethodField(help_text="for staff only; empty for the buyer")

    class Meta:
        model = OrderTransition
        fields = ["before", "after", "at", "cause"]

    def get_cause(self, transition: OrderTransition) -> str:
        may_view = may(self.context["request"].user, Right.VIEW_ORDERS)
        return transition.cause if may_view else ""


class OrderBookingSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="pk")
    parent_id = serializers.CharField(allow_null=True)
    service_type = serializers.CharField()
    service_name = serializers.CharField()
    location = serializers.CharField(source="service.location", default="")
    venue = VenueSerializer(source="service.venue", default=None, allow_null=True)
    status = serializers.CharField()
    start_datetime = serializers.DateTimeField(source="starts_at", allow_null=True)
    end_datetime = serializers.DateTimeField(source="ends_at", allow_null=True)
    needs_scheduling = serializers.BooleanField()
    missed_start_datetime = serializers.DateTimeField(
        source="missed_starts_at",
        allow_null=True,
        help_text="chosen when it was ordered, and not free any more when it was paid: choose another time",
    )
    valid_until = serializers.DateTimeField(allow_null=True)
    canceled_at = serializers.DateTimeField(allow_null=True)
    price_kept = serializers.BooleanField(
        help_text="canceled too late, or by staff without a refund: nothing came back"
    )


class OrderMoveSerializer(serializers.Serializer[Any]):
    """A booking that was moved to another time, by its buyer or by staff."""

    booking_id = serializers.CharField()
    by_buyer = serializers.SerializerMethodField()
    from_datetime = serializers.DateTimeField(source="from_starts_at")
    to_datetime = serializers.DateTimeField(source="to_starts_at")
    at = serializers.DateTimeField(source="moved_at")

    def get_by_buyer(self, move: BookingMove) -> bool:
        return move.by_id == move.order.user_id


class OrderDateChangeSerializer(serializers.Serializer[Any]):
    """A date of the order that its practitioner or staff called off or moved, with their words to the guests."""

    kind = serializers.ChoiceField(source="change.kind", choices=DateChange.Kind.values)
    line = serializers.CharField()
    practitioner = serializers.CharField(source="change.practitioner.display_name")
    message = serializers.CharField(source="change.message")
    at = serializers.DateTimeField(source="change.created_at")


class OrderRefundSerializer(serializers.Serializer[Any]):
    refund_id = serializers.CharField(source="public_id")
    status = serializers.CharField()
    amount = MoneyField(source="amount_minor")
    to_card = MoneyField(source="card_minor")
    to_credits = MoneyField(source="credits_minor")
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)


class OrderDisputeSerializer(serializers.Serializer[Dispute]):
    """``status`` is ``open``, ``won``, ``lost`` or ``closed`` (an inquiry that took nothing)."""

    status = serializers.ChoiceField(source="public_status", choices=["open", "won", "lost", "closed"])
    amount = MoneyField(source="amount_minor")
    currency = serializers.CharField()
    reason = serializers.CharField(help_text="as Stripe names it, such as product_not_received")
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


def price_kept(order: Order, bookings: Sequence[Booking]) -> set[int]:
    """Return the bookings that were canceled and of whose price nothing comes back.

    A refund of a package is one of its parts too, and the other way round. What a bank decides is no kept price.
    """
    if order.disputes.all() or order.status == Status.REFUNDED:
        return set()
    refunded = {refund.booking_id for refund in order.refunds.all()}

    def comes_back(booking: Booking) -> bool:
        parts = {part.pk for part in bookings if part.parent_id == booking.pk}
        with_others = refunded & {None, booking.parent_id, *parts} and not booking.forfeited
        return booking.pk in refunded or bool(with_others)

    canceled = (one for one in bookings if one.status == Booking.Status.CANCELED and one.amount_minor)
    return {booking.pk for booking in canceled if not comes_back(booking)}


class OrderDetailSerializer(OrderSerializer):
    service_data = serializers.DictField(
        help_text="what the buyer sent with the order, for whoever delivers it"
    )
    scheduling_data = serializers.SerializerMethodField(
        help_text="the times that the buyer asked for, as the order took them"
    )
    refundable = serializers.SerializerMethodField()
    lines = LineSerializer(many=True)
    timeline = TransitionSerializer(source="transitions", many=True)
    bookings = serializers.SerializerMethodField()
    refunds = serializers.SerializerMethodField()
    dispute = serializers.SerializerMethodField()
    moves = serializers.SerializerMethodField()
    date_changes = serializers.SerializerMethodField()

    class Meta(OrderSerializer.Meta):
        fields = [
            *OrderSerializer.Meta.fields,
            "service_data",
            "scheduling_data",
            "refundable",
            "lines",
            "timeline",
            "bookings",
            "refunds",
            "dispute",
            "moves",
            "date_changes",
        ]

    @extend_schema_field(SchedulingSerializer)
    def get_scheduling_data(self, order: Order) -> Any:
        return order.scheduling_data

    @extend_schema_field({"type": "string", "format": "decimal", "example": "100.50"})
    def get_refundable(self, order: Order) -> str:
        return to_decimal(max(refundable_minor(order), 0), order.currency)

    @extend_schema_field(OrderBookingSerializer(many=True))
    def get_bookings(self, order: Order) -> Any:
        bookings = sorted(order.bookings.all(), key=lambda booking: booking.position)
        lines = {line.pk: line for line in order.lines.all()}
        kept = price_kept(order, bookings)
        for booking in bookings:
            booking.line = lines.get(booking.line_id or 0)
            booking.price_kept = booking.pk in kept  # type: ignore[attr-defined]
        return OrderBookingSerializer(bookings, many=True).data

    @extend_schema_field(OrderRefundSerializer(many=True))
    def get_refunds(self, order: Order) -> Any:
        refunds = [refund for refund in order.refunds.all() if not refund.is_unmatched]
        return OrderRefundSerializer(refunds, many=True).data

    @extend_schema_field(OrderDisputeSerializer(allow_null=True))
    def get_dispute(self, order: Order) -> Any:
        """Return the most relevant dispute: open before lost before any other, then the newest."""
        weights = {"open": 2, "lost": 1}
        most_relevant = max(
            (dispute for dispute in order.disputes.all() if not dispute.is_unmatched),
            key=lambda dispute: (weights.get(dispute.public_status, 0), dispute.opened_at),
            default=None,
        )
        return OrderDisputeSerializer(most_relevant).data if most_relevant else None

    @extend_schema_field(OrderMoveSerializer(many=True))
    def get_moves(self, order: Order) -> Any:
        moves = [] if order.status in LIVE else order.booking_moves.all()
        return OrderMoveSerializer(moves, many=True).data

    @extend_schema_field(OrderDateChangeSerializer(many=True))
    def get_date_changes(self, order: Order) -> Any:
        """Return each line of each change once: a refund by two tenders has a row for each."""
        changed = [] if order.status in LIVE else order.date_change_rows.all()
        rows = {(row.change_id, row.line): row for row in changed}
        for row in rows.values():
            row.line = describe_line(row, order, list(order.bookings.all()))
        return OrderDateChangeSerializer(rows.values(), many=True).data
