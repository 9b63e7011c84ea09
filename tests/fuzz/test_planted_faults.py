"""The fuzz finds what it is there to find: each kind of bug, planted in one view."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db.models import F
from rest_framework.request import Request
from rest_framework.response import Response

from estuary.common.errors import Conflict
from estuary.credits.api import Credits
from estuary.credits.models import CreditAccount
from estuary.orders.models import Order
from estuary.payments.order_api.serializers import OrderDetailSerializer
from estuary.payments.order_api.views import OrderDetailView, SyncOrderView
from tests.fuzz.runner import Run
from tests.fuzz.test_fuzzed_api import role_named
from tests.fuzz.world import Marketplace

CREDITS, ORDER = "/api/v1/credits/", "/api/v1/orders/{order_id}/"
SYNC = "/api/v1/orders/{public_id}/sync/"


class NeverHeardOf(Conflict):
    code = "never_heard_of"


def breaks(self: Any, request: Request) -> Response:
    raise ZeroDivisionError


def says_what_is_not_documented(self: Any, request: Request) -> Response:
    raise NeverHeardOf("Nobody knows why.")


def forgets_half(self: Any, request: Request) -> Response:
    return Response({"balance": "1.00"})


def tells_a_secret(self: Any, request: Request) -> Response:
    return Response({"balance": settings.STRIPE_SECRET_KEY})


def shows_anybodys(self: Any, request: Request, order_id: str) -> Response:
    order = Order.objects.get(public_id=order_id)
    return Response(OrderDetailSerializer(order, context={"request": request}).data)


def gives_a_cent(self: Any, request: Request, public_id: str) -> Response:
    CreditAccount.objects.update(balance_minor=F("balance_minor") + 1)
    return Response({"order_id": public_id, "status": "pending"})


def as_documented(planted: Callable[..., Response], real: Callable[..., Response]) -> Callable[..., Response]:
    """The document goes on saying what it says of the real view."""

    @functools.wraps(real)
    def view(*args: Any, **kwargs: Any) -> Response:
        return planted(*args, **kwargs)

    return view


def checks_noticing(
    monkeypatch: pytest.MonkeyPatch, run: Run, view: type, path: str, planted: Callable[..., Response]
) -> set[str]:
    """Return the names of the checks that notice what was planted."""
    verb = "post" if path == SYNC else "get"
    with monkeypatch.context() as patch:
        patch.setattr(view, verb, as_documented(planted, getattr(view, verb)))
        run.findings.clear()
        run.send_all(6, phases=["fuzzing"], only=path)
        return {name for name, *_ in run.findings}


@pytest.mark.exhaustive
def test_each_kind_of_bug_is_noticed(market: Marketplace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(role_named("buyer", market), market)
    run.send_all(6, phases=["fuzzing"], only=CREDITS)
    run.send_all(6, phases=["fuzzing"], only=ORDER)
    run.send_all(6, phases=["fuzzing"], only=SYNC)
    assert not run.findings and run.tally.total() >= 12

    def noticed(view: type, path: str, planted: Callable[..., Response]) -> set[str]:
        return checks_noticing(monkeypatch, run, view, path, planted)

    assert "ServerError" in noticed(Credits, CREDITS, breaks)
    assert {"UndefinedStatusCode", "problem"} <= noticed(Credits, CREDITS, says_what_is_not_documented)
    assert "JsonSchemaError" in noticed(Credits, CREDITS, forgets_half)
    assert "secret" in noticed(Credits, CREDITS, tells_a_secret)
    assert "foreign" in noticed(OrderDetailView, ORDER, shows_anybodys)
    assert "books" in noticed(SyncOrderView, SYNC, gives_a_cent)
