"""The store: one table for each resource, in order of creation."""

from collections.abc import Iterator
from typing import Any

Obj = dict[str, Any]
"""A Stripe object; keys that begin with an underscore are the sandbox's own and never leave it."""


class Table:
    """Objects of one resource by id, oldest first."""

    def __init__(self, kind: str, path_param: str = "id") -> None:
        self.kind, self.path_param = kind, path_param
        self._objects: dict[str, Obj] = {}
        self._order: list[str] = []
        self._position: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def __contains__(self, object_id: object) -> bool:
        return object_id in self._objects

    def __iter__(self) -> Iterator[Obj]:
        return iter(self._objects.values())

    def add(self, obj: Obj) -> Obj:
        self._objects[obj["id"]] = obj
        self._position[obj["id"]] = len(self._order)
        self._order.append(obj["id"])
        return obj

    def get(self, object_id: Any) -> Obj | None:
        return self._objects.get(object_id) if isinstance(object_id, str) else None

    def position(self, object_id: str) -> int | None:
        return self._position.get(object_id)

    def newest_first(self, before: int | None = None) -> Iterator[Obj]:
        """Iterate from just before a position (or the end) to the oldest."""
        for index in range(len(self._order) if before is None else before, 0, -1):
            yield self._objects[self._order[index - 1]]

    def newer_than(self, position: int) -> Iterator[Obj]:
        """Iterate from just after a position to the newest."""
        for index in range(position + 1, len(self._order)):
            yield self._objects[self._order[index]]


class Store:
    """All tables; `kind` is Stripe's name of the object in its error messages."""

    def __init__(self) -> None:
        self.customers = Table("customer")
        self.payment_methods = Table("PaymentMethod", "payment_method")
        self.tokens = Table("token", "token")
        self.payment_intents = Table("payment_intent", "intent")
        self.setup_intents = Table("setupintent", "intent")
        self.mandates = Table("mandate", "mandate")
        self.setup_attempts = Table("setup_attempt")
        self.confirmation_tokens = Table("confirmationtoken", "confirmation_token")
        self.cash_balance_transactions = Table("customer_cash_balance_transaction", "transaction")
        self.customer_balance_transactions = Table("customer_balance_transaction", "transaction")
        self.charges = Table("charge")
        self.refunds = Table("refund")
        self.disputes = Table("dispute", "dispute")
        self.early_fraud_warnings = Table("early_fraud_warning", "early_fraud_warning")
        self.reviews = Table("review", "review")
        self.balance_transactions = Table("balance_transaction")
        self.events = Table("event")
        self.webhook_endpoints = Table("webhook endpoint", "webhook_endpoint")
        self.checkout_sessions = Table("checkout.session", "session")
        self.products = Table("product")
        self.prices = Table("price", "price")
        self._by_prefix = {
            "cus": self.customers, "pm": self.payment_methods, "tok": self.tokens, "pi": self.payment_intents,
            "seti": self.setup_intents, "setatt": self.setup_attempts, "ch": self.charges, "py": self.charges,
            "re": self.refunds, "pyr": self.refunds, "du": self.disputes, "txn": self.balance_transactions,
            "evt": self.events, "we": self.webhook_endpoints, "cs": self.checkout_sessions,
            "prod": self.products, "price": self.prices, "ctoken": self.confirmation_tokens,
            "card": self.payment_methods, "ccsbtxn": self.cash_balance_transactions,
            "cbtxn": self.customer_balance_transactions, "mandate": self.mandates,
            "issfr": self.early_fraud_warnings, "prv": self.reviews,
        }  # fmt: skip

    def find(self, object_id: Any) -> Obj | None:
        """Return an object of any table by its id."""
        if not isinstance(object_id, str):
            return None
        table = self._by_prefix.get(object_id.partition("_")[0])
        return table.get(object_id) if table is not None else None
