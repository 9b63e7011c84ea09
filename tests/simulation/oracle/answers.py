"""What leaves the server: answers hold only what is their asker's, and nothing that is written holds a secret."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from tests.simulation.oracle.observer import Observer
from tests.simulation.oracle.violation import InvariantViolation

NO_500 = "no answer is a 500"
FOREIGN, SECRET = "an answer holds only what is its asker's", "no secret is written down"
# A client secret is an answer to the one whose payment it is.
TELL_A_SECRET = ("/api/v1/payments/create/", "/api/v1/payments/methods/setup/")
NAMES = re.compile(r"\b(?:ord|ref|pm|pi|cs|seti)_\w+")
# Which of these names are another's.
STRANGERS = """
    SELECT public_id FROM orders_order WHERE public_id = ANY(%(names)s) AND user_id <> %(user)s
    UNION ALL SELECT stripe_payment_intent_id FROM orders_order
        WHERE stripe_payment_intent_id = ANY(%(names)s) AND user_id <> %(user)s
    UNION ALL SELECT stripe_checkout_session_id FROM orders_order
        WHERE stripe_checkout_session_id = ANY(%(names)s) AND user_id <> %(user)s
    UNION ALL SELECT r.public_id FROM payments_refund r JOIN orders_order o ON o.id = r.order_id
        WHERE r.public_id = ANY(%(names)s) AND o.user_id <> %(user)s
    UNION ALL SELECT stripe_payment_method_id FROM payments_paymentmethod
        WHERE stripe_payment_method_id = ANY(%(names)s) AND user_id <> %(user)s
    UNION ALL SELECT 'booking ' || id FROM bookings_booking WHERE id = ANY(%(bookings)s) AND user_id <> %(user)s"""
# Every table in which somebody's words, or Stripe's, are kept.
WRITTEN = (
    "payments_webhookevent",
    "payments_idempotencykey",
    "payments_refund",
    "payments_dispute",
    "payments_fraudnotice",
    "payments_orphan",
    "payments_paymentmethod",
    "orders_order",
    "orders_ordertransition",
    "credits_credittransaction",
    "django_admin_log",
    "procrastinate_jobs",
)


class Answers:
    """Judges what was said and written."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        ours = (settings.STRIPE_SECRET_KEY, *settings.STRIPE_WEBHOOK_SECRETS)
        # No part of a longer name, such as a request's own.
        cards = r"(?<![\w.-])[45]\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}(?![\w-])"
        pattern = "|".join([cards, r"_secret_[A-Za-z0-9]{6}", *map(re.escape, ours)])
        self._secret = re.compile(pattern, re.ASCII)
        self._written = " UNION ALL ".join(
            f"SELECT '{table}', line::text FROM {table} line WHERE line::text ~ %(secret)s"
            for table in WRITTEN
        )
        self._pattern = pattern.replace("\\-", "-")

    def check_answer(self, user_id: int, path: str, status: int, content: Any) -> None:
        """An answer to a buyer: no name of what is another's, and no secret but the payment's own."""
        texts = list(_texts(content))
        names = [name for _, text in texts for name in NAMES.findall(text.partition("_secret_")[0])]
        if 200 <= status < 300 and (names or "booking" in path):
            bookings = [int(t) for key, t in texts if key == "booking_id" and t.isdecimal()]
            bookings += list(_bookings(content)) if path.startswith("/api/v1/bookings/") else []
            values = {"names": names, "user": user_id, "bookings": bookings}
            if foreign := self._observer.rows_named(STRANGERS, values):
                raise InvariantViolation(FOREIGN, (path, user_id, foreign))
        if not path.startswith(TELL_A_SECRET):
            for key, text in texts:
                self.check_text(f"answer to {path}, {key}", text)

    def check_text(self, where: str, text: str) -> None:
        if match := self._secret.search(text):
            raise InvariantViolation(SECRET, (where, match.group(), text[:400]))

    def check_what_is_written(self) -> None:
        for table, text in self._observer.rows_named(self._written, {"secret": self._pattern}):
            raise InvariantViolation(SECRET, (table, text[:600]))


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key)
    elif value is not None:
        yield key, str(value)


def _bookings(value: Any) -> Iterator[int]:
    """Return the ids of the bookings in an answer about bookings, and of those inside them."""
    if isinstance(value, dict):
        if "children" in value and str(value.get("id", "")).isdecimal():
            yield int(value["id"])
        for inner in value.values():
            yield from _bookings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _bookings(inner)
