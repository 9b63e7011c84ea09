"""Which ids there are, and how rows are found by one, by its beginning or by its end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import Combinable

from estuary.common.postgresql.id_parts import begins_with, ends_with
from estuary.orders.models import Order
from estuary.payments.models import Dispute, FraudNotice, PaymentMethod, Refund, StripeCustomer, WebhookEvent
from estuary.payments.models.events import IS_CHARGE, OBJECT_ID

# Characters of an id, besides its prefix, that a search needs.
MIN_PART = 4


@dataclass(frozen=True, slots=True)
class IdKind:
    """Ids that begin with one of ``prefixes``, and the rows that have them, found by index."""

    prefixes: tuple[str, ...]
    rows: Callable[[], QuerySet[Any]]
    field: str | Combinable
    has_parts: bool = True

    def find(self, term: str) -> QuerySet[Any] | None:
        """Return the rows with an id that is, begins with or ends with the term; None if the term can be none."""
        prefix = next((prefix for prefix in self.prefixes if term.lower().startswith(prefix)), "")
        if not self.has_parts:
            return self.rows().filter(**{str(self.field): term}) if prefix else None
        if prefix:
            is_long = len(term) >= len(prefix) + MIN_PART
            return begins_with(self.rows(), self.field, term) if is_long else None
        return ends_with(self.rows(), self.field, term) if is_end_of_id(term) else None


def is_end_of_id(term: str) -> bool:
    """Whether a term may be the end of an id: letters and digits, and neither a name nor a number."""
    is_word = term.isascii() and term.isalnum() and len(term) >= MIN_PART
    return is_word and any(sign.isdigit() for sign in term) and not term.isdigit()


def _with_id(model: type[Any], field: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = model._default_manager.filter(**{f"{field}__gt": ""})
    return rows


def _kind(prefixes: Sequence[str], model: type[Any], field: str, *, has_parts: bool = True) -> IdKind:
    return IdKind(tuple(prefixes), partial(_with_id, model, field), field, has_parts)


# Our own ids are in our mails and pages, and are given whole.
ORDERS = _kind(["ord_"], Order, "public_id", has_parts=False)
INTENTS = _kind(["pi_"], Order, "stripe_payment_intent_id")
CHECKOUT_SESSIONS = _kind(["cs_"], Order, "stripe_checkout_session_id")
REFUNDS = _kind(["ref_"], Refund, "public_id", has_parts=False)
STRIPE_REFUNDS = _kind(["re_", "pyr_"], Refund, "stripe_refund_id")
DISPUTES = IdKind(("du_", "dp_"), Dispute.objects.all, "stripe_dispute_id")
# Rare, and there is an alert with the id for each.
FRAUD_NOTICES = _kind(["issfr_", "prv_"], FraudNotice, "stripe_notice_id", has_parts=False)
CUSTOMERS = _kind(["cus_"], StripeCustomer, "stripe_customer_id")
CARDS = IdKind(("pm_", "card_"), PaymentMethod.objects.all, "stripe_payment_method_id")
CHARGES = IdKind(("ch_", "py_"), partial(WebhookEvent.objects.filter, IS_CHARGE), OBJECT_ID)
# The table that is written most has no indexes for parts.
EVENTS = _kind(["evt_"], WebhookEvent, "stripe_event_id", has_parts=False)
