"""Each declined attempt to pay is one sentence of the order's timeline, with the reason that the buyer read."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.urls import reverse

from estuary.orders.models import Order
from estuary.payments.admin.timeline import Entry, declines
from estuary.payments.models import WebhookEvent
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client
from tests.factories import make_user, signed_in
from tests.flows import buying
from tests.query_plans import as_if_large, read_whole
from tests.sandbox_bridge import settle_everything

type Pinned = Callable[[int], AbstractContextManager[object]]

pytestmark = pytest.mark.django_db(transaction=True)

GENERIC, NO_FUNDS, EXPIRED = "4000000000000002", "4000000000009995", "4000000000000069"
WRONG_CVC, FRAUDULENT = "4000000000000127", "4100000000000019"
REASONS = {
    GENERIC: "Visa •••• 0002 was declined: Your card was declined.",
    NO_FUNDS: "Visa •••• 9995 was declined: Your card has insufficient funds.",
    EXPIRED: "Visa •••• 0069 was declined: Your card has expired.",
    WRONG_CVC: "Visa •••• 0127 was declined: Your card's security code is incorrect.",
    FRAUDULENT: "Visa •••• 0019 was declined: Your card was declined.",
}


def declines_of(order: Order) -> list[Entry]:
    page = admin_client("orders.view_order").get(reverse("admin:orders_order_change", args=[order.pk]))
    words = ("eclined", "not passed")
    return [entry for entry in page.context["timeline"] if any(word in entry.sentence for word in words)]


def declined(stripe: Sandbox, *numbers: str, **body: str) -> buying.Json:
    purchase = buying.credits(signed_in(make_user("Maya Lindqvist")), **body)
    for number in numbers:
        buying.pay(stripe, purchase, number)
    return purchase


@pytest.mark.parametrize("payment_type", ["intent", "checkout"])
def test_five_declines_are_five_sentences_with_their_reasons_also_once_it_is_paid(
    stripe: Sandbox, payment_type: str
) -> None:
    purchase = declined(stripe, *REASONS, payment_type=payment_type)
    order = buying.order_of(purchase)
    assert [entry.sentence for entry in declines_of(order)] == list(REASONS.values())
    buying.pay(stripe, purchase)
    shown = declines_of(order)
    assert [entry.sentence for entry in shown] == list(REASONS.values())
    # Two were declined in the same words; Stripe's code, which a buyer is not to be told, stands beside.
    assert [entry.ids[0] for entry in shown] == [
        "generic_decline", "insufficient_funds", "expired_card", "incorrect_cvc", "fraudulent",
    ]  # fmt: skip
    assert all(entry.ids[1].startswith("ch_") and entry.ids[2].startswith("evt_") for entry in shown)


def test_a_decline_is_told_by_either_of_its_two_events(stripe: Sandbox) -> None:
    order = buying.order_of(declined(stripe, NO_FUNDS, EXPIRED))
    expected = [REASONS[NO_FUNDS], REASONS[EXPIRED]]
    assert WebhookEvent.objects.filter(type__endswith="failed").count() == 4
    WebhookEvent.objects.filter(type="payment_intent.payment_failed").delete()
    assert [entry.sentence for entry in declines_of(order)] == expected
    assert [entry.ids[0] for entry in declines_of(order)] == ["insufficient_funds", "expired_card"]


def test_each_failed_3_d_secure_check_is_told(stripe: Sandbox) -> None:
    purchase = declined(stripe)
    for _ in range(2):
        buying.pay(stripe, purchase, buying.CHALLENGED)
        stripe.control.fail_challenge(purchase["payment_intent_id"])
        settle_everything(stripe)
    buying.pay(stripe, purchase)
    shown = declines_of(buying.order_of(purchase))
    assert [entry.sentence.partition(": ")[0] for entry in shown] == [
        "The bank’s check of Visa •••• 3155 (3-D Secure) was not passed"
    ] * 2
    assert all("authenticate" in entry.sentence for entry in shown)


def test_without_its_events_the_last_decline_is_told(stripe: Sandbox) -> None:
    order = buying.order_of(declined(stripe, GENERIC, NO_FUNDS))
    WebhookEvent.objects.all().delete()
    [entry] = declines_of(order)
    assert entry.sentence == "The last attempt was declined: Your card has insufficient funds."
    assert entry.ids == ("insufficient_funds",)


def test_any_number_of_declines_is_one_query_by_index_and_a_bounded_number_of_sentences(
    stripe: Sandbox, django_assert_num_queries: Pinned, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = buying.order_of(declined(stripe, *REASONS))
    with django_assert_num_queries(1):
        assert len(declines.DECLINES.load(order)) == 5
    with as_if_large() as plans:
        declines.DECLINES.load(order)
    assert not read_whole(plans)
    monkeypatch.setattr(declines, "MAX_DECLINES", 2)
    earlier, *newest = [entry.sentence for entry in declines_of(order)]
    assert earlier == "Declined more often than the 2 times below: the inbox has the earlier ones."
    assert newest == list(REASONS.values())[-2:]


def test_an_order_that_was_not_tried_to_pay_has_no_decline(stripe: Sandbox) -> None:
    assert declines_of(buying.order_of(declined(stripe))) == []
