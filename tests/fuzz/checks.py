"""What we hold every answer to besides the document: problems with known codes, no secrets, nothing of others."""

import json
import re
from pathlib import Path
from typing import Any

from django.db.models import Q, QuerySet
from schemathesis import Case, Response

from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.catalog.models import ServiceSession
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments.doctor import SAFETY, run_checks
from estuary.payments.models import DateChange, PaymentMethod
from tests.flows.sentinels import secrets
from tests.fuzz.world import Marketplace

ERRORS = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
CODES = set(re.findall(r"^\| `(\w+)` \| \d{3} \|", ERRORS.read_text(), re.MULTILINE))
PROBLEM = "application/problem+json"
EVERYBODYS = ("/api/v1/services/", "/api/v1/payments/config/", "/api/v1/pages/", "/api/v1/calendar/")
OWN_DATE = "/api/v1/roster/sessions/{id}/"
SHOW_SECRETS = {"/api/v1/payments/create/", "/api/v1/payments/methods/setup/"}

type Verdict = tuple[str, str]


class Judge:
    """Looks at each answer, and after what may have changed something at the books."""

    def __init__(self, market: Marketplace, user: User | None) -> None:
        self.market = market
        self.user_id = user.pk if user else 0
        self.is_staff = user is not None and user.is_staff
        # A date that was deleted is nobody's any more: what others had is looked up beforehand.
        others = ServiceSession.objects.exclude(service__practitioner__user=self.user_id)
        self._sessions_of_others = {str(pk) for pk in others.values_list("pk", flat=True)}

    def verdicts(self, case: Case[Any], response: Response) -> list[Verdict]:
        """Return every rule that an answer breaks, with how."""
        problems = [*self._problem(response), *self._secrets(case, response), *self._foreign(case, response)]
        if case.method.upper() not in {"GET", "HEAD", "OPTIONS"} and response.status_code not in {
            401,
            404,
            405,
        }:
            problems += self._books()
        return problems

    def _problem(self, response: Response) -> list[Verdict]:
        if response.status_code < 400:
            return []
        kind = response.headers.get("content-type", [""])[0]
        if kind != PROBLEM:
            return [("problem", f"a {response.status_code} is {kind!r}")]
        problem = json.loads(response.content)
        if problem["code"] not in CODES:
            return [("problem", f"the code {problem['code']!r} is not in docs/reference/errors.md")]
        return (
            [] if problem["status"] == response.status_code else [("problem", "another status in the body")]
        )

    def _secrets(self, case: Case[Any], response: Response) -> list[Verdict]:
        text = response.content.decode(errors="replace")
        own = self._own_secret(case, response)
        return [
            ("secret", f"a secret is told: {secret[:12]}…")
            for secret in secrets(self.market.stripe)
            if secret in text and secret != own
        ]

    def _own_secret(self, case: Case[Any], response: Response) -> str:
        """The client secret that an answer is there to tell, if the payment or card is the sender's own."""
        if response.status_code >= 300 or case.path not in SHOW_SECRETS:
            return ""
        answer: dict[str, Any] = json.loads(response.content)
        intent = self.market.stripe.state.store.find(
            answer.get("payment_intent_id") or answer.get("setup_intent_id")
        )
        mine = intent is not None and intent["metadata"]["user_id"] == str(self.user_id)
        return str(answer.get("client_secret", "")) if mine else ""

    def _foreign(self, case: Case[Any], response: Response) -> list[Verdict]:
        """Whoever is not of staff gets nothing under an address that names a thing of somebody else."""
        if self.is_staff or response.status_code >= 300 or case.method.upper() == "OPTIONS":
            return []
        if not self.user_id and not case.path.startswith(EVERYBODYS):
            return [("foreign", "nobody is signed in")]
        named = [str(value) for value in (case.path_parameters or {}).values()]
        return [
            ("foreign", f"{name} is not the sender's")
            for name in named
            if not self._own(case.method.upper(), case.path, name)
        ]

    def _own(self, method: str, path: str, name: str) -> bool:
        """Tell whether a thing is the sender's, or everybody's as services and pages of text are."""
        if "/orders/" in path:
            return Order.objects.filter(user_id=self.user_id, public_id=name).exists()
        if path == OWN_DATE and method == "DELETE":
            return name not in self._sessions_of_others
        if "/roster/" in path:
            return self._of_own_practice(path, name)
        if "/bookings/" in path:
            return Booking.objects.filter(user_id=self.user_id, pk=name).exists()
        if "/methods/" in path:
            mine = PaymentMethod.objects.filter(user_id=self.user_id)
            by_name = Q(stripe_payment_method_id=name)
            return mine.filter(by_name | Q(pk=name) if name.isdecimal() else by_name).exists()
        # A date of the own hours names no thing of anybody.
        return any(part in path for part in ("/services/", "/pages/", "/hours/", "/calendar/"))

    def _of_own_practice(self, path: str, name: str) -> bool:
        mine: dict[str, QuerySet[Any]] = {
            "/sessions/": ServiceSession.objects.filter(service__practitioner__user=self.user_id),
            "/bookings/": Booking.objects.filter(practitioner__user=self.user_id),
            "/changes/": DateChange.objects.filter(practitioner__user=self.user_id),
        }
        [things] = [rows for part, rows in mine.items() if part in path]
        by_name = {"public_id" if "/changes/" in path else "pk": name}
        return things.filter(**by_name).exists()

    def _books(self) -> list[Verdict]:
        return [("books", str(breach)) for breach in run_checks(SAFETY, at=clock.now()).violations]
