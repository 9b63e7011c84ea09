"""What we store of Stripe: customers, payment methods, refunds, disputes, the inbox; and changes of dates."""

from estuary.payments.models.counters import Decline, Hold, HourlyAlert, RateLimitCounter, Refusal
from estuary.payments.models.customers import Consent, PaymentMethod, SetupIntent, StripeCustomer
from estuary.payments.models.date_changes import DateChange, DateChangeRow
from estuary.payments.models.disputes import Dispute, FraudNotice
from estuary.payments.models.events import WebhookEvent
from estuary.payments.models.idempotency import IdempotencyKey
from estuary.payments.models.mails import GuestMessage, SentMail
from estuary.payments.models.refunds import Refund
from estuary.payments.models.stripe_account import Orphan, StripeAccount, SyncCursor

__all__ = [
    "Consent",
    "DateChange",
    "DateChangeRow",
    "Decline",
    "Dispute",
    "FraudNotice",
    "GuestMessage",
    "Hold",
    "HourlyAlert",
    "IdempotencyKey",
    "Orphan",
    "PaymentMethod",
    "RateLimitCounter",
    "Refund",
    "Refusal",
    "SentMail",
    "SetupIntent",
    "StripeAccount",
    "StripeCustomer",
    "SyncCursor",
    "WebhookEvent",
]
