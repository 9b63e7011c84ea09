"""What we keep of Stripe: customers, cards, refunds, disputes and the inbox of its events."""

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from estuary.bookings.models import Booking
from estuary.common import clock, ids
from estuary.common.db.json import FastDecoder
from estuary.orders.models import Order
from estuary.payments.checkout.holds import Hold  # noqa: F401 (Django looks for models here)
from estuary.payments.models.hourly_alert import HourlyAlert  # noqa: F401
from estuary.payments.models.stripe_account import StripeAccount  # noqa: F401


class StripeCustomer(models.Model):
    """Who a user is at Stripe. The key exists before the call, so that a retry meets the same customer."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="stripe_customer"
    )
    key = models.CharField(max_length=32, unique=True, default=ids.customer_key, editable=False)
    stripe_customer_id = models.CharField(max_length=80, blank=True)
    email = models.EmailField(help_text="as last sent to Stripe, so that a retry sends the same")
    name = models.CharField(max_length=150, blank=True)
    posts = models.PositiveIntegerField(default=0, help_text="counts the POSTs after the first, one key each")
    update_key = models.CharField(
        max_length=80, blank=True, db_default="", help_text="of an update without an answer"
    )
    updated_at = models.DateTimeField(null=True, blank=True, help_text="when Stripe last took an update")
    cards_checked_at = models.DateTimeField(null=True, blank=True, help_text="when compared with Stripe's")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stripe_customer_id"],
                condition=~Q(stripe_customer_id=""),
                name="stripe_customer_unique",
            )
        ]
        indexes = [models.Index(fields=["cards_checked_at"], name="stripe_customer_to_check")]

    def __str__(self) -> str:
        return self.stripe_customer_id or "(not yet at Stripe)"


class PaymentMethod(models.Model):
    """A saved card. A row with ``detached_at`` is a tombstone: what was deleted stays deleted."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payment_methods"
    )
    stripe_payment_method_id = models.CharField(max_length=80, unique=True)
    card_brand = models.CharField(max_length=32)
    last4 = models.CharField(max_length=4)
    exp_month = models.PositiveSmallIntegerField()
    exp_year = models.PositiveSmallIntegerField()
    is_default = models.BooleanField(default=False)
    fingerprint = models.CharField(max_length=64, blank=True)
    added_at = models.DateTimeField(
        help_text="when the card came to be at Stripe; the newest of one fingerprint wins"
    )
    synced_at = models.DateTimeField(help_text="as of when we know it; older news is ignored")
    detached_at = models.DateTimeField(null=True, blank=True)
    detach_pending = models.BooleanField(default=False, help_text="still to be detached at Stripe")
    next_try_at = models.DateTimeField(
        null=True, blank=True, help_text="when the worker tries again to detach it"
    )

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
        ]

    def __str__(self) -> str:
        return f"{self.card_brand} •••• {self.last4}"


class SetupIntent(models.Model):
    """A SetupIntent of ours, by which a card can be saved. Its client secret lets cards be tried until it has ended.

    The row is committed before Stripe is asked, so that one whose answer was lost is found by its key and ended too.
    """

    key = models.CharField(max_length=32, unique=True, default=ids.setup_key, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="setup_intents")
    stripe_setup_intent_id = models.CharField(max_length=80, blank=True)
    stripe_customer_id = models.CharField(max_length=80, help_text="whom Stripe was asked for")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(help_text="when it is canceled at Stripe, unless a card was saved")
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="since when no card can be tried with it"
    )
    next_try_at = models.DateTimeField(
        null=True, blank=True, help_text="when the worker tries again to cancel it"
    )

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


class Refund(models.Model):
    """One refund, whoever started it: its card part goes through Stripe, its credit part back to the balance.

    ``requested`` is committed before Stripe is called, so its key is never lost.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested"
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELED = "canceled"

    class Origin(models.TextChoices):
        STAFF = "staff"
        BUYER = "buyer"
        DASHBOARD = "dashboard"
        AUTOMATIC = "automatic"

    public_id = models.CharField(max_length=32, unique=True, default=ids.refund_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    booking = models.ForeignKey(
        Booking, null=True, blank=True, on_delete=models.PROTECT, related_name="refunds"
    )
    stripe_payment_intent_id = models.CharField(max_length=80, blank=True)
    stripe_refund_id = models.CharField(max_length=80, blank=True)
    currency = models.CharField(max_length=3)
    card_minor = models.PositiveBigIntegerField()
    credits_minor = models.PositiveBigIntegerField()
    status = models.CharField(max_length=12, choices=Status, default=Status.REQUESTED)
    origin = models.CharField(max_length=12, choices=Origin)
    reason = models.CharField(max_length=200, blank=True)
    cancels = models.BooleanField(
        default=False, help_text="also cancels the booking it names, or the whole order"
    )
    stray = models.BooleanField(
        default=False, help_text="returns a second or wrong payment; the order is untouched"
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    failure_reason = models.CharField(max_length=80, blank=True)
    request_key = models.CharField(max_length=64, blank=True, help_text="the request that asked for it")
    attempt = models.PositiveIntegerField(default=1, help_text="counts the idempotency keys used for it")
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="when it was last sent under this key with no outcome known"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    next_try_at = models.DateTimeField(
        null=True, blank=True, help_text="when the worker sends it again, or asks about it again"
    )
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="refund_not_empty", condition=Q(card_minor__gt=0) | Q(credits_minor__gt=0)
            ),
            models.UniqueConstraint(
                fields=["stripe_refund_id"], condition=~Q(stripe_refund_id=""), name="refund_stripe_id_unique"
            ),
            models.UniqueConstraint(
                fields=["request_key"], condition=~Q(request_key=""), name="refund_once_per_request"
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(status="requested"), name="refund_to_send"),
            models.Index(fields=["created_at"], condition=Q(status="pending"), name="refund_at_the_bank"),
            BrinIndex(fields=["settled_at"], autosummarize=True, name="refund_by_day"),
            models.Index(
                fields=["stripe_payment_intent_id"],
                condition=Q(stripe_payment_intent_id__gt=""),
                name="refund_by_intent",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def amount_minor(self) -> int:
        return self.card_minor + self.credits_minor


class Dispute(models.Model):
    """One dispute at Stripe: a buyer's bank asks for a payment back, or has it back. A row beside its order.

    What is frozen or clawed back are credits that the payment had bought; what is lost is the card's money.
    """

    class Status(models.TextChoices):
        WARNING_NEEDS_RESPONSE = "warning_needs_response", "inquiry, to be answered"
        WARNING_UNDER_REVIEW = "warning_under_review", "inquiry, under review"
        NEEDS_RESPONSE = "needs_response", "to be answered"
        UNDER_REVIEW = "under_review", "under review"
        APPEAL_NEEDS_RESPONSE = "appeal_needs_response", "appeal, to be answered"
        APPEAL_UNDER_REVIEW = "appeal_under_review", "appeal, under review"
        WARNING_CLOSED = "warning_closed", "inquiry closed"
        PREVENTED = "prevented"
        WON = "won"
        LOST = "lost"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="disputes")
    stripe_dispute_id = models.CharField(max_length=80, unique=True)
    stripe_charge_id = models.CharField(max_length=80, blank=True)
    stripe_payment_intent_id = models.CharField(max_length=80)
    amount_minor = models.PositiveBigIntegerField(help_text="what the bank asks for")
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=40)
    status = models.CharField(max_length=24, choices=Status)
    due_by = models.DateTimeField(null=True, blank=True, help_text="until when evidence is taken")
    refundable = models.BooleanField(
        default=False, help_text="whether Stripe still refunds the charge, as with an inquiry"
    )
    stray = models.BooleanField(
        default=False, help_text="of a second or wrong payment; the order is untouched"
    )
    frozen_minor = models.PositiveBigIntegerField(
        default=0, help_text="credits that can't be spent meanwhile"
    )
    clawed_minor = models.PositiveBigIntegerField(default=0, help_text="credits taken back, as it was lost")
    lost_minor = models.PositiveBigIntegerField(default=0, help_text="the order's money that is gone with it")
    revision = models.PositiveSmallIntegerField(
        default=0, help_text="counts the changes heard of; names what each of them posts"
    )
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True, help_text="when we heard that it was decided")
    next_ask_at = models.DateTimeField(
        null=True, blank=True, help_text="when the worker asks Stripe about it again"
    )

    class Meta:
        ordering = [F("closed_at").desc(nulls_first=True), "due_by", "id"]
        constraints = [
            models.CheckConstraint(
                name="dispute_freezes_while_open", condition=Q(frozen_minor=0) | Q(closed_at=None)
            ),
            models.CheckConstraint(
                name="dispute_takes_when_lost", condition=Q(clawed_minor=0, lost_minor=0) | Q(status="lost")
            ),
        ]
        indexes = [
            models.Index(fields=["due_by"], condition=Q(closed_at=None), name="dispute_open_by_deadline"),
            models.Index(fields=["stripe_payment_intent_id"], name="dispute_by_payment"),
        ]

    def __str__(self) -> str:
        return self.stripe_dispute_id

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def needs_answer(self) -> bool:
        """Whether the bank waits for evidence."""
        return self.is_open and self.status.endswith("needs_response")

    @property
    def blocks_refunds(self) -> bool:
        """Whether Stripe refuses refunds of the charge: while it is open, unless it only inquires, and once lost."""
        return not self.refundable and (self.is_open or self.status == self.Status.LOST)

    @property
    def standing(self) -> str:
        """What it comes to, in one of the API's words: ``open``, ``won``, ``lost`` or ``closed``."""
        if self.is_open:
            return "open"
        return self.status if self.status in {self.Status.WON, self.Status.LOST} else "closed"


class Lookout(models.Model):
    """How far the worker has looked through a list at Stripe, and what of it, by name, can't be made to agree."""

    name = models.CharField(max_length=32, primary_key=True)
    looked_until = models.DateTimeField()
    looked_at = models.DateTimeField(null=True, blank=True, help_text="the same, whatever failed")
    failing = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))

    def __str__(self) -> str:
        return f"{self.name} until {self.looked_until}"


class Orphan(models.Model):
    """A payment at Stripe that names an order which is not known here or does not ask for it, and what became of it."""

    class Fate(models.TextChoices):
        WAITING = "waiting"  # its bank is at it: looked at again
        RECOVERED = "recovered"  # the order was written down again
        RETURNED = "returned"  # refunded in full: nobody is left to have it
        FOREIGN = "foreign"  # nothing shows that it is ours: staff were told

    stripe_payment_intent_id = models.CharField(max_length=80, unique=True)
    order_ref = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    amount_minor = models.PositiveBigIntegerField(help_text="captured, minor units")
    fate = models.CharField(max_length=12, choices=Fate)
    seen_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(fate="waiting"), name="orphan_waiting")]

    def __str__(self) -> str:
        return f"{self.stripe_payment_intent_id} for {self.order_ref}"


class Attempts(models.Model):
    """How often a user or an address knocked at a door that makes Stripe try cards, and how many were declined."""

    name = models.CharField(max_length=100, primary_key=True, help_text="the door, and who knocks at it")
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField(help_text="when the count begins anew")
    declines = models.PositiveIntegerField(default=0, help_text="in a row")
    forgiven_at = models.DateTimeField(help_text="when the declines are forgotten, unless more come")
    last_decline = models.CharField(max_length=80, blank=True, help_text="as Stripe names it; counted once")
    came_from = models.CharField(max_length=64, blank=True, help_text="where the user last came from")

    class Meta:
        indexes = [models.Index(fields=["ends_at"], name="attempts_by_end")]

    def __str__(self) -> str:
        return f"{self.name}: {self.count}, {self.declines} declined"


class Decline(models.Model):
    """A decline that was counted, by Stripe's name of the try: told by an event and by a look, it counts once."""

    name = models.CharField(max_length=80, primary_key=True)
    counted_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["counted_at"], name="decline_by_age")]

    def __str__(self) -> str:
        return self.name


class IdempotencyKey(models.Model):
    """A request that a client may send again: who sent it, what it said, and what was answered, once it was."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255, help_text="as the client chose it")
    request_key = models.CharField(
        max_length=64, unique=True, help_text="user and key in one; a refund carries it too"
    )
    fingerprint = models.CharField(max_length=64, help_text="of the method, the address and the body")
    leased_until = models.DateTimeField(help_text="until when the request is taken to be under way")
    order = models.ForeignKey(
        Order,
        null=True,
        on_delete=models.CASCADE,
        related_name="idempotency_keys",
        help_text="the order that the request placed, or took up to pay for it; noted before any charge",
    )
    status_code = models.PositiveSmallIntegerField(
        null=True, help_text="of the answer; empty until there is one"
    )
    answer = models.JSONField(null=True, help_text="without client secrets, which are asked of Stripe again")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_by_age")]

    def __str__(self) -> str:
        return self.key


class WebhookEvent(models.Model):
    """One event of Stripe in the inbox. The row is the job: workers lock due rows in batches."""

    class Status(models.TextChoices):
        PENDING = "pending"
        DONE = "done"
        IGNORED = "ignored"
        DEAD = "dead"

    stripe_event_id = models.CharField(max_length=80, unique=True)
    type = models.CharField(max_length=80)
    api_version = models.CharField(max_length=40, blank=True)
    livemode = models.BooleanField()
    payload = models.JSONField(decoder=FastDecoder)
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(help_text="when it may be claimed; a claim moves it forward by a lease")
    created_at = models.DateTimeField(help_text="when Stripe made it")
    received_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=200, blank=True)
    error = models.CharField(max_length=500, blank=True)
    alerted_at = models.DateTimeField(null=True, blank=True, help_text="when staff were told that it fails")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(status="pending"), name="webhook_event_due"),
            models.Index(fields=["type", "-id"], name="webhook_event_by_type"),
            models.Index(fields=["id"], condition=Q(status="dead"), name="webhook_event_dead"),
            # What is old lies together, as it came: a few pages of index for any number of events.
            BrinIndex(fields=["received_at"], autosummarize=True, name="webhook_event_by_age"),
            # The payment that an event speaks of, for the page of an order: an object names it, or is it.
            models.Index(
                Coalesce(KT("payload__data__object__payment_intent"), KT("payload__data__object__id")),
                name="webhook_event_by_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.stripe_event_id}"
