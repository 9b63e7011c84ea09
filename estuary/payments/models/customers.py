"""Stripe's customers of users, their saved payment methods, and what buyers agreed to before a card was saved."""

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When

from estuary.common import clock, ids
from estuary.common.postgresql.id_parts import COLUMN_BY_BYTES, begin_index, end_index
from estuary.orders.models import Order

# https://docs.stripe.com/api/payment_methods/object#payment_method_object-card-brand
BRAND_NAMES = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "eftpos Australia",
    "jcb": "JCB",
    "link": "Link",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
    "unknown": "Card",
}
# https://docs.stripe.com/api/payment_methods/object#payment_method_object-type
METHOD_NAMES = {
    "acss_debit": "Pre-authorized debit",
    "au_becs_debit": "BECS direct debit",
    "bacs_debit": "Bacs direct debit",
    "customer_balance": "Bank transfer",
    "ideal": "iDEAL",
    "paypal": "PayPal",
    "sepa_debit": "SEPA direct debit",
    "us_bank_account": "US bank account",
}
BRAND_NAME = Case(
    *(When(brand=brand, then=Value(name)) for brand, name in BRAND_NAMES.items()), default=F("brand")
)


def describe_method(method_type: str, brand: str, last4: str) -> str:
    """Return a payment method as people know it; without a type, what is known of every payment at Stripe."""
    if not method_type:
        return "Card or bank"
    if method_type == "card":
        name = BRAND_NAMES.get(brand, brand.replace("_", " ").title()) or "Card"
    else:
        name = METHOD_NAMES.get(method_type, method_type.replace("_", " ").capitalize())
    return f"{name} •••• {last4}" if last4 else name


class StripeCustomer(models.Model):
    """A user's customer at Stripe. The key is stored before the call, so that a retry finds the same customer."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="stripe_customer"
    )
    key = models.CharField(max_length=32, unique=True, default=ids.customer_key, editable=False)
    stripe_customer_id = models.CharField(max_length=80, blank=True)
    email = models.EmailField(help_text="As last sent to Stripe. A retry sends the same.")
    name = models.CharField(max_length=150, blank=True)
    database_id = models.CharField(
        max_length=32,
        blank=True,
        db_default="",
        db_column="house",
        help_text="As last sent to Stripe: the database that the customer belongs to. Empty: it was never sent.",
    )
    idempotency_sequence = models.PositiveIntegerField(
        default=0, db_column="posts", help_text="Counts the idempotency keys after the first."
    )
    update_key = models.CharField(
        max_length=80, blank=True, db_default="", help_text="Key of an update that Stripe has not answered."
    )
    updated_at = models.DateTimeField(null=True, blank=True, help_text="When Stripe last accepted an update.")
    cards_checked_at = models.DateTimeField(null=True, blank=True, help_text="When compared with Stripe's.")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stripe_customer_id"],
                condition=~Q(stripe_customer_id=""),
                opclasses=[COLUMN_BY_BYTES],
                name="stripe_customer_by_id",
            )
        ]
        indexes = [
            models.Index(fields=["cards_checked_at"], name="stripe_customer_to_check"),
            end_index("stripe_customer_id", "stripe_customer_id"),
        ]

    def __str__(self) -> str:
        return self.stripe_customer_id or "(not yet at Stripe)"


class PaymentMethod(models.Model):
    """A saved card. A row with ``detached_at`` is a tombstone: a deleted card stays deleted."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payment_methods"
    )
    stripe_payment_method_id = models.CharField(max_length=80, unique=True)
    brand = models.CharField(max_length=32, db_column="card_brand", help_text="Stripe's word, such as visa.")
    card_brand = models.GeneratedField(
        expression=BRAND_NAME, output_field=models.CharField(), db_column="card_brand_name", db_persist=False
    )
    last4 = models.CharField(max_length=4)
    exp_month = models.PositiveSmallIntegerField()
    exp_year = models.PositiveSmallIntegerField()
    is_default = models.BooleanField(default=False)
    fingerprint = models.CharField(max_length=64, blank=True)
    added_at = models.DateTimeField(help_text="At Stripe. Of a card that was added twice, the newer stays.")
    synced_at = models.DateTimeField(help_text="When Stripe had it like this. Older events are ignored.")
    detached_at = models.DateTimeField(null=True, blank=True)
    detach_pending = models.BooleanField(default=False, help_text="Still to be detached at Stripe.")
    next_try_at = models.DateTimeField(null=True, blank=True, help_text="When the worker tries again.")

    class Meta:
        ordering = ["-is_default", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(is_default=True), name="payment_method_one_default_per_user"
            ),
            models.CheckConstraint(
                name="payment_method_default_is_attached", condition=Q(is_default=False) | Q(detached_at=None)
            ),
            models.UniqueConstraint(
                fields=["user", "fingerprint"],
                condition=Q(detached_at=None) & ~Q(fingerprint=""),
                name="payment_method_same_card_once",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(detach_pending=True), name="payment_method_to_detach"),
            models.Index(fields=["last4", "-id"], name="payment_method_by_last4"),
            begin_index("stripe_payment_method_id", "payment_method_id"),
            end_index("stripe_payment_method_id", "payment_method_id"),
            models.Index(
                fields=["exp_year", "exp_month"],
                condition=Q(detached_at=None),
                name="payment_method_by_expiry",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.card_brand} •••• {self.last4}"


class SetupIntent(models.Model):
    """A SetupIntent of ours, with which a card can be saved.

    Cards can be tried with its client secret until it has ended. The row is committed before Stripe is called.
    So a SetupIntent whose answer was lost is found by its key and ended.
    """

    key = models.CharField(max_length=32, unique=True, default=ids.setup_key, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="setup_intents")
    stripe_setup_intent_id = models.CharField(max_length=80, blank=True)
    stripe_customer_id = models.CharField(max_length=80, help_text="The customer that was sent to Stripe.")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(help_text="When it is canceled at Stripe, unless a card was saved.")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Since when no card can be tried.")
    next_try_at = models.DateTimeField(null=True, blank=True, help_text="When the worker tries again.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stripe_setup_intent_id"],
                condition=~Q(stripe_setup_intent_id=""),
                name="setup_intent_stripe_id_unique",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(ended_at=None), name="setup_intent_to_end"),
            models.Index(fields=["ended_at"], name="setup_intent_by_end"),
        ]

    def __str__(self) -> str:
        return self.stripe_setup_intent_id or self.key


class Consent(models.Model):
    """A buyer's consent to save a card, given with an order or a SetupIntent; the card is linked once it is saved."""

    class Purpose(models.TextChoices):
        SAVE_CARD = "save_card", "save a card for later purchases"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="consents")
    purpose = models.CharField(max_length=32, choices=Purpose)
    wording_id = models.CharField(max_length=64, help_text="Its id names its version too.")
    text = models.TextField(help_text="The sentence as the buyer saw it.")
    given_at = models.DateTimeField(default=clock.now, editable=False)
    order = models.ForeignKey(
        Order, null=True, blank=True, on_delete=models.PROTECT, related_name="consents", db_index=False
    )
    setup_intent = models.ForeignKey(
        SetupIntent,
        null=True,
        blank=True,
        # The SetupIntent's row is deleted after a while; the consent stays with its card.
        on_delete=models.SET_NULL,
        related_name="consents",
    )
    payment_method = models.ForeignKey(
        PaymentMethod, null=True, blank=True, on_delete=models.PROTECT, related_name="consents"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "wording_id"], name="consent_once_per_order_and_wording"
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "-id"], condition=Q(payment_method=None), name="consent_without_card_by_user"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wording_id} at {self.given_at:%Y-%m-%d %H:%M} UTC"
