"""An answer of the server that gets lost on the way, and the click that asks again."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.shopper import DECLINED, Shopper

SOUND_BATH, PRICE = "Sound bath at dusk", "35.00"
CREATE = "**/api/v1/payments/create/"


class Line:
    """The way to the server, on which a test may lose or replace the first answer; notes each request's key."""

    def __init__(self, shopper: Shopper, first: str = "") -> None:
        self.keys: list[str | None] = []
        self._first = first
        shopper.page.route(CREATE, self._pass)

    def _pass(self, route: Route) -> None:
        self.keys.append(route.request.headers.get("idempotency-key"))
        if len(self.keys) > 1 or not self._first:
            route.continue_()
        elif self._first == "lost":
            route.fetch()  # the server carries it out
            route.abort()
        else:
            status = 409 if self._first == "idempotency_key_in_flight" else 422
            body = {"code": self._first, "detail": "Ask again."}
            route.fulfill(status=status, headers={"Retry-After": "1"}, json=body)


def test_a_lost_answer_is_asked_for_again_under_the_same_key(shopper: Shopper) -> None:
    line = Line(shopper, "lost")
    shopper.chooses(SOUND_BATH).types_card().pays(PRICE).is_told("Check your connection")
    shopper.pays(PRICE).is_thanked()
    assert len(line.keys) == 2
    assert line.keys[0] == line.keys[1] != ""
    expect(shopper.orders()).to_have_count(1)


@pytest.mark.exhaustive
def test_a_first_request_still_under_way_is_waited_for(shopper: Shopper) -> None:
    line = Line(shopper, "idempotency_key_in_flight")
    shopper.chooses(SOUND_BATH).types_card().pays(PRICE).is_thanked()
    assert len(line.keys) == 2
    assert len(set(line.keys)) == 1


@pytest.mark.exhaustive
def test_a_key_that_came_with_something_else_is_replaced(shopper: Shopper) -> None:
    line = Line(shopper, "idempotency_key_reused")
    shopper.chooses(SOUND_BATH).types_card().pays(PRICE).is_thanked()
    assert len(line.keys) == len(set(line.keys)) == 2


@pytest.mark.exhaustive
def test_each_attempt_has_a_key_of_its_own(shopper: Shopper) -> None:
    line = Line(shopper)
    shopper.chooses(SOUND_BATH).types_card(DECLINED).pays(PRICE).is_told("declined")
    shopper.types_card().pays(PRICE).is_thanked()
    assert None not in line.keys
    assert len(line.keys) == len(set(line.keys)) == 2
