"""What we store of Stripe: customers, payment methods, refunds, disputes, the inbox; and changes of dates."""

from estuary.payments.models.consents import Consent
from estuary.payments.models.customers import PaymentMethod, SetupIntent, StripeCustomer
from estuary.payments.models.date_changes import DateChange, DateChangeRow
from estuary.payments.models.disputes import Dispute
from estuary.payments.models.events import WebhookEvent
from estuary.payments.models.fraud import FraudNotice
from estuary.payments.models.guest_messages import GuestMessage
from estuary.payments.models.idempotency import IdempotencyKey
from estuary.payments.models.mails import SentMail
from estuary.payments.models.notices import HourlyAlert, Refusal
from estuary.payments.models.rate_limits import Decline, Hold, RateLimitCounter
from estuary.payments.models.reconciliation import Orphan, SyncCursor
from estuary.payments.models.refunds import Refund
from estuary.payments.models.stripe_account import StripeAccount

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
