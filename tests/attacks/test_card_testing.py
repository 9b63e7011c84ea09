"""A thief tries stolen cards until one works: by each door, only so many tries, and buyers are served meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.payments import tasks
from estuary.payments.inbox import processor
from estuary.payments.models import RateLimitCounter
from stripe_sandbox import Sandbox
from stripe_sandbox.errors import StripeError
from tests.factories import a_free_slot, make_service, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import CHALLENGED, DECLINED, FINE, METHODS
from tests.sandbox_bridge import deliver, post_all, settle_everything

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("production_limits")]

SETUP = f"{METHODS}setup/"
DEN, HOME = "198.51.100.7", "203.0.113.9"
PATIENCE = 9  # tries that a thief makes with what never ends


def setup(thief: APIClient, **extra: Any) -> str:
    answer = thief.post(SETUP, **extra)
    assert answer.status_code == 201, answer.json()
    return str(answer.json()["setup_intent_id"])


def tries_until_refused(
    stripe: Sandbox, attempt: Callable[[], Any], after: Callable[[Sandbox], Any] = settle_everything
) -> int:
    """Try one card after the other, and let the shop hear of each; returns how many the bank was asked about."""
    for number in range(PATIENCE):
        try:
            attempt()
        except StripeError:
            return number
        after(stripe)
    return PATIENCE


def assert_buyers_are_served(stripe: Sandbox) -> None:
    honest = signed_in(make_user("Honest Buyer"))
    order = buying.create(honest, is_credit_purchase=True, amount="20.00")
    buying.pay(stripe, order, FINE)
    assert buying.balance(honest) == "20.00"
    stripe.control.confirm_setup(setup(honest, REMOTE_ADDR=HOME), card="5555555555554444")


def is_open(stripe: Sandbox, setup_intent_id: str) -> bool:
    intent = stripe.state.store.setup_intents.get(setup_intent_id)
    assert intent is not None
    return intent["status"] not in {"canceled", "succeeded"}


def declines_of(user: User) -> int:
    return RateLimitCounter.objects.get(name=f"payment user {user.pk}").declines


def test_one_setup_intent_tries_no_cards_without_end(stripe: Sandbox, buyer: APIClient) -> None:
    secret, spare = setup(buyer), setup(buyer)
    tries = tries_until_refused(stripe, lambda: stripe.control.confirm_setup(secret, card=DECLINED))
    assert tries == settings.DECLINES_ALLOWED
    assert not is_open(stripe, spare)
    assert_buyers_are_served(stripe)


def test_a_setup_intent_whose_answer_was_lost_is_canceled_too(stripe: Sandbox, buyer: APIClient) -> None:
    """Its id was never heard of here: the thief has its client secret all the same, or another tab."""
    from estuary.payments.models import SetupIntent

    secret = setup(buyer)
    SetupIntent.objects.update(stripe_setup_intent_id="")
    tries = tries_until_refused(stripe, lambda: stripe.control.confirm_setup(secret, card=DECLINED))
    assert tries == settings.DECLINES_ALLOWED


@pytest.mark.parametrize("is_known", [True, False])
def test_a_setup_intent_ends_with_the_hold(stripe: Sandbox, buyer: APIClient, is_known: bool) -> None:
    """Slowly, with an hour between declines, no limit is ever reached."""
    from estuary.payments.models import SetupIntent

    secret = setup(buyer)
    if not is_known:
        SetupIntent.objects.update(stripe_setup_intent_id="")
    tasks.expire_orders(timestamp=0)
    assert is_open(stripe, secret)
    with time_machine.travel(clock.now() + settings.HOLD + timedelta(minutes=1), tick=True):
        tasks.expire_orders(timestamp=0)
        assert not is_open(stripe, secret)
        assert not SetupIntent.objects.filter(ended_at=None).exists()
        calls_before = len(stripe.requests)
        tasks.expire_orders(timestamp=0)
        assert len(stripe.requests) == calls_before


def test_one_payment_tries_no_cards_without_end(stripe: Sandbox, buyer: APIClient) -> None:
    order = buying.credits(buyer, "20.00")
    tries = tries_until_refused(stripe, lambda: buying.pay_only(stripe, order, DECLINED))
    assert tries == settings.DECLINES_ALLOWED
    assert_buyers_are_served(stripe)


def test_one_hosted_page_tries_no_cards_without_end(stripe: Sandbox, buyer: APIClient) -> None:
    """Its payment is known by a label alone until the page is complete."""
    order = buying.credits(buyer, "20.00", payment_type="checkout")
    tries = tries_until_refused(stripe, lambda: buying.pay_only(stripe, order, DECLINED))
    assert tries == settings.DECLINES_ALLOWED
    assert_buyers_are_served(stripe)


def test_looking_at_the_order_after_each_try_wins_none(stripe: Sandbox, buyer: APIClient, maya: User) -> None:
    """What ``sync`` sees first is counted once, and what the event says of it later is not counted again."""
    order = buying.credits(buyer, "20.00")

    def look(stripe: Sandbox) -> None:
        buyer.post(f"/api/v1/orders/{order['order_id']}/sync/")
        settle_everything(stripe)

    tries = tries_until_refused(stripe, lambda: buying.pay_only(stripe, order, DECLINED), look)
    assert tries == settings.DECLINES_ALLOWED


def test_declines_by_payments_and_by_saving_cards_are_one_row(
    stripe: Sandbox, buyer: APIClient, maya: User
) -> None:
    order, secret = buying.credits(buyer, "20.00"), setup(buyer)
    for _ in range(2):
        buying.pay(stripe, order, DECLINED)
        stripe.control.confirm_setup(secret, card=DECLINED)
        settle_everything(stripe)
    assert declines_of(maya) == 4
    buying.pay(stripe, order, DECLINED)
    assert (buying.status_of(order), is_open(stripe, secret)) == ("canceled", False)


def test_many_payments_declined_at_once_count_each(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner
) -> None:
    """Events of one batch, all of one thief's orders: they are settled in one round."""
    sessions = [make_service(ServiceType.SESSION, ana) for _ in range(settings.DECLINES_ALLOWED)]
    orders = [
        buying.service(buyer, session, start_datetime=a_free_slot(session, nth=4 * number).isoformat())
        for number, session in enumerate(sessions)
    ]
    for order in orders:
        buying.pay_only(stripe, order, DECLINED)
    post_all(stripe)
    processor.drain()
    assert declines_of(maya) == len(orders)
    settle_everything(stripe)
    assert {buying.status_of(order) for order in orders} == {"canceled"}


def test_a_replaced_order_starts_no_new_count(stripe: Sandbox, buyer: APIClient, maya: User) -> None:
    for number in range(settings.DECLINES_ALLOWED):
        order = buying.credits(buyer, f"{20 + number}.00")
        buying.pay(stripe, order, DECLINED)
    assert declines_of(maya) == settings.DECLINES_ALLOWED
    answers = [
        buyer.post(buying.CREATE, {"is_credit_purchase": True, "amount": f"{40 + number}.00"}).status_code
        for number in range(5)
    ]
    assert answers[-1] == 429


def test_who_waits_until_the_count_is_deleted_is_counted_anew(
    stripe: Sandbox, buyer: APIClient, maya: User
) -> None:
    """The nightly job deletes rows of two days ago; a client secret may be older, or come with no request at all."""
    secret = setup(buyer)
    RateLimitCounter.objects.all().delete()
    tries = tries_until_refused(stripe, lambda: stripe.control.confirm_setup(secret, card=DECLINED))
    assert tries == settings.DECLINES_ALLOWED


def test_failed_challenges_count_each(stripe: Sandbox, buyer: APIClient, maya: User) -> None:
    """A failed challenge has no charge that names the try; it tells that the card is alive all the same."""
    order = buying.credits(buyer, "20.00")

    def fail() -> None:
        buying.pay_only(stripe, order, CHALLENGED)
        stripe.control.fail_challenge(order["payment_intent_id"])

    assert tries_until_refused(stripe, fail) == settings.DECLINES_ALLOWED


def test_many_accounts_behind_one_address_have_few_tries_more(
    stripe: Sandbox, transactional_db: None
) -> None:
    """Opened in peace, used at once: each of them stays below its own limit."""
    most = settings.DECLINES_ALLOWED * settings.USERS_PER_ADDRESS
    thieves = [signed_in(make_user(f"Thief {number}")) for number in range(12)]
    secrets = [setup(thief, REMOTE_ADDR=DEN) for thief in thieves]
    tries = 0
    for secret in secrets:
        for _ in range(settings.DECLINES_ALLOWED - 1):
            if is_open(stripe, secret):
                stripe.control.confirm_setup(secret, card=DECLINED)
                settle_everything(stripe)
                tries += 1
    assert tries <= most + len(thieves)
    assert_buyers_are_served(stripe)


def test_a_decline_told_by_several_looks_is_one(
    stripe: Sandbox, buyer: APIClient, maya: User, ana: Practitioner
) -> None:
    """Somebody honest has two payments declined: both looked at, and then told by their events."""
    session = make_service(ServiceType.SESSION, ana)
    first = buying.credits(buyer, "20.00")
    second = buying.service(buyer, session, start_datetime=a_free_slot(session).isoformat())
    for order in (first, second):
        buying.pay_only(stripe, order, DECLINED)
    for order in (first, second, first, second):
        buyer.post(f"/api/v1/orders/{order['order_id']}/sync/")
    deliver(stripe, reorder=lambda waiting: [*waiting, *waiting[::-1]])
    settle_everything(stripe)
    assert declines_of(maya) == 2
