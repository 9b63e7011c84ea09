"""The buyer's side: pays, saves cards, and answers 3-D Secure challenges."""

import contextlib
from typing import Any

from stripe_sandbox import checkout, checkout_form, confirmation, payment_methods, setup_intents
from stripe_sandbox.card_details import year_of
from stripe_sandbox.control.lookup import Lookup
from stripe_sandbox.errors import CardError, InvalidState
from stripe_sandbox.public_view import public
from stripe_sandbox.store import Obj

CARD = "4242424242424242"


def _allow(payable: Obj, method: Obj) -> None:
    """Allow a payment method type on an intent or session that was created without it."""
    if method["type"] not in payable["payment_method_types"]:
        payable["payment_method_types"] = [*payable["payment_method_types"], method["type"]]


class BuyerControls(Lookup):
    """What a buyer does in the browser."""

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
        """Pay as Stripe.js does: by card, saved method or `method="us_bank_account"`. The intent shows a decline.

        Other types than cards are accepted even if the intent allows cards only, as on an older intent.
        """
        with self._lock:
            intent = self._intent(intent_id)
            if intent["status"] not in confirmation.CONFIRMABLE:
                raise InvalidState(f"{intent_id} is {intent['status']} and cannot be confirmed.")
            saved_method = self._method(payment_method, method, card, details)
            _allow(intent, saved_method)
            confirmation.check_usable(self._state, saved_method, intent)
            options = confirmation.ConfirmOptions(off_session, return_url, use_stripe_sdk=return_url is None)
            with contextlib.suppress(CardError):
                confirmation.confirm(self._state, intent, saved_method, options)
            return public(intent)

    def confirm_setup(
        self,
        intent_id: str,
        card: str = CARD,
        payment_method: str | None = None,
        method: str = "card",
        **details: Any,
    ) -> Obj:
        """Save a card as Stripe.js does; the SetupIntent shows a decline. Other types: as in `confirm`."""
        with self._lock:
            intent = self._find(self._state.store.setup_intents, intent_id)
            if intent["status"] not in setup_intents.CONFIRMABLE:
                raise InvalidState(f"{intent_id} is {intent['status']} and cannot be confirmed.")
            saved_method = self._method(payment_method, method, card, details)
            _allow(intent, saved_method)
            with contextlib.suppress(CardError):
                setup_intents.set_up(
                    self._state, intent, saved_method, confirmation.ConfirmOptions(use_stripe_sdk=True)
                )
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
        custom_fields: dict[str, str] | None = None,
        phone: str | None = None,
        **details: Any,
    ) -> Obj:
        """Pay on the hosted page; `challenge` is `complete`, `fail`, or None to leave it open.

        `custom_fields` are answers by key; what the page asks for and is not given gets an example.

        Other types than cards are accepted even if the session allows cards only, as on an older session.
        """
        with self._lock:
            session = self._session(session_id)
            saved_method = self._method(payment_method, method, card, details)
            _allow(session, saved_method)
            entered = checkout_form.examples(session)
            buyer = {
                "custom_fields": entered["custom_fields"] | (custom_fields or {}),
                "phone": phone or entered["phone"],
                "email": (session["customer_details"] or {}).get("email") or email,
                "name": name,
                "save": save,
            }
            with contextlib.suppress(CardError):
                checkout.pay(self._state, session, saved_method, buyer)
            intent = self._of_session(session)
            if intent["status"] == "requires_action" and challenge:
                (self.complete_challenge if challenge == "complete" else self.fail_challenge)(intent["id"])
            return public(session)

    def expire_checkout(self, session_id: str) -> Obj:
        """Let an open session expire."""
        with self._lock:
            return public(checkout.expire_session(self._state, self._session(session_id)))

    def abandon_checkout(self, session_id: str) -> Obj:
        """Leave the hosted page: the session stays open."""
        with self._lock:
            return public(self._session(session_id))

    def complete_challenge(self, intent_id: str) -> Obj:
        """Pass the 3-D Secure challenge of a PaymentIntent or SetupIntent; the bank may still decline."""
        with self._lock:
            intent, method = self._challenged(intent_id)
            flow = confirmation if intent["object"] == "payment_intent" else setup_intents
            with contextlib.suppress(CardError):
                flow.pass_challenge(self._state, intent, method)
            return public(intent)

    def fail_challenge(self, intent_id: str) -> Obj:
        """Fail the 3-D Secure challenge of a PaymentIntent or SetupIntent."""
        with self._lock:
            intent, method = self._challenged(intent_id)
            flow = confirmation if intent["object"] == "payment_intent" else setup_intents
            flow.fail_challenge(self._state, intent, method)
            return public(intent)

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

    def _method(self, name: str | None, kind: str, number: str, details: dict[str, Any]) -> Obj:
        if name:
            return payment_methods.resolve(self._state, name)
        billing = {"billing_details": details.get("billing_details")}
        if kind != "card":
            field = "iban" if kind == "sepa_debit" else "account_number"
            account = {field: details["account"]} if details.get("account") else {}
            return payment_methods.make(self._state, {"type": kind, kind: account} | billing)
        cvc = details.get("cvc", "1234" if number.startswith(("34", "37")) else "123")
        year = details.get("exp_year", year_of(self._state) + 2)
        card = {"number": number, "exp_month": details.get("exp_month", 12), "exp_year": year, "cvc": cvc}
        return payment_methods.make(self._state, {"type": "card", "card": card} | billing)
