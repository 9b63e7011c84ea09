"""The same purchase once more within ten minutes: a retry whose first answer was lost, or a wish to buy again?

An ``Idempotency-Key`` tells. Without one, where ``create`` itself takes the money (a saved card, credits), the second
request is answered with the order of the first, until ``again`` names that order.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F, Q, Sum

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.api.errors import InvalidRequest, NotFound
from estuary.orders.models import Order, OrderType, PaymentType
from estuary.orders.states import UNPAID, Status
from estuary.payments.errors import BoughtJustNow
from estuary.payments.models import Refund
from estuary.payments.settlement.rules.refunds import OPEN_OR_SUCCEEDED

REPEAT_WINDOW = timedelta(minutes=10)
BOUGHT_STATUSES = (
    Status.COMPLETED,
    Status.PARTIALLY_REFUNDED,
)  # as the index order_by_buyer_completed has it


@dataclass(frozen=True, slots=True)
class RepeatGuard:
    """Keeps one request from buying what its buyer has just bought; ``after_id`` is the order named in ``again``."""

    user: User
    fingerprint: str
    after_id: int = 0

    def refuse_repeat(self) -> None:
        """Raise BoughtJustNow when the same was bought within ten minutes and is not on its way back in full.

        Two tabs at once: asked after the new order's row is inserted, which waits for any other live one of the same
        thing, this sees whatever was bought before.
        """
        for order in Order.objects.filter(user=self.user).filter(self.bought).order_by("-pk"):
            if not _is_fully_refunded(order):
                raise BoughtJustNow(order.public_id, bought_at=order.completed_at or order.created_at)

    @property
    def bought(self) -> Q:
        """Return which orders have just bought the same, or are with their bank, where create took the money."""
        charged_by_create = Q(stripe_payment_method_id__gt="") | Q(credits_applied_minor__gt=0)
        since = clock.now() - REPEAT_WINDOW
        recent = Q(status__in=BOUGHT_STATUSES, completed_at__gt=since) | Q(
            status=Status.PROCESSING, created_at__gt=since
        )
        return recent & charged_by_create & Q(pk__gt=self.after_id, request_fingerprint=self.fingerprint)

    def is_unknown(self, order: Order) -> bool:
        """Whether an order is not paid as far as we know, and is none that the buyer knows of."""
        return order.status in UNPAID and order.pk > self.after_id

    def find_unknown(self) -> Order | None:
        """Return the same purchase when it is under way and not paid as far as we know."""
        same_purchase = Order.objects.filter(
            user=self.user, request_fingerprint=self.fingerprint, pk__gt=self.after_id
        )
        return same_purchase.filter(status__in=sorted(UNPAID)).first()


def _is_fully_refunded(order: Order) -> bool:
    """Whether all that was paid is refunded or on its way: 85.00 paid, 50.00 succeeded and 35.00 pending."""
    refunds = Refund.objects.filter(order=order, stray=False, status__in=OPEN_OR_SUCCEEDED)
    refunded_minor = refunds.aggregate(minor=Sum(F("card_minor") + F("credits_minor")))["minor"] or 0
    return bool(refunded_minor >= order.total_minor)


def guard_for(data: dict[str, Any], *, user: User, fingerprint: str, keyed: bool) -> RepeatGuard | None:
    """Return what guards a checked request, or None when its key tells, or when the browser takes the money.

    Raises NotFound or InvalidRequest for an ``again`` that names no order of this buyer's for the same thing.
    """
    repeated_order = _order_in_again(data, user)
    by_card = bool(data.get("payment_method_id")) and data["payment_type"] == PaymentType.INTENT
    if keyed or not (by_card or data["use_credits"]):
        return None
    return RepeatGuard(user, fingerprint, repeated_order.pk if repeated_order else 0)


def _order_in_again(data: dict[str, Any], user: User) -> Order | None:
    again = data.get("again", "")
    if not again:
        return None
    order = Order.objects.filter(user=user, public_id=again).first()
    if order is None:
        raise NotFound(
            "You have no order of that id. Send as again the order_id of what you have just bought."
        )
    if (order.snapshot.get("service_id"), order.type) != _item_of(data):
        raise InvalidRequest(
            "The order in again is of something else. Leave again out, or name an order of the same.",
            errors={"again": ["This order is of something else."]},
        )
    return order


def _item_of(data: dict[str, Any]) -> tuple[int | None, str]:
    if data["is_credit_purchase"]:
        return None, OrderType.CREDIT
    return int(data["service_id"]), OrderType.DIRECT
