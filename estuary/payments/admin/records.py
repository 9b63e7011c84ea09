"""Refunds, saved cards and customers: looked at here, changed on the page of their order or by their owner."""

from unfold.decorators import display

from estuary.common.staff import ReadOnlyAdmin, at_stripe, link, money, money_column, register
from estuary.payments.models import PaymentMethod, Refund, StripeCustomer


class OwnedAdmin(ReadOnlyAdmin):
    """Rows that belong to one user."""

    list_select_related = ("user",)

    @display(description="Buyer", ordering="user__email")
    def owner(self, row: PaymentMethod | StripeCustomer) -> str:
        return row.user.email


@register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = (
        "public_id",
        "order_link",
        "amount",
        "card",
        "credit_part",
        "status_label",
        "origin",
        "reason",
        "created_at",
    )
    list_filter = ("status", "origin", "stray", "created_at")
    list_select_related = ("order", "booking", "requested_by")
    search_fields = ("public_id__exact", "stripe_refund_id__exact", "order__public_id__exact")
    search_help_text = "Refund (ref_…, re_…) or order (ord_…)"
    ordering = ("-id",)
    fields = (
        ("public_id", "status_label", "origin"),
        ("order_link", "booking_link"),
        ("amount", "card", "credit_part"),
        ("refund_at_stripe", "payment_at_stripe"),
        ("reason", "requested_by"),
        ("cancels", "stray", "failure_reason"),
        ("created_at", "settled_at"),
    )
    readonly_fields = (
        "status_label",
        "order_link",
        "booking_link",
        "amount",
        "card",
        "credit_part",
        "refund_at_stripe",
        "payment_at_stripe",
    )
    card = money_column("card_minor", "To the card")
    credit_part = money_column("credits_minor", "To credits")

    @display(description="Amount")
    def amount(self, refund: Refund) -> str:
        return money(refund.amount_minor, refund.currency)

    @display(description="Order")
    def order_link(self, refund: Refund) -> str:
        return link(refund.order)

    @display(description="Booking")
    def booking_link(self, refund: Refund) -> str:
        return link(refund.booking, refund.booking.service_name if refund.booking else "")

    @display(description="At Stripe")
    def refund_at_stripe(self, refund: Refund) -> str:
        return refund.stripe_refund_id or "–"

    @display(description="Payment")
    def payment_at_stripe(self, refund: Refund) -> str:
        return at_stripe("payments", refund.stripe_payment_intent_id)


@register(PaymentMethod)
class PaymentMethodAdmin(OwnedAdmin):
    list_display = ("__str__", "owner", "expires", "is_default", "is_saved", "stripe_payment_method_id")
    list_filter = ("is_default", "detach_pending", "card_brand")
    search_fields = ("stripe_payment_method_id__exact", "user__email__istartswith")
    search_help_text = "Card (pm_…) or e-mail address"
    ordering = ("-id",)
    exclude = ("fingerprint",)

    @display(description="Expires")
    def expires(self, card: PaymentMethod) -> str:
        return f"{card.exp_month:02}/{card.exp_year}"

    @display(description="Saved", boolean=True)
    def is_saved(self, card: PaymentMethod) -> bool:
        return card.detached_at is None


@register(StripeCustomer)
class StripeCustomerAdmin(OwnedAdmin):
    list_display = ("owner", "customer", "email", "created_at")
    search_fields = ("stripe_customer_id__exact", "user__email__istartswith", "key__exact")
    search_help_text = "Customer (cus_…) or e-mail address"
    ordering = ("-id",)
    fields = (("owner", "customer"), ("email", "name"), ("key", "created_at"))
    readonly_fields = ("owner", "customer")

    @display(description="At Stripe")
    def customer(self, row: StripeCustomer) -> str:
        return at_stripe("customers", row.stripe_customer_id)
