"""Rules of fulfilment: once per order, within capacity, and nobody in two places at once."""

from estuary.payments.doctor.check import Rule

MANUAL_REMEDY = "Look at the order in the admin, and cancel or refund what the buyer should not have."

FULFILMENT_RULES = (
    Rule(
        code="fulfilled_not_once",
        sentence="An order is fulfilled once: when it is completed, and never before.",
        sql="""
            SELECT 'order ' || o.public_id,
                   o.status || ', ' || coalesce(got.roots, 0) || ' bookings at the top'
            FROM orders_order o
            LEFT JOIN (SELECT order_id, count(*) AS roots FROM bookings_booking WHERE position = 0
                       GROUP BY order_id) got ON got.order_id = o.id
            WHERE (o.type = 'direct' AND coalesce(got.roots, 0) <> (o.completed_at IS NOT NULL)::int)
               OR (o.type = 'credit' AND got.roots > 0)""",
        remedy=MANUAL_REMEDY,
    ),
    Rule(
        code="shares_off",
        sentence="The shares of what is inside a package or bundle are its price.",
        sql="""
            SELECT 'booking ' || parent.id, 'price ' || parent.amount_minor || ', shares ' || inside.total
            FROM (SELECT parent_id, sum(amount_minor) AS total FROM bookings_booking
                  WHERE parent_id IS NOT NULL GROUP BY parent_id) inside
            JOIN bookings_booking parent ON parent.id = inside.parent_id
            WHERE parent.amount_minor <> inside.total""",
        remedy="Correct the shares, or refunds by booking return too much or too little.",
    ),
    Rule(
        code="refunded_keeps_booking",
        sentence="An order that was refunded in full leaves no booking that is still to come.",
        sql="""
            SELECT 'booking ' || b.id, b.status || ', though order ' || o.public_id || ' is refunded'
            FROM orders_order o JOIN bookings_booking b ON b.order_id = o.id
            WHERE o.status = 'refunded' AND b.status IN ('confirmed', 'partially_refunded')""",
        remedy="Cancel the booking without a refund, or ask the buyer to pay again.",
    ),
    Rule(
        code="seats_off",
        sentence="Taken seats are held or confirmed ones, and within the capacity.",
        sql="""
            SELECT 'session ' || s.id,
                   'taken ' || s.taken || ', held or confirmed ' || coalesce(live.seats, 0)
                   || ', capacity ' || s.capacity
            FROM catalog_servicesession s
            LEFT JOIN (SELECT session_id, count(*) AS seats FROM bookings_reservation
                       WHERE status <> 'released' AND session_id IS NOT NULL
                       GROUP BY session_id) live ON live.session_id = s.id
            WHERE s.taken <> coalesce(live.seats, 0) OR s.taken > s.capacity""",
        remedy="Set the session's taken seats to those held or confirmed; when it is oversold, move or refund a buyer.",
    ),
    Rule(
        code="seat_without_participant",
        sentence="A confirmed seat has a participant, and a participant a confirmed seat.",
        sql="""
            SELECT 'session ' || s.id,
                   coalesce(seats.n, 0) || ' confirmed seats, ' || coalesce(people.n, 0) || ' participants'
            FROM catalog_servicesession s
            LEFT JOIN (SELECT session_id, count(*) AS n FROM bookings_reservation
                       WHERE status = 'confirmed' AND session_id IS NOT NULL GROUP BY session_id) seats
                ON seats.session_id = s.id
            LEFT JOIN (SELECT session_id, count(*) AS n FROM bookings_participant
                       WHERE active GROUP BY session_id) people ON people.session_id = s.id
            WHERE coalesce(seats.n, 0) <> coalesce(people.n, 0)""",
        remedy="Compare the session's participants with its bookings, and add or remove the one that differs.",
    ),
    Rule(
        code="hold_of_ended_order",
        sentence="Only live orders hold, and what a paid order had held is confirmed.",
        sql="""
            SELECT 'reservation ' || r.id, r.status || ', though order ' || o.public_id || ' is ' || o.status
            FROM bookings_reservation r JOIN orders_order o ON o.id = r.order_id
            WHERE r.status <> 'released'
              AND (r.status = 'held') <> (o.status IN ('pending', 'failed', 'processing'))""",
        remedy="Release the reservation of an order that has ended, and count its seat down.",
    ),
    Rule(
        code="canceled_keeps_place",
        sentence="Canceled bookings keep neither seat nor slot.",
        sql="""
            SELECT 'booking ' || b.id, 'canceled, and its reservation ' || r.id || ' is ' || r.status
            FROM bookings_booking b JOIN bookings_reservation r ON r.line_id = b.line_id
            WHERE b.status = 'canceled' AND r.status <> 'released'""",
        remedy="Release the reservation, and count its seat down.",
    ),
    Rule(
        code="booking_without_place",
        sentence="A booking with a time of its own has the seat or the slot for it.",
        sql="""
            SELECT 'booking ' || b.id, b.status || ' for ' || b.starts_at || ', with neither seat nor slot'
            FROM bookings_booking b
            WHERE b.status IN ('confirmed', 'partially_refunded') AND b.starts_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM bookings_reservation r
                              WHERE r.line_id = b.line_id AND r.status <> 'released')""",
        remedy="Find the buyer another time with the practitioner, or cancel the booking with a refund.",
    ),
    Rule(
        code="calendar_differs",
        sentence="A session, and a booking of a slot, is in the practitioner's calendar at its own time.",
        sql="""
            SELECT 'session ' || s.id, 'at ' || s.starts_at || ', in the calendar ' || e.during::text
            FROM catalog_servicesession s JOIN catalog_calendarentry e ON e.id = s.calendar_entry_id
            WHERE e.during <> tstzrange(s.starts_at, s.ends_at)
            UNION ALL
            SELECT 'booking ' || b.id, 'at ' || b.starts_at || ', in the calendar ' || e.during::text
            FROM bookings_reservation r
            JOIN catalog_calendarentry e ON e.id = r.calendar_entry_id
            JOIN bookings_booking b ON b.line_id = r.line_id
            WHERE r.status = 'confirmed' AND b.status IN ('confirmed', 'partially_refunded')
              AND e.during <> tstzrange(b.starts_at, b.ends_at)""",
        remedy="Ask the practitioner which time is meant, and correct the other.",
    ),
    Rule(
        code="time_differs",
        sentence="A booking of a workshop or course, and a line that holds a seat, has the times of its seats.",
        sql="""
            SELECT 'booking ' || b.id, 'from ' || b.starts_at || ' to ' || b.ends_at
                   || ', its seats from ' || seats.starts_at || ' to ' || seats.ends_at
            FROM (SELECT p.booking_id, min(s.starts_at) AS starts_at, max(s.ends_at) AS ends_at
                  FROM bookings_participant p JOIN catalog_servicesession s ON s.id = p.session_id
                  WHERE p.active GROUP BY p.booking_id) seats
            JOIN bookings_booking b ON b.id = seats.booking_id
            WHERE b.status IN ('confirmed', 'partially_refunded')
              AND (b.starts_at, b.ends_at) IS DISTINCT FROM (seats.starts_at, seats.ends_at)
            UNION ALL
            SELECT 'line ' || l.id, 'from ' || l.starts_at || ' to ' || l.ends_at
                   || ', its seats from ' || seats.starts_at || ' to ' || seats.ends_at
            FROM (SELECT r.line_id, min(s.starts_at) AS starts_at, max(s.ends_at) AS ends_at
                  FROM bookings_reservation r JOIN catalog_servicesession s ON s.id = r.session_id
                  WHERE r.status = 'held' GROUP BY r.line_id) seats
            JOIN orders_orderline l ON l.id = seats.line_id
            WHERE (l.starts_at, l.ends_at) IS DISTINCT FROM (seats.starts_at, seats.ends_at)""",
        remedy="Ask the practitioner which time is meant. Tell the guest, and correct the booking, or its line.",
    ),
    Rule(
        code="length_differs",
        sentence="A 1-on-1 booking lasts as long as it was sold.",
        sql="""
            SELECT 'booking ' || b.id,
                   l.duration_min || ' minutes were sold, it lasts ' || (b.ends_at - b.starts_at)::text
            FROM bookings_booking b JOIN orders_orderline l ON l.id = b.line_id
            WHERE b.status IN ('confirmed', 'partially_refunded') AND b.service_type = 'session'
              AND b.ends_at - b.starts_at <> make_interval(mins => l.duration_min)""",
        remedy="Agree on the length with buyer and practitioner, and correct the end of the booking, or its line.",
    ),
    Rule(
        code="place_differs",
        sentence="A booking with one time has one seat or slot, and a seat is in the session of the booking.",
        sql="""
            SELECT 'booking ' || b.id,
                   count(r.id) || ' seats or slots; in session ' || coalesce(b.session_id::text, '–')
                   || ', its seats in ' || coalesce(string_agg(r.session_id::text, ', '), '–')
            FROM bookings_booking b JOIN bookings_reservation r ON r.line_id = b.line_id AND r.status = 'confirmed'
            WHERE b.status IN ('confirmed', 'partially_refunded') AND b.service_type IN ('session', 'workshop')
            GROUP BY b.id HAVING count(*) > 1 OR bool_or(r.session_id IS DISTINCT FROM b.session_id)
            UNION ALL
            SELECT 'booking ' || b.id, 'in session ' || b.session_id || ', the guest is in ' || p.session_id
            FROM bookings_participant p JOIN bookings_booking b ON b.id = p.booking_id
            WHERE p.active AND b.service_type = 'workshop' AND p.session_id IS DISTINCT FROM b.session_id""",
        remedy="Ask the buyer which date is meant, and correct the others.",
    ),
    Rule(
        code="moves_miscounted",
        sentence="A booking was moved as often as it says, and no more often than its order or staff allowed.",
        sql="""
            SELECT 'booking ' || b.id, 'moved ' || b.times_moved || ' times, ' || coalesce(recorded.moves, 0)
                   || ' recorded, ' || coalesce((o.snapshot ->> 'max_moves')::int, 2) || ' allowed'
            FROM bookings_booking b JOIN orders_order o ON o.id = b.order_id
            LEFT JOIN (SELECT m.booking_id, count(*) AS moves, count(*) FILTER (WHERE NOT m.beyond_limits) AS by_rule
                       FROM bookings_bookingmove m JOIN bookings_booking moved ON moved.id = m.booking_id
                       WHERE moved.unscheduled_at IS NULL OR m.moved_at > moved.unscheduled_at
                       GROUP BY m.booking_id) recorded
                ON recorded.booking_id = b.id
            WHERE b.times_moved <> coalesce(recorded.moves, 0)
               OR coalesce(recorded.by_rule, b.times_moved)
                  > greatest(coalesce((o.snapshot ->> 'max_moves')::int, 2), 0)""",
        remedy="Correct the count of the booking; find out which request moved it once too often.",
    ),
    Rule(
        code="moved_too_late",
        sentence="A booking is moved while its cancellation is free, counted from its earliest start, or by staff.",
        sql="""
            SELECT 'booking ' || booking_id, 'moved at ' || moved_at || ', free to cancel until ' || deadline
            FROM (SELECT m.booking_id, m.moved_at, m.beyond_limits,
                         min(m.from_starts_at) OVER (PARTITION BY m.booking_id, m.moved_at > b.unscheduled_at
                                                     ORDER BY m.number)
                         - make_interval(hours => least(coalesce((o.snapshot ->> 'free_cancel_hours')::int, 24), 8784))
                         AS deadline
                  FROM bookings_bookingmove m JOIN orders_order o ON o.id = m.order_id
                  JOIN bookings_booking b ON b.id = m.booking_id) move
            WHERE moved_at > deadline AND NOT beyond_limits""",
        remedy="Ask the practitioner whether the new time stands; find out how the deadline was passed.",
    ),
    Rule(
        code="practitioner_twice",
        sentence="No practitioner is taken twice at a time.",
        sql="""
            SELECT 'calendar entry ' || id,
                   'practitioner ' || practitioner_id || ' is taken already during ' || during::text
            FROM (SELECT id, practitioner_id, during, max(upper(during)) OVER (
                             PARTITION BY practitioner_id ORDER BY lower(during), id
                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS taken_until
                  FROM catalog_calendarentry) entry
            WHERE taken_until > lower(during)""",
        remedy="Move or refund one of the two; the database refuses an overlap, so find out why its guard is gone.",
    ),
    Rule(
        code="time_taken_for_nobody",
        sentence="Time that is taken is taken for a session or for a buyer.",
        sql="""
            SELECT 'calendar entry ' || e.id, 'practitioner ' || e.practitioner_id || ' during ' || e.during::text
            FROM catalog_calendarentry e
            LEFT JOIN catalog_servicesession s ON s.calendar_entry_id = e.id
            LEFT JOIN bookings_reservation r ON r.calendar_entry_id = e.id
            WHERE s.id IS NULL AND r.id IS NULL AND NOT e.is_closed""",
        remedy="Delete the calendar entry: the time goes back on sale.",
    ),
    Rule(
        code="called_off_keeps_seat",
        sentence="Nobody has a seat in a session that was called off, once that was carried out.",
        sql="""
            SELECT 'session ' || s.id, 'called off at ' || s.called_off_at || ', and reservation ' || r.id
                   || ' is ' || r.status
            FROM catalog_servicesession s
            JOIN bookings_reservation r ON r.session_id = s.id AND r.status <> 'released'
            WHERE s.called_off_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM payments_datechange c
                              WHERE c.status = 'running' AND s.id = ANY(c.session_ids))""",
        remedy="Refund the buyer in full in the admin, which releases the seat.",
    ),
    Rule(
        code="called_off_unrefunded",
        sentence="Each seat that was called off has its refund, of the sum that its row names.",
        # A refund may have failed since: then its row is there, and staff were alerted. Its credits may have gone back
        # with a refund of their own.
        sql="""
            SELECT 'change ' || c.public_id || ', order ' || o.public_id,
                   'its rows name ' || planned.total || ', its refund ' || coalesce(given.total, 0)
            FROM (SELECT change_id, order_id, booking_id, refund_id, sum(amount_minor) AS total
                  FROM payments_datechangerow WHERE act = 'refund' AND status = 'done'
                  GROUP BY change_id, order_id, booking_id, refund_id) planned
            JOIN payments_datechange c ON c.id = planned.change_id
            JOIN orders_order o ON o.id = planned.order_id
            LEFT JOIN (SELECT id, status, card_minor + credits_minor AS total FROM payments_refund) given
                ON given.id = planned.refund_id
            WHERE planned.total IS DISTINCT FROM given.total
              AND NOT (given.status IN ('failed', 'canceled') AND planned.total - given.total IN
                       (SELECT beside.credits_minor FROM payments_refund beside
                        WHERE beside.order_id = planned.order_id AND beside.card_minor = 0
                          AND beside.status = 'succeeded'))""",
        remedy="Refund the order in the admin by what is missing.",
    ),
    Rule(
        code="date_change_half_done",
        sentence="A change of dates is done once nothing of it waits.",
        sql="""
            SELECT 'change ' || c.public_id, 'done at ' || c.done_at || ', and row ' || r.id || ' waits'
            FROM payments_datechange c
            JOIN payments_datechangerow r ON r.change_id = c.id AND r.status = 'waiting'
            WHERE c.status = 'done'""",
        remedy="Set the change to running again: the worker carries out what waits.",
    ),
    Rule(
        code="default_card_not_one",
        sentence="Who has cards has one default card.",
        sql="""
            SELECT 'user ' || user_id, count(*) || ' cards, ' || count(*) FILTER (WHERE is_default) || ' defaults'
            FROM payments_paymentmethod WHERE detached_at IS NULL
            GROUP BY user_id HAVING count(*) FILTER (WHERE is_default) <> 1""",
        remedy="Let the buyer choose, or make the newest card the default.",
    ),
)
