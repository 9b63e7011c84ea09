"""The hands on the sandbox: acts as the buyer, the bank, the dashboard and the network."""

import contextlib
from typing import TYPE_CHECKING, Any

from stripe_sandbox import (
    bank_accounts,
    checkout,
    confirmation,
    customers,
    disputes,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
    tokens,
)
from stripe_sandbox.errors import CardError, InvalidState, no_such
from stripe_sandbox.render import public
from stripe_sandbox.store import Obj, Table

if TYPE_CHECKING:
    from stripe_sandbox.sandbox import Sandbox
    from stripe_sandbox.state import SandboxState

CARD = "4242424242424242"


def _allow(payable: Obj, method: Obj) -> None:
    """Let an intent or a page take a type that it was not made for."""
    if method["type"] not in payable["payment_method_types"]:
        payable["payment_method_types"] = [*payable["payment_method_types"], method["type"]]


class Control:
    """Every method answers with the object as it then stands; what can't be done raises a StripeError."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox

    @property
    def _state(self) -> "SandboxState":
        return self._sandbox.state

    # The buyer

    def confirm(
        self,
        intent_id: str,
        card: str = CARD,
        payment_method: str | None = None,
        method: str = "card",
        return_url: str | None = None,
        off_session: bool = False,
        **details: Any,
    ) -> Obj:
        """Pay as Stripe.js does, by card, saved method or `method="us_bank_account"`; it shows a decline.

        What is no card is taken even where the intent allows cards only, as if it had been begun before that.
        """
        with self._sandbox.lock:
            intent = self._intent(intent_id)
            if intent["status"] not in confirmation.CONFIRMABLE:
                raise InvalidState(f"{intent_id} is {intent['status']} and cannot be confirmed.")
            paying = self._method(payment_method, method, card, details)
            _allow(intent, paying)
            confirmation.check_usable(self._state, paying, intent)
            manner = confirmation.Manner(off_session, return_url, use_stripe_sdk=return_url is None)
            with contextlib.suppress(CardError):
                confirmation.confirm(self._state, intent, paying, manner)
            return public(intent)

    def confirm_setup(
        self,
        intent_id: str,
        card: str = CARD,
        payment_method: str | None = None,
        method: str = "card",
        **details: Any,
    ) -> Obj:
        """Save a card as Stripe.js does with a SetupIntent; a refusal shows on it. Of other types: see `confirm`."""
        with self._sandbox.lock:
            intent = self._find(self._state.store.setup_intents, intent_id)
            if intent["status"] not in setup_intents.CONFIRMABLE:
                raise InvalidState(f"{intent_id} is {intent['status']} and cannot be confirmed.")
            saving = self._method(payment_method, method, card, details)
            _allow(intent, saving)
            with contextlib.suppress(CardError):
                setup_intents.set_up(self._state, intent, saving, confirmation.Manner(use_stripe_sdk=True))
            return public(intent)

    def pay_checkout(
        self,
        session_id: str,
        card: str = CARD,
        payment_method: str | None = None,
        method: str = "card",
        email: str = "buyer@example.com",
        name: str = "Sandbox Buyer",
        save: bool = False,
        challenge: str | None = "complete",
        **details: Any,
    ) -> Obj:
        """Pay on the hosted page; `challenge` is `complete`, `fail`, or None to leave one standing.

        What is no card is taken even where the page allows cards only, as of a page made before that.
        """
        with self._sandbox.lock:
            session = self._session(session_id)
            paying = self._method(payment_method, method, card, details)
            _allow(session, paying)
            buyer = {
                "email": (session["customer_details"] or {}).get("email") or email,
                "name": name,
                "save": save,
            }
            with contextlib.suppress(CardError):
                checkout.pay(self._state, session, paying, buyer)
            intent = self._of_session(session)
            if intent["status"] == "requires_action" and challenge:
                (self.complete_challenge if challenge == "complete" else self.fail_challenge)(intent["id"])
            return public(session)

    def expire_checkout(self, session_id: str) -> Obj:
        """Let an open session's time run out."""
        with self._sandbox.lock:
            return public(checkout.expire_session(self._state, self._session(session_id)))

    def abandon_checkout(self, session_id: str) -> Obj:
        """Go back from the hosted page: nothing changes, and the session stays open."""
        with self._sandbox.lock:
            return public(self._session(session_id))

    def complete_challenge(self, intent_id: str) -> Obj:
        """Pass the 3-D Secure challenge of a payment or set-up; the bank may still decline."""
        with self._sandbox.lock:
            intent, method = self._challenged(intent_id)
            passing = confirmation if intent["object"] == "payment_intent" else setup_intents
            with contextlib.suppress(CardError):
                passing.pass_challenge(self._state, intent, method)
            return public(intent)

    def fail_challenge(self, intent_id: str) -> Obj:
        """Fail the 3-D Secure challenge of a payment or set-up."""
        with self._sandbox.lock:
            intent, method = self._challenged(intent_id)
            failing = confirmation if intent["object"] == "payment_intent" else setup_intents
            failing.fail_challenge(self._state, intent, method)
            return public(intent)

    # The bank

    def settle(self, intent_id: str) -> Obj:
        """Let the money of a processing payment arrive."""
        with self._sandbox.lock:
            intent = self._processing(intent_id)
            confirmation.settle(self._state, intent)
            return public(intent)

    def fail_settlement(self, intent_id: str) -> Obj:
        """Let a processing payment fail."""
        with self._sandbox.lock:
            intent = self._processing(intent_id)
            method = self._find(self._state.store.payment_methods, intent["payment_method"])
            refusal = (
                bank_accounts.by_number(method["_number"], method["type"]).failure or bank_accounts.FUNDS
            )
            confirmation.fail_settlement(self._state, intent, refusal)
            return public(intent)

    def succeed_refund(self, refund_id: str) -> Obj:
        """Let a pending refund reach the buyer."""
        with self._sandbox.lock:
            return public(refunds.succeed(self._state, self._find(self._state.store.refunds, refund_id)))

    def fail_refund(self, refund_id: str, reason: str = "expired_or_canceled_card") -> Obj:
        """Let a refund come back from the buyer's bank."""
        with self._sandbox.lock:
            return public(refunds.fail(self._state, self._find(self._state.store.refunds, refund_id), reason))

    def dispute(
        self, intent_id: str, reason: str = "fraudulent", inquiry: bool = False, amount: int | None = None
    ) -> Obj:
        """Dispute a payment as its cardholder, all of it or an amount in minor units."""
        with self._sandbox.lock:
            charge = self._charge(intent_id)
            return public(
                disputes.open_dispute(self._state, charge, reason=reason, inquiry=inquiry, amount=amount)
            )

    def escalate_dispute(self, dispute_id: str) -> Obj:
        """Turn an inquiry into a chargeback."""
        with self._sandbox.lock:
            dispute = self._find(self._state.store.disputes, dispute_id)
            return public(disputes.escalate(self._state, dispute))

    def appeal_dispute(self, dispute_id: str) -> Obj:
        """Appeal against a lost dispute."""
        with self._sandbox.lock:
            dispute = self._find(self._state.store.disputes, dispute_id)
            return public(disputes.appeal(self._state, dispute))

    def close_dispute(self, dispute_id: str, outcome: str = "lost") -> Obj:
        """Decide a dispute: `won`, `lost`, or `warning_closed` for an inquiry."""
        with self._sandbox.lock:
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
        with self._sandbox.lock:
            method = self._find(self._state.store.payment_methods, method_id)
            renewed = {"exp_month": exp_month, "exp_year": exp_year, "last4": last4}
            with self._state.updating("payment_method.automatically_updated", method):
                method["card"] |= {name: value for name, value in renewed.items() if value is not None}
            return public(method)

    # The dashboard

    def refund(self, intent_id: str, amount: int | None = None, reason: str | None = None) -> Obj:
        """Refund a payment, all that is left or an amount in minor units, with no metadata of ours."""
        with self._sandbox.lock:
            charge = self._charge(intent_id)
            return public(refunds.refund_charge(self._state, charge, amount, {"reason": reason}))

    def cancel(self, intent_id: str, reason: str | None = "requested_by_customer") -> Obj:
        """Cancel a payment that is not yet made."""
        with self._sandbox.lock:
            return public(payment_intents.cancel_intent(self._state, self._intent(intent_id), reason))

    def delete_customer(self, customer_id: str) -> Obj:
        """Delete a customer."""
        with self._sandbox.lock:
            customer = self._find(self._state.store.customers, customer_id)
            return public(customers.remove(self._state, customer))

    def detach(self, method_id: str, *, names_customer: bool = True) -> Obj:
        """Remove a saved card from its customer; its event need not say whose it was."""
        with self._sandbox.lock:
            method = self._find(self._state.store.payment_methods, method_id)
            detached = payment_methods.detach_from_customer(
                self._state, method, names_customer=names_customer
            )
            return public(detached)

    # The network

    def resend(self, event_id: str) -> Obj:
        """Deliver an event again, as the dashboard's Resend does."""
        with self._sandbox.lock:
            event = self._find(self._state.store.events, event_id)
            self._state.send_again(event)
            return public(event)

    def lose_events(self) -> int:
        """Lose every delivery that is still to be made; return how many."""
        with self._sandbox.lock:
            return self._state.outbox.discard()

    def hold_events(self, match: str = "*") -> None:
        """Hold back the deliveries of what happens from now on."""
        with self._sandbox.lock:
            self._state.faults.add("hold", match, times=None)

    def release_events(self) -> int:
        """Stop holding back, and deliver what was held; return how many."""
        with self._sandbox.lock:
            self._state.faults.remove("hold")
            return self._state.outbox.release()

    def revoke_key(self, key: str) -> None:
        """Make an API key one that Stripe no longer knows."""
        with self._sandbox.lock:
            self._state.settings.revoked_keys.add(key)

    def advance(self, seconds: float) -> float:
        """Let the sandbox's clock run ahead and do what falls due; return its time."""
        with self._sandbox.lock:
            self._sandbox.clock.advance(seconds)
            self._state.timers.run_due()
            return self._sandbox.clock.now()

    # Finding things

    def _intent(self, intent_id: str) -> Obj:
        return self._find(self._state.store.payment_intents, intent_id)

    def _session(self, session_id: str) -> Obj:
        return self._find(self._state.store.checkout_sessions, session_id)

    def _of_session(self, session: Obj) -> Obj:
        intent = self._state.store.find(session["payment_intent"] or session["setup_intent"])
        assert intent is not None
        return intent

    def _challenged(self, intent_id: str) -> tuple[Obj, Obj]:
        store = self._state.store
        intent = self._find(
            store.setup_intents if intent_id.startswith("seti_") else store.payment_intents, intent_id
        )
        if intent["status"] != "requires_action":
            raise InvalidState(f"{intent['id']} is {intent['status']}; there is no challenge to finish.")
        return intent, self._find(store.payment_methods, intent["payment_method"])

    def _processing(self, intent_id: str) -> Obj:
        intent = self._intent(intent_id)
        if intent["status"] != "processing":
            raise InvalidState(f"{intent_id} is {intent['status']}, not processing.")
        return intent

    def _charge(self, object_id: str) -> Obj:
        charges = self._state.store.charges
        if object_id in charges:
            return self._find(charges, object_id)
        return self._find(charges, self._intent(object_id)["latest_charge"] or "")

    def _method(self, name: str | None, kind: str, number: str, details: dict[str, Any]) -> Obj:
        if name:
            return payment_methods.resolve(self._state, name)
        billing = {"billing_details": details.get("billing_details")}
        if kind != "card":
            field = "iban" if kind == "sepa_debit" else "account_number"
            account = {field: details["account"]} if details.get("account") else {}
            return payment_methods.make(self._state, {"type": kind, kind: account} | billing)
        cvc = details.get("cvc", "1234" if number.startswith(("34", "37")) else "123")
        year = details.get("exp_year", tokens.year_of(self._state) + 2)
        card = {"number": number, "exp_month": details.get("exp_month", 12), "exp_year": year, "cvc": cvc}
        return payment_methods.make(self._state, {"type": "card", "card": card} | billing)

    @staticmethod
    def _find(table: Table, object_id: str) -> Obj:
        obj = table.get(object_id)
        if obj is None:
            raise no_such(table.kind, object_id, table.path_param)
        return obj
