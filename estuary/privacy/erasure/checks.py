"""What blocks an erasure: open orders, refunds, disputes, bookings, credits and pending events, and what to do."""

from typing import Any

from django.db import connection

from estuary.accounts.models import User
from estuary.common.errors import Conflict, Forbidden
from estuary.documents.issuing import waits_for_seller
from estuary.privacy.identifiers import find_identifiers
from estuary.privacy.personal_data import EVENT_MENTIONS_PERSON

UNPAID = {
    "An order could not be canceled. Run this again.": """
        SELECT FROM orders_order WHERE user_id = %(user)s AND status IN ('pending', 'failed')""",
}
# The booking of a package or bundle itself stays open for as long as it is valid. Its parts say what is to come.
UNDER_WAY = {
    "An order is at its bank, or its money is on its way back. Wait until that is over.": """
        SELECT FROM orders_order WHERE user_id = %(user)s AND (status IN ('processing', 'paid') OR payment_open)""",
    "A refund has not reached the person. Wait until Stripe has sent it.": """
        SELECT FROM payments_refund r JOIN orders_order o ON o.id = r.order_id
        WHERE o.user_id = %(user)s AND r.status IN ('requested', 'pending')""",
    "A dispute is open. Wait until the bank has decided.": """
        SELECT FROM payments_dispute d JOIN orders_order o ON o.id = d.order_id
        WHERE o.user_id = %(user)s AND d.closed_at IS NULL""",
    "A booking is still to take place. Cancel it on its order's page first.": """
        SELECT FROM bookings_booking WHERE user_id = %(user)s AND status IN ('confirmed', 'partially_refunded')
        AND service_type NOT IN ('package', 'bundle')""",
    "Somebody is paying for a service of this practitioner. Wait until that order is paid or over.": """
        SELECT FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
        JOIN catalog_service s ON s.id IN (l.service_id, o.service_id)
        JOIN accounts_practitioner p ON p.id = s.practitioner_id
        WHERE p.user_id = %(user)s AND o.user_id <> %(user)s
        AND (o.status IN ('pending', 'failed', 'processing', 'paid') OR o.payment_open)""",
    "Somebody has booked with this practitioner. Cancel those bookings first.": """
        SELECT FROM bookings_booking b JOIN accounts_practitioner p ON p.id = b.practitioner_id
        WHERE p.user_id = %(user)s AND b.status IN ('confirmed', 'partially_refunded')
        AND b.service_type NOT IN ('package', 'bundle')""",
}
CREDITS = {
    "Credits are left. Refund their purchase, or pass --forfeit-credits when the person gives them up.": """
        SELECT FROM credits_creditaccount WHERE user_id = %(user)s AND balance_minor > 0""",
}
NO_SELLER = "A paid order has no receipt, which would name nobody afterwards. Set ESTUARY_SELLER_NAME first."
PENDING_EVENT = f"SELECT FROM payments_webhookevent WHERE status = 'pending' AND {EVENT_MENTIONS_PERSON}"


# The same reasons for people who delete their own account; others read alike for both.
FOR_PERSON = {
    "An order could not be canceled. Run this again.": "An order could not be canceled just now. Try again.",
    "A dispute is open. Wait until the bank has decided.": "Your bank has not decided about a payment that you"
    " disputed. Wait until it has.",
    "A refund has not reached the person. Wait until Stripe has sent it.": "A refund is on its way to you. Wait until"
    " it has been sent.",
    "A booking is still to take place. Cancel it on its order's page first.": "You have a booking that is still to"
    " take place. Cancel it first.",
    "Credits are left. Refund their purchase, or pass --forfeit-credits when the person gives them up.": "You have"
    " credits left. Spend them, have their purchase refunded, or say that you give them up.",
    "An event of Stripe waits to be settled. Is the worker running? Try again then.": "A payment of yours is being"
    " recorded. Try again in a minute.",
    NO_SELLER: "A payment of yours has no receipt yet, which names you and must be kept. Write to us, and we issue it"
    " first.",
}


class ErasureRefused(Conflict):
    """Something is still in progress; the detail says what, and what to do first."""

    code, title = "erasure_refused", "The person can't be erased yet"

    def for_person(self) -> "ErasureRefused":
        """Return the same refusal in words for the person themselves."""
        return ErasureRefused("\n".join(FOR_PERSON.get(line, line) for line in self.detail.splitlines()))


class StaffNotErased(Forbidden):
    code, title = "staff_not_erased", "Accounts of staff are not deleted by themselves"

    def __init__(self) -> None:
        super().__init__("Ask another member of staff to take your rights away first.")


def raise_if_needed(user: User, *, forfeit_credits: bool, unpaid_too: bool = False) -> None:
    """Raise ErasureRefused with every reason that blocks the erasure."""
    checks = UNDER_WAY | ({} if forfeit_credits else CREDITS) | (UNPAID if unpaid_too else {})
    reasons = [reason for reason, sql in checks.items() if _exists(sql, {"user": user.pk})]
    if waits_for_seller(user):
        reasons.append(NO_SELLER)
    if reasons:
        raise ErasureRefused("\n".join(reasons))


def raise_if_events_pending(user: User) -> None:
    """Raise ErasureRefused while an event about the person is pending: it may be about money."""
    if _exists(PENDING_EVENT, find_identifiers(user)):
        raise ErasureRefused("An event of Stripe waits to be settled. Is the worker running? Try again then.")


def _exists(sql: str, parameters: dict[str, Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS ({sql})", parameters)
        return bool(cursor.fetchone()[0])
