"""What a scenario left behind, ready to be asked."""

import dataclasses
from typing import Any

from tests.contract.exchanges import Exchange


@dataclasses.dataclass(frozen=True)
class Scenario:
    """All that was said between a shop and the sandbox, and the events that came of it."""

    exchanges: list[Exchange]

    def at(self, endpoint: str) -> list[Exchange]:
        """Return the exchanges at one endpoint."""
        return [exchange for exchange in self.exchanges if exchange.endpoint == endpoint]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of one type that the API listed."""
        listed = [e.answer["data"] for e in self.at("GET /v1/events") if e.status == 200]
        return [event for page in listed for event in page if event["type"] == kind]

    def expanded_intent(self) -> dict[str, Any]:
        """Return a paid intent that carries its charge."""
        for exchange in self.at("GET /v1/payment_intents/{intent}"):
            charge = exchange.answer.get("latest_charge")
            if isinstance(charge, dict) and exchange.answer["status"] == "succeeded":
                return exchange.answer
        raise LookupError("the scenario never looks at a paid intent with its charge")
