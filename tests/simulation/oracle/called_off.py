"""What came of dates that were called off: who had paid has all of it back, or somebody has said why not."""

from tests.simulation.oracle.observer import Observer
from tests.simulation.oracle.violation import InvariantViolation

PAID_FOR_NOTHING = "who paid for a date that was called off has it back"
# Bookings of a date that was called off while they had a seat. Who canceled before, whose price is kept, whose payment
# is or was disputed, and whose refund failed is another's affair.
UNPAID_BACK = """
    SELECT b.id, o.public_id, b.status, b.amount_minor, coalesce(given.total, 0)
    FROM bookings_booking b
    JOIN catalog_servicesession s ON s.id = b.session_id AND s.called_off_at IS NOT NULL
    JOIN orders_order o ON o.id = b.order_id
    LEFT JOIN LATERAL (
        SELECT sum(r.card_minor + r.credits_minor) AS total FROM payments_refund r
        WHERE r.order_id = o.id AND NOT r.stray AND r.status NOT IN ('failed', 'canceled')
          AND (b.position = 0 OR r.booking_id = b.id OR r.booking_id IS NULL)) given ON true
    WHERE (b.canceled_at IS NULL OR b.canceled_at >= s.called_off_at) AND NOT b.forfeited
      AND coalesce(given.total, 0) < b.amount_minor
      AND NOT EXISTS (SELECT FROM payments_dispute d WHERE d.order_id = o.id)
      AND NOT EXISTS (SELECT FROM payments_refund f WHERE f.order_id = o.id AND f.status IN ('failed', 'canceled'))"""


def check_called_off(observer: Observer) -> None:
    """Look once, in the end."""
    if broken := observer.rows(UNPAID_BACK):
        raise InvariantViolation(PAID_FOR_NOTHING, broken)
