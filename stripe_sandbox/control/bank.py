"""The bank's side: settles or fails payments and refunds, disputes charges, renews cards."""

from stripe_sandbox import bank_accounts, confirmation, disputes, radar, refunds
from stripe_sandbox.control.lookup import Lookup
from stripe_sandbox.errors import InvalidState
from stripe_sandbox.public_view import public
from stripe_sandbox.store import Obj


class BankControls(Lookup):
    """What the buyer's bank and the card networks do."""

    def settle(self, intent_id: str) -> Obj:
        """Let a processing payment succeed."""
        with self._lock:
            intent = self._processing(intent_id)
            confirmation.settle(self._state, intent)
            return public(intent)

    def fail_settlement(self, intent_id: str) -> Obj:
        """Let a processing payment fail."""
        with self._lock:
            intent = self._processing(intent_id)
            method = self._find(self._state.store.payment_methods, intent["payment_method"])
            refusal = (
                bank_accounts.by_number(method["_number"], method["type"]).failure or bank_accounts.FUNDS
            )
            confirmation.fail_settlement(self._state, intent, refusal)
            return public(intent)

    def succeed_refund(self, refund_id: str) -> Obj:
        """Let a pending refund reach the buyer."""
        with self._lock:
            return public(refunds.succeed(self._state, self._find(self._state.store.refunds, refund_id)))

    def fail_refund(self, refund_id: str, reason: str = "expired_or_canceled_card") -> Obj:
        """Let a refund fail at the buyer's bank."""
        with self._lock:
            return public(refunds.fail(self._state, self._find(self._state.store.refunds, refund_id), reason))

    def dispute(
        self, intent_id: str, reason: str = "fraudulent", inquiry: bool = False, amount: int | None = None
    ) -> Obj:
        """Dispute a payment as the cardholder, in full or an amount in minor units."""
        with self._lock:
            charge = self._charge(intent_id)
            return public(
                disputes.open_dispute(self._state, charge, reason=reason, inquiry=inquiry, amount=amount)
            )

    def warn_of_fraud(self, intent_id: str, fraud_type: str = "made_with_stolen_card") -> Obj:
        """Report a payment as fraudulent before it is disputed, as the card's issuer does."""
        with self._lock:
            return public(radar.warn(self._state, self._charge(intent_id), fraud_type))

    def escalate_dispute(self, dispute_id: str) -> Obj:
        """Turn an inquiry into a chargeback."""
        with self._lock:
            dispute = self._find(self._state.store.disputes, dispute_id)
            return public(disputes.escalate(self._state, dispute))

    def appeal_dispute(self, dispute_id: str) -> Obj:
        """Appeal against a lost dispute."""
        with self._lock:
            dispute = self._find(self._state.store.disputes, dispute_id)
            return public(disputes.appeal(self._state, dispute))

    def close_dispute(self, dispute_id: str, outcome: str = "lost") -> Obj:
        """Decide a dispute: `won`, `lost`, or `warning_closed` for an inquiry."""
        with self._lock:
            dispute = self._find(self._state.store.disputes, dispute_id)
            return public(disputes.close_dispute(self._state, dispute, outcome))

    def update_card(
        self,
        method_id: str,
        exp_month: int | None = None,
        exp_year: int | None = None,
        last4: str | None = None,
    ) -> Obj:
        """Renew a saved card as the networks' card updater does."""
        with self._lock:
            method = self._find(self._state.store.payment_methods, method_id)
            renewed = {"exp_month": exp_month, "exp_year": exp_year, "last4": last4}
            with self._state.updating("payment_method.automatically_updated", method):
                method["card"] |= {name: value for name, value in renewed.items() if value is not None}
            return public(method)

    def _processing(self, intent_id: str) -> Obj:
        intent = self._intent(intent_id)
        if intent["status"] != "processing":
            raise InvalidState(f"{intent_id} is {intent['status']}, not processing.")
        return intent
