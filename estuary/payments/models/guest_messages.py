"""What practitioners write to their guests. Each guest's mail has a row of its own, a ``SentMail``."""

from django.db import models
from django.db.models import Q

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceSession
from estuary.common import clock, ids

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
