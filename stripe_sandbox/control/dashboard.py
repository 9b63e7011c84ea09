"""The merchant's side: what staff do in Stripe's dashboard."""

from stripe_sandbox import customers, payment_intents, payment_methods, radar, refunds
from stripe_sandbox.control.lookup import Lookup
from stripe_sandbox.public_view import public
from stripe_sandbox.store import Obj


class DashboardControls(Lookup):
    """What staff do in the dashboard, past the shop."""

    def refund(self, intent_id: str, amount: int | None = None, reason: str | None = None) -> Obj:
        """Refund what is left of a payment, or an amount in minor units, without metadata."""
        with self._lock:
            charge = self._charge(intent_id)
            return public(refunds.refund_charge(self._state, charge, amount, {"reason": reason}))

    def cancel(self, intent_id: str, reason: str | None = "requested_by_customer") -> Obj:
        """Cancel an unpaid payment."""
        with self._lock:
            return public(payment_intents.cancel_intent(self._state, self._intent(intent_id), reason))

    def delete_customer(self, customer_id: str) -> Obj:
        """Delete a customer."""
        with self._lock:
            customer = self._find(self._state.store.customers, customer_id)
            return public(customers.remove(self._state, customer))

    def detach(self, method_id: str, *, names_customer: bool = True) -> Obj:
        """Detach a payment method from its customer; `names_customer` says whether the event names the customer."""
        with self._lock:
            method = self._find(self._state.store.payment_methods, method_id)
            detached = payment_methods.detach_from_customer(
                self._state, method, names_customer=names_customer
            )
            return public(detached)

    def open_review(self, intent_id: str, reason: str = "rule") -> Obj:
        """Place a payment in review: `rule` (Radar) or `manual` (staff)."""
        with self._lock:
            charge = self._charge(intent_id)
            return public(radar.open_review(self._state, self._intent(intent_id), charge, reason))

    def close_review(self, intent_id: str, reason: str = "approved") -> Obj:
        """Close the review of a payment."""
        with self._lock:
            review = self._find(self._state.store.reviews, self._intent(intent_id)["review"] or "")
            return public(radar.close_review(self._state, review, reason))
