"""Refunding bought credits claws them back in proportion, to the cent, even when they are spent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import Service, ServiceType
from estuary.credits.models import CreditTransaction
from estuary.orders.models import OrderType
from estuary.orders.states import Status
from estuary.payments.models import Refund
from estuary.payments.settlement.effects import PostCredits
from estuary.payments.settlement.rules.refunds import follow_up_effects
from estuary.payments.settlement.state import OrderState, RefundState
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_service
from tests.flows import buying
from tests.flows.buying import order_of, status_of
from tests.flows.disputing import close, dispute
from tests.order_states import a_refund, an_order
from tests.sandbox_bridge import settle_everything

flow = pytest.mark.django_db(transaction=True)


@flow
@pytest.mark.parametrize("origin", ["staff", "dashboard"])
def test_partial_refunds_claw_back_in_proportion_and_add_up_exactly(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, origin: str
) -> None:
    order = buying.buy_credits(stripe, buyer, "33.33")
    for minor, left in ((1, "33.32"), (1111, "22.21"), (2221, "0.00")):
        if origin == "staff":
            buying.refund(staff, order, amount=f"{minor / 100:.2f}")
        else:
            stripe.control.refund(order["payment_intent_id"], amount=minor)
        settle_everything(stripe)
        assert buying.balance(buyer) == left
    assert status_of(order) == "refunded"
    lines = CreditTransaction.objects.filter(order=order_of(order)).order_by("id")
    assert list(lines.values_list("kind", "amount_minor")) == [
        ("purchase", 3333),
        ("refund", -1),
        ("refund", -1111),
        ("refund", -2221),
    ]


@flow
@pytest.mark.parametrize("ends", ["canceled", "refunded", "lost"])
def test_credits_of_what_has_the_longest_name_come_back(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, ends: str
) -> None:
    """The ledger's line names it, with words around it."""
    buying.buy_credits(stripe, buyer, "40.00")
    name = "Long bath ".ljust(Service._meta.get_field("name").max_length or 0, "m")
    session = make_service(ServiceType.SESSION, ana, name=name)
    slot = {"start_datetime": a_free_slot(session).isoformat()}
    order = buying.create(buyer, service_id=str(session.pk), scheduling_data=slot, use_credits=True)
    buying.pay(stripe, order)
    if ends == "canceled":
        [booking] = buying.detail(buyer, order)["bookings"]
        assert buyer.post(f"/api/v1/bookings/{booking['id']}/cancel/").status_code == 200
    elif ends == "refunded":
        buying.refund(staff, order)
    else:
        close(stripe, dispute(stripe, order), "lost")
    settle_everything(stripe)
    assert buying.balance(buyer) == "40.00"
    assert CreditTransaction.objects.order_by("-id")[0].note.endswith("mmm")


@flow
def test_credits_spent_before_their_purchase_is_refunded_leave_a_recorded_debt(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner
) -> None:
    order = buying.buy_credits(stripe, buyer, "100.00")
    session = make_service(ServiceType.SESSION, ana, usd=8000)
    start = a_free_slot(session).isoformat()
    buying.create(
        buyer, service_id=str(session.pk), use_credits=True, scheduling_data={"start_datetime": start}
    )
    buying.refund(staff, order)
    settle_everything(stripe)
    assert (buying.balance(buyer), status_of(order)) == ("-80.00", "refunded")
    buying.buy_credits(stripe, buyer, "100.00")
    assert buying.balance(buyer) == "20.00"


@flow
def test_a_refund_of_credits_that_fails_later_gives_them_back(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "33.33")
    buying.refund(staff, order, amount="11.11")
    buying.refund(staff, order, amount="22.22")
    settle_everything(stripe)
    assert buying.balance(buyer) == "0.00"
    first = Refund.objects.get(card_minor=1111)
    stripe.control.fail_refund(first.stripe_refund_id)
    settle_everything(stripe)
    assert (buying.balance(buyer), status_of(order)) == ("11.11", "partially_refunded")


@flow
def test_a_pending_refund_of_credits_claws_nothing_back_yet(
    stripe: Sandbox, buyer: APIClient, staff: APIClient
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00", card=buying.REFUND_PENDS)
    buying.refund(staff, order, amount="20.00")
    settle_everything(stripe)
    assert (buying.balance(buyer), status_of(order)) == ("50.00", "completed")
    stripe.control.succeed_refund(Refund.objects.get().stripe_refund_id)
    settle_everything(stripe)
    assert (buying.balance(buyer), status_of(order)) == ("30.00", "partially_refunded")


def credits_bought(captured_minor: int, credit_minor: int, refunds: tuple[RefundState, ...]) -> OrderState:
    refunded = sum(refund.card_minor for refund in refunds if refund.status == Refund.Status.SUCCEEDED)
    status = Status.PARTIALLY_REFUNDED if refunded else Status.COMPLETED
    return an_order(
        kind=OrderType.CREDIT,
        status=Status.REFUNDED if refunded == captured_minor else status,
        total_minor=captured_minor,
        amount_due_minor=captured_minor,
        credit_amount_minor=credit_minor,
        captured_minor=captured_minor,
        refunded_minor=refunded,
        refunds=refunds,
    )


def moved(order: OrderState, before: RefundState, after: RefundState) -> int:
    effects = follow_up_effects(order, before=before, after=after, cause="test")
    return sum(effect.amount_minor for effect in effects if isinstance(effect, PostCredits))


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=6), st.integers(1, 20_000), st.data())
def test_whatever_succeeds_and_whatever_fails_later_the_clawed_back_credits_are_exact(
    parts: list[int], credit_minor: int, data: st.DataObject
) -> None:
    captured_minor = sum(parts)
    pending, done = Refund.Status.PENDING, Refund.Status.SUCCEEDED
    refunds = {
        number: a_refund(number, part, pending, origin=Refund.Origin.STAFF)
        for number, part in enumerate(parts, start=1)
    }
    clawed = 0

    def advance(number: int, status: Refund.Status) -> None:
        nonlocal clawed
        order = credits_bought(captured_minor, credit_minor, tuple(refunds.values()))
        after = a_refund(number, parts[number - 1], status, origin=Refund.Origin.STAFF)
        clawed -= moved(order, refunds[number], after)
        refunds[number] = after
        refunded = sum(refund.card_minor for refund in refunds.values() if refund.status == done)
        assert clawed == credit_minor * refunded // captured_minor

    for number in data.draw(st.permutations(sorted(refunds))):
        advance(number, done)
    assert clawed == credit_minor
    for number in data.draw(st.lists(st.sampled_from(sorted(refunds)), unique=True)):
        advance(number, Refund.Status.FAILED)
