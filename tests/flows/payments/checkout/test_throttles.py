"""Card testing: thieves who try stolen cards here are slowed down, and buyers are not."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.common.api.rates import Rate
from estuary.common.errors import TooManyRequests
from estuary.payments import throttling
from estuary.payments.models import RateLimitCounter
from stripe_sandbox import Sandbox
from tests.factories import make_user, signed_in
from tests.flows import buying
from tests.flows.buying import ATTACHES_THEN_DECLINES, CREATE, DECLINED, FINE, pay, pay_only
from tests.sandbox_bridge import deliver, post_event, settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

SETUP = "/api/v1/payments/methods/setup/"
HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"


@pytest.fixture(autouse=True)
def as_in_production(settings: Settings) -> None:
    """The limits of production, but for smaller numbers."""
    settings.PAYMENT_LIMIT, settings.SYNC_LIMIT = Rate.parse("6/10m"), Rate.parse("4/10m")
    settings.DECLINES_ALLOWED, settings.PAYMENT_LIMIT_AFTER_DECLINES = 3, 1
    settings.USERS_PER_ADDRESS = 2


def begin(buyer: APIClient, **extra: Any) -> Any:
    return buyer.post(CREATE, {"is_credit_purchase": True, "amount": "20.00"}, **extra)


def throttled(answer: Any, code: str = "too_many_requests") -> bool:
    if answer.status_code != 429:
        assert answer.status_code < 300, answer.json()
        return False
    assert (answer.json()["code"], answer["Content-Type"]) == (code, "application/problem+json")
    assert 1 <= int(answer["Retry-After"]) <= 600
    assert "try again in" in answer.json()["detail"]
    return True


def time_passes(period: timedelta) -> None:
    """Everything that is counted was so much earlier."""
    for row in RateLimitCounter.objects.all():
        row.ends_at, row.forgiven_at = row.ends_at - period, row.forgiven_at - period
        row.save()


def declines_of(who: str) -> int:
    return RateLimitCounter.objects.get(name=f"payment {who}").declines


def test_a_buyer_who_begins_too_many_payments_waits_and_stripe_hears_nothing_of_it(
    stripe: Sandbox, buyer: APIClient
) -> None:
    assert not any(throttled(begin(buyer)) for _ in range(6))
    calls_before = len(stripe.requests)
    assert throttled(begin(buyer))
    assert throttled(buyer.post(SETUP))
    assert len(stripe.requests) == calls_before
    time_passes(timedelta(minutes=10))
    assert not throttled(begin(buyer))


def test_saving_cards_counts_as_trying_them(stripe: Sandbox, buyer: APIClient) -> None:
    assert not any(throttled(buyer.post(SETUP)) for _ in range(6))
    assert throttled(buyer.post(SETUP))
    assert throttled(begin(buyer))


def test_asking_stripe_about_an_order_is_counted_for_itself(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer)
    address = f"/api/v1/orders/{order['order_id']}/sync/"
    assert not any(throttled(buyer.post(address)) for _ in range(4))
    calls_before = len(stripe.requests)
    assert throttled(buyer.post(address))
    assert len(stripe.requests) == calls_before
    assert not throttled(begin(buyer))


def test_users_who_share_an_address_share_its_limit(stripe: Sandbox, transactional_db: None) -> None:
    buyers = [signed_in(make_user(f"Sybil {number}")) for number in range(4)]
    answers = [throttled(begin(buyer, REMOTE_ADDR=HOME)) for buyer in buyers for _ in range(4)]
    assert answers == [False] * 12 + [True] * 4
    assert not throttled(begin(buyers[3], REMOTE_ADDR=ELSEWHERE))


def test_an_address_that_the_caller_makes_up_changes_nothing(
    stripe: Sandbox, transactional_db: None, settings: Settings
) -> None:
    buyers = [signed_in(make_user(f"Sybil {number}")) for number in range(4)]

    def tries(proxies: int, direct: str) -> list[bool]:
        settings.TRUSTED_PROXIES = proxies
        RateLimitCounter.objects.all().delete()
        addresses = (f"192.0.2.{number}{written}" for number in range(99))
        return [
            throttled(begin(buyer, REMOTE_ADDR=direct, HTTP_X_FORWARDED_FOR=next(addresses)))
            for buyer in buyers
            for _ in range(4)
        ]

    written = ""
    assert tries(0, HOME) == [False] * 12 + [True] * 4
    written = f", {HOME}"  # what our own proxy adds
    assert tries(1, "10.0.0.1") == [False] * 12 + [True] * 4
    assert RateLimitCounter.objects.filter(name=f"payment address {HOME}").exists()


def test_behind_a_proxy_that_nobody_configured_only_users_are_counted(
    stripe: Sandbox, transactional_db: None
) -> None:
    """One address for all the world would lock out all the world."""
    buyers = [signed_in(make_user(f"Buyer {number}")) for number in range(4)]
    assert not any(throttled(begin(buyer, REMOTE_ADDR="10.0.0.1")) for buyer in buyers for _ in range(6))
    assert throttled(begin(buyers[0], REMOTE_ADDR="10.0.0.1"))


def test_many_declines_in_a_row_leave_fewer_tries(stripe: Sandbox, buyer: APIClient, maya: User) -> None:
    order = buying.credits(buyer, "20.00")
    for _ in range(3):
        assert buying.status_of(order) != "canceled"
        pay(stripe, order, DECLINED)
    assert declines_of(f"user {maya.pk}") == 3
    intent = stripe.state.store.payment_intents.get(order["payment_intent_id"])
    assert intent is not None
    assert (buying.status_of(order), intent["status"]) == (
        "canceled",
        "canceled",
    )  # no card can be tried with it
    assert throttled(begin(buyer), "too_many_declines")
    assert throttled(buyer.post(SETUP), "too_many_declines")
    time_passes(timedelta(minutes=10))
    assert not throttled(begin(buyer))
    assert throttled(begin(buyer), "too_many_declines")
    time_passes(timedelta(hours=1))
    assert not any(throttled(begin(buyer)) for _ in range(6))


def test_a_payment_that_goes_through_ends_the_row(stripe: Sandbox, buyer: APIClient, maya: User) -> None:
    order = buying.credits(buyer, "20.00")
    for _ in range(2):
        pay(stripe, order, DECLINED)
    pay(stripe, order, FINE)
    assert declines_of(f"user {maya.pk}") == 0
    again = buying.credits(buyer, "20.00")
    pay(stripe, again, DECLINED)
    assert declines_of(f"user {maya.pk}") == 1
    assert not throttled(begin(buyer))


def test_a_decline_that_is_told_many_times_is_one(stripe: Sandbox, buyer: APIClient, maya: User) -> None:
    order = buying.credits(buyer, "20.00")
    pay_only(stripe, order, DECLINED)
    deliver(stripe, reorder=lambda waiting: [*waiting, *waiting, *reversed(waiting)])
    for _ in range(3):
        buyer.post(f"/api/v1/orders/{order['order_id']}/sync/")
    assert declines_of(f"user {maya.pk}") == 1


def test_a_saved_card_that_is_declined_at_once_counts_too(
    stripe: Sandbox, buyer: APIClient, maya: User
) -> None:
    setup = buyer.post(SETUP).json()
    stripe.control.confirm_setup(setup["setup_intent_id"], card=ATTACHES_THEN_DECLINES)
    settle_everything(stripe)
    [card] = buying.cards(buyer)
    buying.refused(
        buyer,
        402,
        "card_declined",
        is_credit_purchase=True,
        amount="20.00",
        payment_method_id=card["id"],
    )
    settle_everything(stripe)
    assert declines_of(f"user {maya.pk}") == 1


def test_cards_that_can_not_even_be_saved_count_as_declined(
    stripe: Sandbox, buyer: APIClient, maya: User
) -> None:
    setup = buyer.post(SETUP).json()
    for _ in range(3):
        stripe.control.confirm_setup(setup["setup_intent_id"], card=DECLINED)
        settle_everything(stripe)
    assert declines_of(f"user {maya.pk}") == 3
    assert throttled(buyer.post(SETUP), "too_many_declines")


def test_a_thief_with_many_accounts_is_known_by_the_address(stripe: Sandbox, transactional_db: None) -> None:
    for number in range(6):
        thief = signed_in(make_user(f"Thief {number}"))
        pay(stripe, begin(thief, REMOTE_ADDR=HOME).json(), DECLINED)
    assert declines_of(f"address {HOME}") == 6
    fresh = signed_in(make_user("Thief again"))
    assert throttled(begin(fresh, REMOTE_ADDR=HOME), "too_many_declines")
    assert not throttled(begin(fresh, REMOTE_ADDR=ELSEWHERE))
    one_good_card = begin(fresh, REMOTE_ADDR=ELSEWHERE).json()
    RateLimitCounter.objects.filter(
        name__endswith=f"user {User.objects.get(first_name='Thief', last_name='again').pk}"
    ).update(came_from=HOME)
    pay(stripe, one_good_card, FINE)
    assert declines_of(f"address {HOME}") == 6  # it buys the address nothing


def test_at_once_exactly_as_many_pass_as_may(stripe: Sandbox, maya: User) -> None:
    def knock(_: int) -> bool:
        try:
            throttling.count("payment", Rate.parse("6/10m"), user_id=maya.pk, address=HOME)
        except TooManyRequests:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(knock, range(24))) == 6


def test_events_are_never_refused_for_coming_often(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "20.00")
    pay_only(stripe, order)
    deliveries = stripe.take_deliveries()
    assert {post_event(delivery) for _ in range(20) for delivery in deliveries} == {200}


def test_what_no_count_needs_any_more_is_deleted(stripe: Sandbox, buyer: APIClient) -> None:
    begin(buyer, REMOTE_ADDR=HOME)
    time_passes(timedelta(days=1))
    assert throttling.delete_old_attempts() == 0
    time_passes(timedelta(days=2))
    assert throttling.delete_old_attempts() == 2
