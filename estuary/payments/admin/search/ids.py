"""Which ids there are, and how rows are found by one, by its beginning or by its end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable

from estuary.common.postgresql.id_parts import by_beginning, by_end
from estuary.orders.models import HAS_INTENT, Order
from estuary.payments.models import Dispute, FraudNotice, PaymentMethod, Refund, StripeCustomer, WebhookEvent
from estuary.payments.models.events import IS_CHARGE, OBJECT_ID

# Characters of an id, besides its prefix, that a search needs.
MIN_PART = 4


@dataclass(frozen=True, slots=True)
class IdKind:
    """Ids that begin with one of ``prefixes``, and the rows that have them, found by index.

    ``begins`` and ``ends`` say by which part there is an index; without either, an id is found whole.
    """

    prefixes: tuple[str, ...]
    rows: Callable[[], QuerySet[Any]]
    field: str | Combinable
    begins: bool = True
    ends: bool = True

    def find(self, term: str) -> QuerySet[Any] | None:
        """Return the rows with an id that is, begins with or ends with the term; None if the term can be none.

        A part is found with or without the prefix. Where there is an index of ends, a whole id is found in any case.
        """
        prefix = next((prefix for prefix in self.prefixes if term.lower().startswith(prefix)), "")
        if not (self.begins or self.ends):
            return self.rows().filter(**{str(self.field): term}) if prefix else None
        is_long = len(term) >= len(prefix) + MIN_PART if prefix else is_part_of_id(term)
        beginnings = [term] if prefix else [first + term for first in self.prefixes]
        return self._find_parts(beginnings, term) if is_long else None

    def _find_parts(self, beginnings: Sequence[str], end: str) -> QuerySet[Any]:
        rows, condition = self.rows(), Q()
        if self.begins:
            condition |= by_beginning(str(self.field), beginnings)
        if self.ends:
            rows, ends = by_end(rows, self.field, end)
            condition |= ends
        return rows.filter(condition)


def is_part_of_id(term: str) -> bool:
    """Whether a term may be a part of an id: letters and digits, and neither a number nor written as a name is."""
    is_word = term.isascii() and term.isalnum() and len(term) >= MIN_PART and not term.isdigit()
    is_name = term.isalpha() and term in {term.lower(), term.upper(), term.capitalize()}
    return is_word and not is_name


def _with_id(model: type[Any], field: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = model._default_manager.filter(**{f"{field}__gt": ""})
    return rows


def _kind(prefixes: Sequence[str], model: type[Any], field: str, **indexed: bool) -> IdKind:
    return IdKind(tuple(prefixes), partial(_with_id, model, field), field, **indexed)


WHOLE = {"begins": False, "ends": False}
# Our own ids are in our mails and pages, and are given whole.
ORDERS = _kind(["ord_"], Order, "public_id", **WHOLE)
INTENTS = IdKind(
    ("pi_",),
    partial(Order.objects.filter, HAS_INTENT, stripe_payment_intent_id__gt=""),
    "stripe_payment_intent_id",
)
# A session's end is in no mail and on no page of Stripe's.
CHECKOUT_SESSIONS = _kind(["cs_test_", "cs_live_", "cs_"], Order, "stripe_checkout_session_id", ends=False)
REFUNDS = _kind(["ref_"], Refund, "public_id", **WHOLE)
STRIPE_REFUNDS = _kind(["re_", "pyr_"], Refund, "stripe_refund_id")
DISPUTES = IdKind(("du_", "dp_"), Dispute.objects.all, "stripe_dispute_id")
# Rare, and there is an alert with the id for each.
FRAUD_NOTICES = _kind(["issfr_", "prv_"], FraudNotice, "stripe_notice_id", **WHOLE)
CUSTOMERS = _kind(["cus_"], StripeCustomer, "stripe_customer_id")
CARDS = IdKind(("pm_", "card_"), PaymentMethod.objects.all, "stripe_payment_method_id")
# One index on the table that is written most: of the end, which finds a whole id too.
CHARGES = IdKind(("ch_", "py_"), partial(WebhookEvent.objects.filter, IS_CHARGE), OBJECT_ID, begins=False)
EVENTS = _kind(["evt_"], WebhookEvent, "stripe_event_id", **WHOLE)
