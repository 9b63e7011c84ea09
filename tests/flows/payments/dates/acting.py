"""The steps of a practitioner who calls off or moves a date, and of guests who pay in four ways."""

from collections import Counter
from typing import Any

from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import ServiceSession
from stripe_sandbox import Sandbox
from tests.factories import make_user, signed_in
from tests.flows.buying import Json, create, pay, pay_only
from tests.sandbox_bridge import settle_everything

CARD, CREDITS, MIXED, PAGE = "card", "credits", "mixed", "hosted page"
TENDERS = (CARD, CREDITS, MIXED, PAGE)


def give_credits(stripe: Sandbox, buyer: APIClient, amount: str) -> None:
    pay(stripe, create(buyer, is_credit_purchase=True, amount=amount))


def buy_seat(stripe: Sandbox, buyer: APIClient, session: ServiceSession, tender: str = CARD) -> Json:
    """Buy a seat of a workshop of 100.00 by one of four tenders, and let everything that follows happen."""
    if tender in {CREDITS, MIXED}:
        give_credits(stripe, buyer, "100.00" if tender == CREDITS else "30.00")
    body: dict[str, Any] = {"use_credits": True} if tender in {CREDITS, MIXED} else {}
    if tender == PAGE:
        body["payment_type"] = "checkout"
    order = create(
        buyer,
        service_id=str(session.service_id),
        scheduling_data={"service_session_id": str(session.pk)},
        **body,
    )
    if tender != CREDITS:
        pay_only(stripe, order)
    settle_everything(stripe)
    return order


def guests(stripe: Sandbox, session: ServiceSession, how_many: int) -> list[tuple[APIClient, Json, str]]:
    """Let guests buy a seat each, by the four tenders in turn."""
    bought = []
    for number in range(how_many):
        buyer, tender = signed_in(make_user(f"Guest{number} Park")), TENDERS[number % len(TENDERS)]
        bought.append((buyer, buy_seat(stripe, buyer, session, tender), tender))
    return bought


def host(practitioner: Practitioner) -> APIClient:
    return signed_in(practitioner.user)


def call_off_url(session: ServiceSession) -> str:
    return f"/api/v1/roster/sessions/{session.pk}/call-off/"


def move_url(session: ServiceSession) -> str:
    return f"/api/v1/roster/sessions/{session.pk}/move/"


DAYS = "/api/v1/roster/days/call-off/"


def preview(host: APIClient, url: str, **params: Any) -> Json:
    answer = host.get(url, params)
    assert answer.status_code == 200, answer.json()
    return dict(answer.json())


def act(host: APIClient, url: str, *, message: str = "", **params: Any) -> Json:
    """Preview a change and confirm exactly that."""
    shown = preview(host, url, **params)
    answer = host.post(url, {"preview_id": shown["preview_id"], "message": message, **params})
    assert answer.status_code == 202, answer.json()
    return dict(answer.json())


def progress(host: APIClient, change: Json) -> Json:
    return dict(host.get(f"/api/v1/roster/changes/{change['change_id']}/").json())


def refusal(answer: Any) -> tuple[int, str]:
    problem = answer.json()
    assert len(problem["detail"].split()) > 4, problem
    return answer.status_code, problem["code"]


def by_tender(shown: Json) -> Counter[str]:
    """Return what goes back by each tender, in minor units."""
    sums: Counter[str] = Counter()
    for row in shown["rows"]:
        if row["act"] == "refund":
            sums[row["tender"]] += round(float(row["amount"]) * 100)
    return sums
