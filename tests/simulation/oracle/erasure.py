"""Who is erased is nowhere: in no table, and at Stripe as no customer; and what was begun is finished."""

import re

from django.contrib.auth import get_user_model
from django.db import connection

from estuary.privacy.erasure.checks import ErasureRefused, raise_if_needed
from tests.simulation.oracle.observer import Observer
from tests.simulation.oracle.violation import InvariantViolation

NOWHERE = "who is erased is nowhere"
FINISHED = "an erasure that was begun is finished"
OWED = "who is erased has nothing to come"
ERASURES = "SELECT user_id, forfeit_credits, erased_at IS NOT NULL FROM privacy_erasure ORDER BY id"
# Receipts keep the buyer's name and address.
WITHOUT_BUYER = "(to_jsonb(line) - 'buyer_name' - 'buyer_address')"
KEPT_BY_LAW = dict.fromkeys(("documents_receipt", "documents_creditnote"), WITHOUT_BUYER)
TO_COME = """
    SELECT 'booking ' || id, status FROM bookings_booking
    WHERE user_id = %(user)s AND status IN ('confirmed', 'partially_refunded')
    AND service_type NOT IN ('package', 'bundle')
    UNION ALL
    SELECT public_id, status FROM orders_order
    WHERE user_id = %(user)s AND status IN ('pending', 'failed', 'processing', 'paid')"""


class Erased:
    """Knows how each person was called when the world began."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._everywhere = ""
        self._names: dict[int, tuple[str, str]] = {}

    def learn_names(self) -> None:
        """Read names and addresses, once the world is built, and which tables there are."""
        rows = self._observer.rows("SELECT id, email, last_name FROM accounts_user")
        # Of a name the letters before any sign that is written in another way somewhere.
        self._names = {
            user_id: (email, re.split(r"[^A-Za-z]", last_name)[0]) for user_id, email, last_name in rows
        }
        self._everywhere = " UNION ALL ".join(
            f"SELECT '{table}', {text}::text FROM \"{table}\" line WHERE {text}::text ILIKE ANY(%(names)s)"
            for table in sorted(connection.introspection.table_names())
            for text in [KEPT_BY_LAW.get(table, "line")]
        )

    def check(self) -> None:
        """Look once everything has had its time, and the worker another round for what came late."""
        for user_id, forfeit_credits, is_erased in self._observer.rows(ERASURES):
            if is_erased:
                self._check_nowhere(user_id)
            else:
                self._check_refused(user_id, forfeit_credits=forfeit_credits)

    def _check_nowhere(self, user_id: int) -> None:
        names = [f"%{name}%" for name in self._names[user_id]]
        for table, line in self._observer.rows_named(self._everywhere, {"names": names}):
            raise InvariantViolation(NOWHERE, (table, line[:600]))
        email, _ = self._names[user_id]
        for customer in self._observer.stripe.customers:
            of_person = (customer.get("metadata") or {}).get("user_id") == str(user_id)
            if not customer.get("deleted") and (of_person or customer.get("email") == email):
                raise InvariantViolation(
                    NOWHERE, ("customers at Stripe", customer["id"], customer.get("email"))
                )
        if to_come := self._observer.rows_named(TO_COME, {"user": user_id}):
            raise InvariantViolation(OWED, (user_id, to_come))

    def _check_refused(self, user_id: int, *, forfeit_credits: bool) -> None:
        """One that was begun may wait only for what the product itself names."""
        user = get_user_model()._default_manager.get(pk=user_id)
        try:
            raise_if_needed(user, forfeit_credits=forfeit_credits, unpaid_too=True)
        except ErasureRefused:
            return
        raise InvariantViolation(FINISHED, user_id)
