"""Mails that were sent: to whom, when, and with which result. No text is kept: it is written anew from the rows.

Only what a practitioner wrote in words of their own is stored, as a ``GuestMessage``.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceSession
from estuary.common import clock, ids
from estuary.orders.models import Order

# A copy that staff have sent has the key of the mail, this, and its number.
COPY = "-again-"
TEXT_MAX = 2000


class GuestMessage(models.Model):
    """One message to the guest of a booking, or to all guests of a date."""

    public_id = models.CharField(max_length=32, default=ids.guest_message_id, editable=False)
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="guest_messages")
    booking = models.ForeignKey(
        Booking, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    session = models.ForeignKey(
        ServiceSession, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    text = models.TextField(max_length=TEXT_MAX)
    reply_to_practitioner = models.BooleanField(
        default=False, help_text="The practitioner let the guests have their own address for replies."
    )
    request_key = models.CharField(max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="guest_message_public_id_unique"),
            # A request that is sent again finds what its first run wrote.
            models.UniqueConstraint(
                fields=["request_key"], condition=~Q(request_key=""), name="guest_message_once_per_request"
            ),
            models.CheckConstraint(
                name="guest_message_to_booking_or_date", condition=Q(booking=None) ^ Q(session=None)
            ),
        ]
        indexes = [
            models.Index(
                fields=["booking"], condition=Q(booking__isnull=False), name="guest_message_by_booking"
            ),
            models.Index(
                fields=["session"], condition=Q(session__isnull=False), name="guest_message_by_session"
            ),
            models.Index(fields=["created_at"], name="guest_message_by_age"),
        ]

    def __str__(self) -> str:
        return self.public_id


class SentMail(models.Model):
    """One mail to one person. Its key is what sends it once: a second job with the same key finds it sent.

    Of a mail about one act the key names the act, such as ``move-7-<order>``, so the mail tells of no other.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        FAILED = "failed"
        NOBODY = "nobody", "nobody to write to"
        OBSOLETE = "obsolete", "no use any more"

    key = models.CharField(max_length=80)
    kind = models.CharField(max_length=32)
    order = models.ForeignKey(
        Order, null=True, blank=True, on_delete=models.PROTECT, related_name="mails", db_index=False
    )
    booking = models.ForeignKey(
        Booking, null=True, blank=True, on_delete=models.PROTECT, related_name="mails", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="mails", db_index=False
    )
    message = models.ForeignKey(
        GuestMessage,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="mails",
        db_index=False,
        # A constraint on a large table would block who writes to it while it is made.
        db_constraint=False,
        help_text="What the practitioner wrote, if the mail has it.",
    )
    address = models.CharField(max_length=254, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True, help_text="The time that it tells of.")
    status = models.CharField(max_length=12, choices=Status, default=Status.WAITING)
    error = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Who of staff has sent it again.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["key"], name="mail_key_once")]
        indexes = [
            models.Index(fields=["order"], condition=Q(order__isnull=False), name="mail_by_order"),
            models.Index(fields=["booking"], condition=Q(booking__isnull=False), name="mail_by_booking"),
            models.Index(fields=["user"], condition=Q(user__isnull=False), name="mail_by_user"),
            models.Index(fields=["message"], condition=Q(message__isnull=False), name="mail_by_message"),
            models.Index(fields=["created_at"], name="mail_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.order_id or self.user_id}"

    @property
    def first_key(self) -> str:
        """Return the key of the mail of which this is a copy; its own if it is none."""
        return self.key.partition(COPY)[0]

    @property
    def is_over(self) -> bool:
        return self.status in {self.Status.SENT, self.Status.NOBODY, self.Status.OBSOLETE}
