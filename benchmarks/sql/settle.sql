-- The limit of settling: what 100 paid orders write, in one transaction of one statement, with no rule and no Python.
-- The rows are those that inbox.drain writes for the same events, in the same tables, under the same constraints.
WITH due AS MATERIALIZED (
  SELECT id, payload #>> '{data,object,id}' AS intent, stripe_event_id
  FROM payments_webhookevent WHERE status = 'pending' AND due_at <= now()
  ORDER BY due_at, id LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED),
paid AS (
  UPDATE orders_order o SET status = 'completed', captured_minor = amount_due_minor, paid_at = now(),
    completed_at = now()
  FROM due WHERE o.stripe_payment_intent_id = due.intent AND o.stripe_payment_intent_id <> '' AND o.status = 'pending'
  RETURNING o.id, o.user_id, o.type, o.currency, o.service_id, o.snapshot, o.total_minor, o.credit_amount_minor,
    due.stripe_event_id),
transitions AS (
  INSERT INTO orders_ordertransition (order_id, before, after, cause, at)
  SELECT id, 'pending', 'completed', 'payment_intent.succeeded ' || stripe_event_id, now() FROM paid),
accounts AS (
  INSERT INTO credits_creditaccount AS account (user_id, currency, balance_minor, frozen_minor)
  SELECT user_id, currency, credit_amount_minor, 0 FROM paid WHERE type = 'credit'
  ON CONFLICT (user_id, currency) DO UPDATE SET balance_minor = account.balance_minor + excluded.balance_minor
  RETURNING id, user_id, balance_minor),
ledger AS (
  INSERT INTO credits_credittransaction (account_id, kind, amount_minor, balance_after_minor, order_id, effect, note,
    created_at)
  SELECT accounts.id, 'purchase', paid.credit_amount_minor, accounts.balance_minor, paid.id, 'purchase',
    'Credits bought', now()
  FROM paid JOIN accounts USING (user_id) WHERE paid.type = 'credit'),
roots AS (
  INSERT INTO bookings_booking (user_id, order_id, position, line_id, service_id, service_name, service_type,
    practitioner_id, session_id, starts_at, ends_at, amount_minor, status, forfeited, created_at)
  SELECT paid.user_id, paid.id, 0, line.id, paid.service_id, paid.snapshot ->> 'name', paid.snapshot ->> 'type',
    (paid.snapshot ->> 'practitioner_id')::bigint, line.session_id, line.starts_at, line.ends_at, paid.total_minor,
    'confirmed', false, now()
  FROM paid LEFT JOIN orders_orderline line ON line.order_id = paid.id AND paid.snapshot ->> 'type' <> 'package'
  WHERE paid.type = 'direct'
  RETURNING id, order_id, user_id, practitioner_id, service_type, session_id),
children AS (
  INSERT INTO bookings_booking (user_id, order_id, position, line_id, parent_id, service_id, service_name,
    service_type, practitioner_id, session_id, starts_at, ends_at, amount_minor, status, forfeited, created_at)
  SELECT roots.user_id, roots.order_id, line.position, line.id, roots.id, line.service_id, line.service_name,
    line.service_type, roots.practitioner_id, line.session_id, line.starts_at, line.ends_at, line.amount_minor,
    'confirmed', false, now()
  FROM roots JOIN orders_orderline line USING (order_id) WHERE roots.service_type = 'package'),
participants AS (
  INSERT INTO bookings_participant (session_id, user_id, booking_id, active, created_at)
  SELECT session_id, user_id, id, true, now() FROM roots WHERE session_id IS NOT NULL),
reservations AS (
  UPDATE bookings_reservation r SET status = 'confirmed' FROM roots
  WHERE r.order_id = roots.order_id AND r.status = 'held'),
mails AS (
  INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args)
  SELECT 'default', 'payments.send_mails', 0,
    jsonb_build_object('wanted', jsonb_agg(jsonb_build_object('order_id', id, 'template', 'completed')))
  FROM (SELECT id, row_number() OVER () - 1 AS place FROM paid) told GROUP BY place / 20)
UPDATE payments_webhookevent event SET status = 'done', attempts = attempts + 1, settled_at = now(),
  outcome = 'RecordCapture, Become, ' || CASE paid.type WHEN 'credit' THEN 'PostCredits' ELSE 'HandOver' END || ', Tell'
FROM due JOIN paid USING (stripe_event_id) WHERE event.id = due.id;
