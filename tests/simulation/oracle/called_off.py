"""What came of dates that were called off or moved: who had paid has all of it back, or somebody has said why not."""

from tests.simulation.oracle.observer import Observer
from tests.simulation.oracle.violation import InvariantViolation

# Whose payment is disputed or lost, whose refund failed, and for whom staff cancel and say how much goes back is
# another's affair. A dispute that was won ends as if there had been none. Of a payment that is lost, the credits beside
# it have a rule of their own.
NO_OTHER_DECIDED = """
      AND NOT EXISTS (
          SELECT FROM payments_dispute d WHERE d.order_id = o.id AND d.status NOT IN ('won', 'warning_closed'))
      AND NOT EXISTS (SELECT FROM payments_refund f WHERE f.order_id = o.id
          AND (f.status IN ('failed', 'canceled') OR (f.origin = 'staff' AND f.cancels)))"""

PAID_FOR_NOTHING = "who paid for a date that was called off has it back"
# Bookings of a date that was called off while they had a seat. Who canceled before, and whose price is kept, is
# another's affair.
UNPAID_BACK = f"""
    SELECT b.id, o.public_id, b.status, b.amount_minor, coalesce(given.total, 0)
    FROM bookings_booking b
    JOIN catalog_servicesession s ON s.id = b.session_id AND s.called_off_at IS NOT NULL
    JOIN orders_order o ON o.id = b.order_id
    LEFT JOIN LATERAL (
        SELECT sum(r.card_minor + r.credits_minor) AS total FROM payments_refund r
        WHERE r.order_id = o.id AND NOT r.stray AND r.status NOT IN ('failed', 'canceled')
          AND (b.position = 0 OR r.booking_id = b.id OR r.booking_id IS NULL)) given ON true
    WHERE (b.canceled_at IS NULL OR b.canceled_at >= s.called_off_at) AND NOT b.forfeited
      AND coalesce(given.total, 0) < b.amount_minor{NO_OTHER_DECIDED}"""


CANCELED_MEANWHILE = "who cancels while a call-off waits has all of it back"
# Bookings that a call-off found canceled, although they stood when it began.
UNPAID_MEANWHILE = f"""
    SELECT b.id, o.public_id, b.amount_minor, coalesce(given.total, 0)
    FROM payments_datechangerow r
    JOIN payments_datechange c ON c.id = r.change_id AND c.kind <> 'move'
    JOIN bookings_booking b ON b.id = r.booking_id AND b.canceled_at >= c.created_at
    JOIN orders_order o ON o.id = b.order_id
    LEFT JOIN LATERAL (
        SELECT sum(f.card_minor + f.credits_minor) AS total FROM payments_refund f
        WHERE f.order_id = o.id AND NOT f.stray AND f.status NOT IN ('failed', 'canceled')
          AND (b.position = 0 OR f.booking_id = b.id OR f.booking_id IS NULL)) given ON true
    WHERE r.act = 'cancel' AND coalesce(given.total, 0) < b.amount_minor{NO_OTHER_DECIDED}"""
SHARES_KEPT = "who paid for meetings of a course that were called off has their shares back"
UNPAID_SHARES = f"""
    SELECT o.public_id, seats.called_off, seats.meetings, b.amount_minor, coalesce(given.total, 0)
    FROM bookings_booking b
    JOIN orders_order o ON o.id = b.order_id
    JOIN LATERAL (
        SELECT count(*) AS meetings, count(*) FILTER (
            WHERE r.status = 'released' AND (b.canceled_at IS NULL OR b.canceled_at >= s.called_off_at)
              AND s.called_off_at IS NOT NULL) AS called_off
        FROM bookings_reservation r JOIN catalog_servicesession s ON s.id = r.session_id
        WHERE r.line_id = b.line_id) seats ON seats.meetings > 0
    LEFT JOIN LATERAL (
        SELECT sum(f.card_minor + f.credits_minor) AS total FROM payments_refund f
        WHERE f.order_id = o.id AND NOT f.stray AND f.status NOT IN ('failed', 'canceled')) given ON true
    WHERE b.service_type = 'course' AND b.position = 0 AND NOT b.forfeited
      AND coalesce(given.total, 0) < seats.called_off * (b.amount_minor / seats.meetings){NO_OTHER_DECIDED}"""
CREDITS_KEPT = "credits that paid for a date that was called off are back, whatever a bank decides"
# Of orders of one booking: a package's credits may have paid for what took place.
UNPAID_CREDITS = """
    SELECT o.public_id, o.credits_applied_minor, coalesce(given.credits, 0)
    FROM bookings_booking b
    JOIN catalog_servicesession s ON s.id = b.session_id AND s.called_off_at IS NOT NULL
    JOIN orders_order o ON o.id = b.order_id
    LEFT JOIN LATERAL (
        SELECT sum(r.credits_minor) AS credits FROM payments_refund r
        WHERE r.order_id = o.id AND NOT r.stray AND r.status NOT IN ('failed', 'canceled')) given ON true
    WHERE b.position = 0 AND b.service_type = 'workshop' AND b.canceled_at >= s.called_off_at AND NOT b.forfeited
      AND coalesce(given.credits, 0) < o.credits_applied_minor"""
MOVED_FOR_NOTHING = "who cancels a date after its practitioner has moved it has all of it back"
# Workshops that were canceled after their practitioner had moved them. Staff and the dashboard may return less.
UNPAID_MOVED = """
    SELECT b.id, o.public_id, b.amount_minor, coalesce(given.total, 0)
    FROM bookings_booking b
    JOIN LATERAL (
        SELECT p.session_id, p.moved_at FROM bookings_participant p WHERE p.booking_id = b.id
        ORDER BY p.id DESC LIMIT 1) seat ON seat.session_id = b.session_id AND b.canceled_at > seat.moved_at
    JOIN orders_order o ON o.id = b.order_id
    LEFT JOIN LATERAL (
        SELECT sum(f.card_minor + f.credits_minor) AS total FROM payments_refund f
        WHERE f.order_id = o.id AND NOT f.stray
          AND (b.position = 0 OR f.booking_id = b.id OR f.booking_id IS NULL)) given ON true
    WHERE b.service_type = 'workshop' AND b.status = 'canceled' AND NOT b.forfeited
      AND coalesce(given.total, 0) < b.amount_minor
      AND NOT EXISTS (SELECT FROM payments_dispute d WHERE d.order_id = o.id)
      AND NOT EXISTS (
          SELECT FROM payments_refund f WHERE f.order_id = o.id
          AND (f.origin <> 'buyer' OR f.status IN ('failed', 'canceled')))"""


def check_called_off(observer: Observer) -> None:
    """Look once, in the end."""
    for rule, query in (
        (PAID_FOR_NOTHING, UNPAID_BACK),
        (CANCELED_MEANWHILE, UNPAID_MEANWHILE),
        (SHARES_KEPT, UNPAID_SHARES),
        (CREDITS_KEPT, UNPAID_CREDITS),
        (MOVED_FOR_NOTHING, UNPAID_MOVED),
    ):
        if broken := observer.rows(query):
            raise InvariantViolation(rule, broken)
