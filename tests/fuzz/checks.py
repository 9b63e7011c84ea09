"""What we hold every answer to besides the document: problems with known codes, no secrets, nothing of others."""

import json
import re
from pathlib import Path
from typing import Any

from schemathesis import Case, Response

from estuary.common import clock
from estuary.payments.doctor import SAFETY, examine
from tests.flows.canaries import secrets
from tests.fuzz.world import Buyer, Marketplace

ERRORS = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
CODES = set(re.findall(r"^\| `(\w+)` \| \d{3} \|", ERRORS.read_text(), re.MULTILINE))
PROBLEM = "application/problem+json"
TOLD_TO_THEIR_OWNER = {"/api/v1/payments/create/", "/api/v1/payments/methods/setup/"}

type Verdict = tuple[str, str]


class Judge:
    """Looks at each answer, and after what may have changed something at the books."""

    def __init__(self, market: Marketplace, user_id: int, owner: Buyer, other: Buyer) -> None:
        self.market, self.user_id, self.owner, self.other = market, user_id, owner, other

    def verdicts(self, case: Case, response: Response) -> list[Verdict]:
        """Return every rule that an answer breaks, with how."""
        found = [*self._problem(response), *self._secrets(case, response)]
        if case.method.upper() not in {"GET", "HEAD", "OPTIONS"} and response.status_code not in {401, 404, 405}:
            found += self._books()
        return found

    def _problem(self, response: Response) -> list[Verdict]:
        if response.status_code < 400:
            return []
        kind = response.headers.get("content-type", [""])[0]
        if kind != PROBLEM:
            return [("problem", f"a {response.status_code} is {kind!r}")]
        told = json.loads(response.content)
        if told["code"] not in CODES:
            return [("problem", f"the code {told['code']!r} is not in docs/reference/errors.md")]
        return [] if told["status"] == response.status_code else [("problem", "another status in the body")]

    def _secrets(self, case: Case, response: Response) -> list[Verdict]:
        text = response.content.decode(errors="replace")
        own = self._own_secret(case, response)
        return [
            ("secret", f"a secret is told: {secret[:12]}…")
            for secret in secrets(self.market.stripe)
            if secret in text and secret != own
        ]

    def _own_secret(self, case: Case, response: Response) -> str:
        """The client secret that an answer is there to tell, if the payment or card is the sender's own."""
        if response.status_code >= 300 or case.path not in TOLD_TO_THEIR_OWNER:
            return ""
        told: dict[str, Any] = json.loads(response.content)
        found = self.market.stripe.world.store.find(told.get("payment_intent_id") or told.get("setup_intent_id"))
        mine = found is not None and found["metadata"]["user_id"] == str(self.user_id)
        return str(told.get("client_secret", "")) if mine else ""

    def _books(self) -> list[Verdict]:
        return [("books", str(breach)) for breach in examine(SAFETY, at=clock.now()).breaches]
