"""The hands on the sandbox: acts as the buyer, the bank, the dashboard and the network."""

from typing import TYPE_CHECKING, Any

from stripe_sandbox import attempts, customers, disputes, payment_methods, refunds
from stripe_sandbox.errors import CardError, InvalidState, no_such
from stripe_sandbox.render import public
from stripe_sandbox.store import Obj, Table

if TYPE_CHECKING:
    from stripe_sandbox.sandbox import Sandbox
    from stripe_sandbox.world import World

CARD = "4242424242424242"


class Control:
    """Every method answers with the object as it then stands; what can't be done raises a StripeError."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox

    @property
    def _world(self) -> "World":
        return self._sandbox.world

    # The buyer

    def confirm(self, intent_id: str, card: str = CARD, payment_method: str | None = None, **data: Any) -> Obj:
        """Pay as Stripe.js does, with a card number or a saved method; a decline shows on the intent."""
        with self._sandbox.lock:
            intent = self._intent(intent_id)
            if intent["status"] not in attempts.CONFIRMABLE:
                raise InvalidState(f"{intent_id} is {intent['status']} and cannot be confirmed.")
            method = self._method(payment_method, card, data)
            manner = attempts.Manner(use_stripe_sdk=True, return_url=data.get("return_url"))
            try:
                attempts.confirm(self._world, intent, method, manner)
            except CardError:
                pass
            return public(intent)

    def complete_challenge(self, intent_id: str) -> Obj:
        """Pass the 3-D Secure challenge of an intent; the bank may still decline."""
        with self._sandbox.lock:
            intent = self._intent(intent_id)
            try:
                attempts.pass_challenge(self._world, intent, self._challenged(intent))
            except CardError:
                pass
            return public(intent)

    def fail_challenge(self, intent_id: str) -> Obj:
        """Fail the 3-D Secure challenge of an intent."""
        with self._sandbox.lock:
            intent = self._intent(intent_id)
            attempts.fail_challenge(self._world, intent, self._challenged(intent))
            return public(intent)

    # The bank

    def settle(self, intent_id: str) -> Obj:
        """Let the money of a processing payment arrive."""
        with self._sandbox.lock:
            intent = self._processing(intent_id)
            attempts.settle(self._world, intent)
            return public(intent)

    def fail_settlement(self, intent_id: str) -> Obj:
        """Let a processing payment fail."""
        with self._sandbox.lock:
            intent = self._processing(intent_id)
            method = self._find(self._world.store.payment_methods, intent["payment_method"])
            attempts.fail_settlement(self._world, intent, attempts.default_failure(intent, method))
            return public(intent)

    def succeed_refund(self, refund_id: str) -> Obj:
        """Let a pending refund reach the buyer."""
        with self._sandbox.lock:
            return public(refunds.succeed(self._world, self._find(self._world.store.refunds, refund_id)))

    def fail_refund(self, refund_id: str) -> Obj:
        """Let a refund come back from the buyer's bank."""
        with self._sandbox.lock:
            return public(refunds.fail(self._world, self._find(self._world.store.refunds, refund_id)))

    def dispute(self, intent_id: str, reason: str = "fraudulent", inquiry: bool = False) -> Obj:
        """Dispute a payment as its cardholder."""
        with self._sandbox.lock:
            charge = self._charge(intent_id)
            return public(disputes.open_dispute(self._world, charge, reason=reason, inquiry=inquiry))

    def close_dispute(self, dispute_id: str, outcome: str = "lost") -> Obj:
        """Decide a dispute: `won`, `lost`, or `warning_closed` for an inquiry."""
        with self._sandbox.lock:
            dispute = self._find(self._world.store.disputes, dispute_id)
            return public(disputes.close_dispute(self._world, dispute, outcome))

    def update_card(
        self, method_id: str, exp_month: int | None = None, exp_year: int | None = None, last4: str | None = None
    ) -> Obj:
        """Renew a saved card as the networks' card updater does."""
        with self._sandbox.lock:
            method = self._find(self._world.store.payment_methods, method_id)
            renewed = {"exp_month": exp_month, "exp_year": exp_year, "last4": last4}
            with self._world.updating("payment_method.automatically_updated", method):
                method["card"] |= {name: value for name, value in renewed.items() if value is not None}
            return public(method)

    # The dashboard

    def refund(self, intent_id: str, amount: int | None = None, reason: str | None = None) -> Obj:
        """Refund a payment, all that is left or an amount in minor units, with no metadata of ours."""
        with self._sandbox.lock:
            charge = self._charge(intent_id)
            return public(refunds.refund_charge(self._world, charge, amount, {"reason": reason}))

    def delete_customer(self, customer_id: str) -> Obj:
        """Delete a customer."""
        with self._sandbox.lock:
            customer = self._find(self._world.store.customers, customer_id)
            return public(customers.remove(self._world, customer))

    def detach(self, method_id: str) -> Obj:
        """Remove a saved card from its customer."""
        with self._sandbox.lock:
            method = self._find(self._world.store.payment_methods, method_id)
            return public(payment_methods.detach_from_customer(self._world, method))

    # Finding things

    def _intent(self, intent_id: str) -> Obj:
        return self._find(self._world.store.payment_intents, intent_id)

    def _challenged(self, intent: Obj) -> Obj:
        if intent["status"] != "requires_action":
            raise InvalidState(f"{intent['id']} is {intent['status']}; there is no challenge to finish.")
        return self._find(self._world.store.payment_methods, intent["payment_method"])

    def _processing(self, intent_id: str) -> Obj:
        intent = self._intent(intent_id)
        if intent["status"] != "processing":
            raise InvalidState(f"{intent_id} is {intent['status']}, not processing.")
        return intent

    def _charge(self, object_id: str) -> Obj:
        charges = self._world.store.charges
        if object_id in charges:
            return self._find(charges, object_id)
        return self._find(charges, self._intent(object_id)["latest_charge"] or "")

    def _method(self, name: str | None, number: str, data: dict[str, Any]) -> Obj:
        if name:
            return payment_methods.resolve(self._world, name)
        year = 2000 + (self._world.now - 946_684_800) // 31_556_952 + 2
        card = {"number": number, "exp_month": 12, "exp_year": year, "cvc": data.get("cvc", "123")}
        if number.startswith(("34", "37")):
            card["cvc"] = data.get("cvc", "1234")
        details = {"billing_details": data.get("billing_details")}
        return payment_methods.make(self._world, {"type": "card", "card": card} | details)

    @staticmethod
    def _find(table: Table, object_id: str) -> Obj:
        obj = table.get(object_id)
        if obj is None:
            raise no_such(table.kind, object_id, table.path_param)
        return obj
