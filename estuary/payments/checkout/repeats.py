"""Repeated purchases within ten minutes: a retry whose first answer was lost, or a second purchase?

An ``Idempotency-Key`` tells them apart. Without a key, where ``create`` itself charges (a saved card, credits), the
second request is refused with the first order's id, until ``again`` names that order.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F, Q, Sum

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.errors import InvalidRequest, NotFound
from estuary.orders.models import Order, OrderType, PaymentType
from estuary.orders.states import UNPAID, Status
from estuary.payments.errors import BoughtJustNow
from estuary.payments.models import Refund

REPEAT_WINDOW = timedelta(minutes=10)
# The same as in the index order_by_buyer_completed.
BOUGHT_STATUSES = (Status.COMPLETED, Status.PARTIALLY_REFUNDED)


@dataclass(frozen=True, slots=True)
class RepeatGuard:
    """Refuses a request that buys what its buyer has just bought; ``after_id`` is the order named in ``again``."""

    user: User
    fingerprint: str
    after_id: int = 0

    def refuse_repeat(self) -> None:
        """Raise BoughtJustNow when the same was bought within ten minutes and is not being refunded in full.

        Call it after the new order is inserted: the insert waits for any other live order of the same item, so two
        tabs at once can't both pass.
        """
        for order in Order.objects.filter(user=self.user).filter(self.bought).order_by("-pk"):
            if not _is_fully_refunded(order):
                raise BoughtJustNow(order.public_id, bought_at=order.completed_at or order.created_at)

    @property
    def bought(self) -> Q:
        """Return the condition of orders that just bought the same and were charged by ``create``."""
        charged_by_create = Q(stripe_payment_method_id__gt="") | Q(credits_applied_minor__gt=0)
        since = clock.now() - REPEAT_WINDOW
        recent = Q(status__in=BOUGHT_STATUSES, completed_at__gt=since) | Q(
            status=Status.PROCESSING, created_at__gt=since
        )
        return recent & charged_by_create & Q(pk__gt=self.after_id, request_fingerprint=self.fingerprint)

    def is_unknown(self, order: Order) -> bool:
        """Return whether the order is unpaid as far as we know, and the buyer may not know of it."""
        return order.status in UNPAID and order.pk > self.after_id

    def find_unknown(self) -> Order | None:
        """Return the unpaid order for the same purchase, if there is one."""
        return Order.objects.filter(
            user=self.user,
            request_fingerprint=self.fingerprint,
            pk__gt=self.after_id,
            status__in=sorted(UNPAID),
        ).first()


def _is_fully_refunded(order: Order) -> bool:
    """Return whether everything paid is refunded or pending: paid 85.00, succeeded 50.00, pending 35.00."""
    refunds = Refund.objects.filter(order=order, is_unmatched=False, status__in=Refund.OPEN_OR_SUCCEEDED)
    refunded_minor = refunds.aggregate(minor=Sum(F("card_minor") + F("credits_minor")))["minor"] or 0
    return bool(refunded_minor >= order.total_minor)


def guard_for(data: dict[str, Any], *, user: User, fingerprint: str, keyed: bool) -> RepeatGuard | None:
    """Return the guard of a checked request, or None when it has a key or the browser confirms the payment.

    Raises NotFound or InvalidRequest when ``again`` names no order of this buyer for the same item.
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
    is_credits = data["is_credit_purchase"]
    item = None if is_credits else int(data["service_id"])
    if (order.snapshot.get("service_id"), order.type == OrderType.CREDIT) != (item, is_credits):
        raise InvalidRequest(
            "The order in again is of something else. Leave again out, or name an order of the same.",
            errors={"again": ["This order is of something else."]},
        )
    return order
