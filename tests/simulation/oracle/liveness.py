"""Liveness: what must hold once the faults are over and the sweep had its time. Nothing is stuck, lost, or owed."""

from datetime import timedelta

from estuary.common import clock
from estuary.payments.doctor import LIVENESS
from estuary.payments.doctor.check import GRACE
from estuary.payments.doctor.liveness import WORKER_SILENT
from estuary.payments.doctor.stripe_comparison import compare
from stripe_sandbox.store import Obj
from tests.simulation.oracle.called_off import check_called_off
from tests.simulation.oracle.customers import check_customers
from tests.simulation.oracle.late_payments import LatePayments
from tests.simulation.oracle.observer import Observer, Rows, order_of
from tests.simulation.oracle.setup_intents import check_setup_intents
from tests.simulation.oracle.violation import InvariantViolation

# What a second look at Stripe must leave as it is; the turns of the sweep are no money.
LASTING = {
    "orders_order": "id, status, captured_minor, refunded_minor, lost_minor, disputed,"
    " stripe_payment_intent_id, stripe_checkout_session_id",
    "orders_ordertransition": "id",
    "payments_refund": "id, status, stripe_refund_id, card_minor, credits_minor",
    "payments_dispute": "id, status, frozen_minor, clawed_minor, lost_minor, revision",
    "payments_fraudnotice": "id, closed_at",
    "payments_paymentmethod": "id, stripe_payment_method_id, is_default, detached_at",
    "payments_orphan": "id, fate",
    "credits_credittransaction": "id, amount_minor",
    "credits_creditaccount": "id, balance_minor, frozen_minor",
    "bookings_booking": "id, status, amount_minor, starts_at, times_moved",
    "bookings_bookingmove": "id",
    "documents_receipt": "id, number, order_id, total_minor",
    "documents_creditnote": "id, number, refund_id, charged_minor, credits_minor",
    "bookings_reservation": "id, status",
    "bookings_participant": "id, active",
    "payments_datechange": "id, status",
    "payments_datechangerow": "id, status, amount_minor",
}
# A bank may take longer than any scenario.
OF_THE_BANK = {"processing_long", "refund_pending_long"}
SINCE = timedelta(days=60)


class Liveness:
    """Looks once, in the end."""

    def __init__(self, observer: Observer) -> None:
        self._observer, self._late_payments = observer, LatePayments(observer)

    def check(self) -> None:
        self._check_worker()
        self._check_payments()
        self._check_open_orders()
        self._check_refunds_agree()
        self._check_disputes_agree()
        self._check_queues()
        check_customers(self._observer)
        check_setup_intents(self._observer)
        self._late_payments.check()
        check_called_off(self._observer)
        self._ask_the_doctor()

    def _check_worker(self) -> None:
        """What `worker --check` asks comes first: one payment that can't be settled is no reason for it to fail."""
        at = clock.now()
        if broken := self._observer.rows_named(WORKER_SILENT.sql, {"at": at, "late": at - GRACE}):
            raise InvariantViolation(WORKER_SILENT.code, broken)

    def picture(self) -> dict[str, Rows]:
        """Everything that a second reconcile must leave alone."""
        return {
            table: self._observer.rows(f"SELECT {columns} FROM {table} ORDER BY id")
            for table, columns in LASTING.items()
        }

    def _check_payments(self) -> None:
        """Every payment at Stripe is in our books, and fulfilled or wholly given back."""
        ours = {
            row[0]: row
            for row in self._observer.rows(
                "SELECT public_id, status, captured_minor, completed_at, stripe_payment_intent_id,"
                " stripe_customer_id FROM orders_order"
            )
        }
        received: set[str] = set()
        for intent in self._observer.stripe.payment_intents:
            if intent["status"] != "succeeded":
                continue
            order, status, captured, completed_at, intent_id, customer = ours[order_of(intent)]
            if intent_id != intent["id"] and intent["customer"] != customer:
                self._check_left_alone(intent)
                continue
            if intent_id != intent["id"] or not captured:
                self._check_returned(intent)
                continue
            received.add(order)
            if captured != intent["amount_received"]:
                raise InvariantViolation(
                    "captures are equal on both sides", (order, status, captured, intent)
                )
            if completed_at is None and status != "refunded" and not self._comes_back(intent):
                raise InvariantViolation("every captured payment is fulfilled or refunded", (order, status))
        if extra := [row for row in ours.values() if row[2] and row[0] not in received]:
            raise InvariantViolation("captures are equal on both sides", extra)

    def _check_left_alone(self, intent: Obj) -> None:
        """Money that only carries a label of ours is known, and we have given nothing of it back."""
        fates = self._observer.rows(
            "SELECT fate FROM payments_orphan WHERE stripe_payment_intent_id = %s", intent["id"]
        )
        refunds = [r for r in self._observer.stripe.refunds if r["payment_intent"] == intent["id"]]
        if fates != [("foreign",)] or any((refund["metadata"] or {}).get("refund_id") for refund in refunds):
            raise InvariantViolation(
                "what is not ours is left alone", (order_of(intent), intent["id"], fates, refunds)
            )

    def _check_returned(self, intent: Obj) -> None:
        """Money that pays for no order goes back, all of it."""
        kept = "SELECT card_minor FROM payments_refund WHERE stray AND stripe_payment_intent_id = %s"
        refund_ids = [row[0] for row in self._observer.rows(kept, intent["id"])]
        if not refund_ids:
            raise InvariantViolation(
                "captures are equal on both sides", (order_of(intent), intent["id"], "not known here")
            )
        if self._returned_or_lost_minor(intent) < intent["amount_received"] and not self._comes_back(intent):
            raise InvariantViolation(
                "every captured payment is fulfilled or refunded", (order_of(intent), intent["id"])
            )

    def _returned_or_lost_minor(self, intent: Obj) -> int:
        """Return what was refunded or lost of a payment, in minor units."""
        refunds = [r for r in self._observer.stripe.refunds if r["payment_intent"] == intent["id"]]
        disputes = [d for d in self._observer.stripe.disputes if d["payment_intent"] == intent["id"]]
        back = sum(refund["amount"] for refund in refunds if refund["status"] == "succeeded")
        return int(back + sum(dispute["amount"] for dispute in disputes if dispute["status"] == "lost"))

    def _comes_back(self, intent: Obj) -> bool:
        """The bank takes its time, or decides a dispute; or a refund failed, and staff are to pay another way."""
        failed = "SELECT 1 FROM payments_refund WHERE stripe_payment_intent_id = %s AND status = 'failed'"
        if self._observer.rows(failed, intent["id"]):
            return True
        refunds = [r for r in self._observer.stripe.refunds if r["payment_intent"] == intent["id"]]
        disputes = [d for d in self._observer.stripe.disputes if d["payment_intent"] == intent["id"]]
        return any(refund["status"] in {"pending", "failed"} for refund in refunds) or bool(disputes)

    def _check_open_orders(self) -> None:
        late = "SELECT public_id, status, expires_at FROM orders_order WHERE status IN ('pending', 'failed')"
        if stuck := self._observer.rows(late + " AND expires_at < %s", clock.now() - timedelta(minutes=1)):
            raise InvariantViolation("no order is stuck", stuck)
        live = "SELECT public_id FROM orders_order WHERE status IN ('pending', 'failed', 'processing')"
        alive = {row[0] for row in self._observer.rows(live)}
        payable = [*self._observer.payable(), *self._observer.payable_by_hand()]
        if over := [(order, way) for order, way in payable if order not in alive]:
            raise InvariantViolation("an ended order can't be paid at Stripe", over)
        processing = self._observer.rows(
            "SELECT public_id, stripe_payment_intent_id, stripe_checkout_session_id"
            " FROM orders_order WHERE status = 'processing'"
        )
        store = self._observer.stripe
        for order, intent_id, session_id in processing:
            intent_id = intent_id or (store.checkout_sessions.get(session_id) or {}).get("payment_intent")
            intent = store.payment_intents.get(intent_id or "")
            if intent is None or intent["status"] != "processing":
                raise InvariantViolation(
                    "an order is processing only while its bank is", (order, intent and intent["status"])
                )

    def _left_alone(self) -> set[str]:
        """Return the payments that only carry a label of ours: what becomes of them is not in our books."""
        foreign = self._observer.rows(
            "SELECT stripe_payment_intent_id FROM payments_orphan WHERE fate = 'foreign'"
        )
        return {row[0] for row in foreign}

    def _check_refunds_agree(self) -> None:
        rows = self._observer.rows(
            "SELECT stripe_refund_id, status FROM payments_refund WHERE stripe_refund_id <> ''"
        )
        ours: dict[str, str] = dict(rows)
        foreign = self._left_alone()
        there = {
            r["id"]: r["status"] for r in self._observer.stripe.refunds if r["payment_intent"] not in foreign
        }
        differs = {key: (ours.get(key), status) for key, status in there.items() if ours.get(key) != status}
        if differs:
            raise InvariantViolation("refunds are equal on both sides", differs)
        unsent = """
            SELECT public_id FROM payments_refund r WHERE status = 'requested'
            AND NOT EXISTS (SELECT FROM payments_dispute d WHERE d.closed_at IS NULL
                            AND d.stripe_payment_intent_id = r.stripe_payment_intent_id)"""
        if left := self._observer.rows(unsent):
            raise InvariantViolation("no refund is left unsent", left)

    def _check_disputes_agree(self) -> None:
        ours: dict[str, str] = dict(
            self._observer.rows("SELECT stripe_dispute_id, status FROM payments_dispute")
        )
        foreign = self._left_alone()
        disputes = [d for d in self._observer.stripe.disputes if d["payment_intent"] not in foreign]
        there = {d["id"]: d["status"] for d in disputes}
        if ours != there:
            raise InvariantViolation("disputes are equal on both sides", (ours, there))

    def _check_queues(self) -> None:
        query = "SELECT stripe_event_id, type, status, error FROM payments_webhookevent"
        old = " WHERE status = 'dead' OR (status = 'pending' AND received_at < %s)"
        if left := self._observer.rows(query + old, clock.now() - timedelta(minutes=3)):
            raise InvariantViolation("the inbox is empty", left)
        if jobs := self._observer.rows(
            "SELECT task_name, args, status FROM procrastinate_jobs WHERE attempts > 0"
        ):
            raise InvariantViolation("no job is left", jobs)

    def _ask_the_doctor(self) -> None:
        """The doctor's rules of what must be over in time, and its own comparison with Stripe."""
        at = clock.now()
        for rule in LIVENESS:
            if rule.code in OF_THE_BANK:
                continue
            if broken := self._observer.rows_named(rule.sql, {"at": at, "late": at - GRACE}):
                raise InvariantViolation(rule.code, broken)
        for breach in compare(since=at - SINCE, at=at):
            raise InvariantViolation(breach.code, breach.objects)
