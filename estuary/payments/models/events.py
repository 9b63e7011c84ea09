"""The inbox of Stripe's events: each row is a job."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from estuary.common.db.json import FastDecoder
from estuary.common.postgresql.id_parts import end_index

# The payment that an event's object names (a charge, a refund, a paid session), or else the object itself.
OBJECT_ID = KT("payload__data__object__id")
CARD_LAST4 = KT("payload__data__object__payment_method_details__card__last4")
IS_CHARGE = Q(type="charge.succeeded")
SUBJECT = Coalesce(KT("payload__data__object__payment_intent"), KT("payload__data__object__id"))


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
    due_at = models.DateTimeField(help_text="When it may be claimed. A claim adds the lease.")
    created_at = models.DateTimeField(help_text="When Stripe created it.")
    received_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=200, blank=True)
    error = models.CharField(max_length=500, blank=True)
    attempt_started_at = models.DateTimeField(null=True, blank=True, help_text="Empty once it has ended.")
    alerted_at = models.DateTimeField(null=True, blank=True, help_text="When staff were alerted of it.")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(status="pending"), name="webhook_event_due"),
            models.Index(fields=["type", "-id"], name="webhook_event_by_type"),
            models.Index(fields=["id"], condition=Q(status="dead"), name="webhook_event_dead"),
            # Events of one age lie together in the table, so this index has few pages for any number of events.
            BrinIndex(fields=["received_at"], autosummarize=True, name="webhook_event_by_age"),
            # For the page of an order.
            models.Index(SUBJECT, name="webhook_event_by_subject"),
            # Staff have the last digits of the card that was charged, or the end of the charge's id.
            models.Index(CARD_LAST4, F("id").desc(), condition=IS_CHARGE, name="webhook_event_by_last4"),
            end_index(OBJECT_ID, "webhook_event_charge", condition=IS_CHARGE),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.stripe_event_id}"


# A condition on an order ``o`` that was paid, at the moment ``at``: no event reports its payment. It uses
# webhook_event_by_subject. Thin events have no object: those of the last days are read once for all orders, which takes
# one comparison in each part (an OR would read them again for each order).
NO_EVENT_REPORTS_PAYMENT = """
    o.captured_minor > 0 AND o.stripe_payment_intent_id > ''
    AND NOT EXISTS (
        SELECT FROM payments_webhookevent e
        WHERE coalesce(e.payload #>> '{data,object,payment_intent}', e.payload #>> '{data,object,id}')
              = o.stripe_payment_intent_id
          AND e.type IN ('payment_intent.succeeded', 'checkout.session.completed',
                         'checkout.session.async_payment_succeeded'))
    AND NOT EXISTS (
        SELECT FROM payments_webhookevent e
        WHERE e.type = 'v1.payment_intent.succeeded' AND e.received_at > %(at)s - interval '8 days'
          AND e.payload #>> '{related_object,id}' = o.stripe_payment_intent_id)
    AND NOT EXISTS (
        SELECT FROM payments_webhookevent e
        WHERE e.type IN ('v1.checkout.session.completed', 'v1.checkout.session.async_payment_succeeded')
          AND e.received_at > %(at)s - interval '8 days'
          AND e.payload #>> '{related_object,id}' = o.stripe_checkout_session_id)"""
