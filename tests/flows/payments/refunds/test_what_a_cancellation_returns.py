"""What a buyer gets back for a part of a package or a bundle: what was used is valued first, to the cent."""

from datetime import timedelta
from itertools import permutations

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings import fulfilment as bookings
from estuary.bookings.models import Booking
from estuary.catalog.models import Service, ServiceType
from estuary.common import clock
from estuary.payments.models import Refund
from estuary.payments.refunds.cancellation import cancel_without_refund
from stripe_sandbox import Sandbox
from tests.factories import a_free_slot, make_practitioner, make_service
from tests.flows import buying
from tests.flows.buying import REFUND_PENDS, Json, order_of, pay, status_of
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def package(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> Json:
    """Two sessions, of 40.00 and of 60.00, neither scheduled; paid."""
    short = make_service(ServiceType.SESSION, ana, usd=4000)
    long = make_service(ServiceType.SESSION, make_practitioner("Bruno Costa"), usd=6000)
    order = buying.service(buyer, make_service(ServiceType.PACKAGE, ana, holds=[short, long]))
    pay(stripe, order)
    return order


def bought_bundle(
    stripe: Sandbox,
    buyer: APIClient,
    ana: Practitioner,
    *,
    paid: int,
    bonus: int,
    usd: int,
    card: str = buying.FINE,
) -> tuple[Json, Service]:
    one = make_service(ServiceType.SESSION, ana)
    bundle = make_service(
        ServiceType.BUNDLE, ana, bundle_of=one, bundle_quantity=paid, bundle_bonus=bonus, usd=usd
    )
    order = buying.service(buyer, bundle)
    pay(stripe, order, card)
    return order, one


def nth(position: int) -> Booking:
    """The booking at a position: 0 at the top, then what was paid for, then the bonus."""
    return Booking.objects.get(position=position)


def cancel(buyer: APIClient, position: int) -> str:
    """Cancel and return what comes back, ``0.00`` when nothing does: just what was foreseen."""
    url = f"/api/v1/bookings/{nth(position).pk}/cancel/"
    foreseen = buyer.get(url)
    answer = buyer.post(url)
    assert (foreseen.status_code, answer.status_code) == (200, 200), answer.json()
    refund = answer.json()["refund"]
    returned = str(refund["amount"]) if refund else "0.00"
    assert foreseen.json()["returned"] == returned
    return returned


def schedule(buyer: APIClient, position: int, one: Service) -> None:
    body = {"start_datetime": a_free_slot(one, nth=position).isoformat()}
    answer = buyer.post(f"/api/v1/bookings/{nth(position).pk}/schedule/", body)
    assert answer.status_code == 200, answer.json()


def attend(*positions: int) -> None:
    at = clock.now()
    Booking.objects.filter(position__in=positions).update(
        starts_at=at - timedelta(hours=5), ends_at=at - timedelta(hours=4)
    )
    bookings.close_past(at=at)


def statuses() -> list[str]:
    return list(Booking.objects.order_by("position").values_list("status", flat=True))


# --- Packages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["parent", "child"])
def test_what_was_refunded_of_a_part_is_not_returned_again_with_it(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, package: Json, door: str
) -> None:
    attend(1)
    buying.refund(staff, package, booking_id=str(nth(2).pk), amount="10.00")
    settle_everything(stripe)
    assert cancel(buyer, 0 if door == "parent" else 2) == "50.00"
    settle_everything(stripe)
    assert order_of(package).refunded_minor == 6000


def test_what_was_refunded_of_a_part_that_was_attended_is_not_made_up_by_another(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, package: Json
) -> None:
    attend(1)
    buying.refund(staff, package, booking_id=str(nth(1).pk), amount="10.00")
    settle_everything(stripe)
    assert cancel(buyer, 0) == "60.00"


@pytest.mark.parametrize("door", ["parent", "child"])
def test_what_was_refunded_of_the_whole_order_never_comes_out_of_what_was_attended(
    stripe: Sandbox, buyer: APIClient, package: Json, door: str
) -> None:
    attend(1)
    stripe.control.refund(package["payment_intent_id"], amount=3000)
    settle_everything(stripe)
    assert cancel(buyer, 0 if door == "parent" else 2) == "30.00"
    settle_everything(stripe)
    assert (status_of(package), order_of(package).refunded_minor) == ("partially_refunded", 6000)


@pytest.mark.parametrize("order", list(permutations([1, 2])))
def test_all_of_the_price_comes_back_whatever_was_refunded_before_and_in_any_order(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, package: Json, order: tuple[int, int]
) -> None:
    buying.refund(staff, package, amount="7.77")
    buying.refund(staff, package, booking_id=str(nth(2).pk), amount="10.00")
    settle_everything(stripe)
    for position in order:
        cancel(buyer, position)
        settle_everything(stripe)
    assert (status_of(package), order_of(package).refunded_minor) == ("refunded", 10000)


def test_a_part_canceled_and_refunded_before_is_not_returned_again_with_its_parent(
    stripe: Sandbox, buyer: APIClient, package: Json
) -> None:
    assert (cancel(buyer, 2), cancel(buyer, 0)) == ("60.00", "40.00")
    settle_everything(stripe)
    assert (status_of(package), order_of(package).refunded_minor) == ("refunded", 10000)


def test_a_part_whose_share_went_back_though_it_was_attended_takes_nothing_from_the_other(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, package: Json
) -> None:
    attend(1)
    buying.refund(staff, package, booking_id=str(nth(1).pk))
    settle_everything(stripe)
    assert cancel(buyer, 0) == "60.00"
    settle_everything(stripe)
    assert (status_of(package), statuses()) == ("refunded", ["canceled", "completed", "canceled"])


@pytest.mark.parametrize("door", ["parent", "child"])
def test_a_refund_of_the_whole_order_never_comes_out_of_what_staff_kept(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, package: Json, door: str
) -> None:
    cancel_without_refund(booking=nth(1))
    buying.refund(staff, package, amount="30.00")
    settle_everything(stripe)
    assert cancel(buyer, 0 if door == "parent" else 2) == "30.00"
    settle_everything(stripe)
    assert order_of(package).refunded_minor == 6000


# --- Bundles with a bonus -----------------------------------------------------------------------------------


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize("order", [*permutations([1, 2, 3]), (0,)], ids=str)
def test_a_bonus_that_was_used_is_counted_as_one_that_was_paid_for(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, order: tuple[int, ...]
) -> None:
    purchase, _ = bought_bundle(stripe, buyer, ana, paid=3, bonus=1, usd=10000)
    attend(4)
    back = [cancel(buyer, position) for position in order]
    settle_everything(stripe)
    assert order_of(purchase).refunded_minor in {6666, 6667}
    assert back in ([f"{order_of(purchase).refunded_minor / 100:.2f}"], ["0.00", *back[1:]])
    assert nth(4).status == "completed"


@pytest.mark.exhaustive(one_in=9)
@pytest.mark.parametrize("used_at", [0, 1, 2])
@pytest.mark.parametrize("order", list(permutations([1, 2, 3])), ids=str)
def test_a_scheduled_bonus_is_worth_the_same_whenever_it_takes_place(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, order: tuple[int, ...], used_at: int
) -> None:
    purchase, one = bought_bundle(stripe, buyer, ana, paid=3, bonus=1, usd=30000)
    schedule(buyer, 4, one)
    for number, position in enumerate(order):
        if number == used_at:
            attend(4)
        cancel(buyer, position)
    settle_everything(stripe)
    assert (order_of(purchase).refunded_minor, nth(4).status) == (20000, "completed")


@pytest.mark.exhaustive(one_in=3)
@pytest.mark.parametrize("order", list(permutations([1, 2, 3])), ids=str)
def test_a_bonus_scheduled_and_canceled_in_time_costs_nothing_in_any_order(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, order: tuple[int, ...]
) -> None:
    purchase, one = bought_bundle(stripe, buyer, ana, paid=2, bonus=1, usd=9999)
    schedule(buyer, 3, one)
    for position in order:
        cancel(buyer, position)
    settle_everything(stripe)
    assert (status_of(purchase), order_of(purchase).refunded_minor) == ("refunded", 9999)
    assert statuses() == ["canceled"] * 4


def test_a_bonus_that_is_canceled_in_time_releases_what_was_held_back_for_it(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    order, one = bought_bundle(stripe, buyer, ana, paid=2, bonus=1, usd=20000)
    schedule(buyer, 3, one)
    assert [cancel(buyer, 1), cancel(buyer, 2), cancel(buyer, 3)] == ["0.00", "100.00", "100.00"]
    settle_everything(stripe)
    assert status_of(order) == "refunded"


def test_a_parent_canceled_in_time_takes_a_scheduled_bonus_along_and_returns_all(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    order, one = bought_bundle(stripe, buyer, ana, paid=2, bonus=1, usd=20000)
    schedule(buyer, 3, one)
    assert cancel(buyer, 0) == "200.00"
    settle_everything(stripe)
    assert (status_of(order), statuses()) == ("refunded", ["canceled"] * 4)


def test_a_bonus_without_a_time_goes_with_the_first_paid_one_that_is_returned(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    order, one = bought_bundle(stripe, buyer, ana, paid=5, bonus=1, usd=50000, card=REFUND_PENDS)
    assert cancel(buyer, 1) == "100.00"
    assert statuses() == ["confirmed", "canceled", *4 * ["confirmed"], "canceled"]
    answer = buyer.post(
        f"/api/v1/bookings/{nth(6).pk}/schedule/", {"start_datetime": a_free_slot(one).isoformat()}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "booking_canceled")
    attend(5)
    assert [cancel(buyer, position) for position in (2, 3, 4)] == ["100.00"] * 3
    for refund in Refund.objects.all():
        stripe.control.succeed_refund(refund.stripe_refund_id)
    settle_everything(stripe)
    assert order_of(order).refunded_minor == 40000


def test_a_bonus_stays_while_nothing_is_returned(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    bought_bundle(stripe, buyer, ana, paid=3, bonus=2, usd=30000)
    attend(4)
    assert (cancel(buyer, 1), nth(5).status) == ("0.00", "confirmed")
    assert (cancel(buyer, 2), nth(5).status) == ("100.00", "canceled")


def test_a_bonus_canceled_too_late_counts_as_used(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    order, one = bought_bundle(stripe, buyer, ana, paid=2, bonus=1, usd=20000)
    schedule(buyer, 3, one)
    soon = clock.now() + timedelta(hours=2)
    Booking.objects.filter(position=3).update(starts_at=soon, ends_at=soon + timedelta(hours=1))
    assert cancel(buyer, 3) == "0.00"
    assert [cancel(buyer, 1), cancel(buyer, 2)] == ["0.00", "100.00"]
    settle_everything(stripe)
    assert order_of(order).refunded_minor == 10000


def test_paid_sessions_that_were_attended_and_a_bonus_are_counted_together(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    order, _ = bought_bundle(stripe, buyer, ana, paid=4, bonus=2, usd=40000)
    attend(1, 5, 6)
    assert cancel(buyer, 0) == "100.00"
    settle_everything(stripe)
    assert order_of(order).refunded_minor == 10000
    assert statuses() == ["canceled", "completed", *3 * ["canceled"], *2 * ["completed"]]


def test_more_bonus_used_than_is_left_returns_nothing(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    bought_bundle(stripe, buyer, ana, paid=2, bonus=2, usd=20000)
    attend(1, 3, 4)
    assert cancel(buyer, 0) == "0.00"
    assert not Refund.objects.exists()


# --- What staff refunded by name, or kept ---------------------------------------------------------------------


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("door", ["parent", "child"])
@pytest.mark.parametrize("named", [1, 2])
def test_what_staff_refunded_by_name_is_what_comes_back_beside_a_bonus_that_was_attended(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, named: int, door: str
) -> None:
    order, _ = bought_bundle(stripe, buyer, ana, paid=2, bonus=1, usd=10000)
    attend(3)
    buying.refund(staff, order, booking_id=str(nth(named).pk))
    settle_everything(stripe)
    assert cancel(buyer, 0 if door == "parent" else 3 - named) == "0.00"
    assert order_of(order).refunded_minor == 5000


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("door", ["parent", "child"])
@pytest.mark.parametrize("named", [1, 2])
def test_a_part_of_a_share_refunded_by_name_is_made_up_to_what_is_due_and_no_further(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, named: int, door: str
) -> None:
    order, _ = bought_bundle(stripe, buyer, ana, paid=2, bonus=1, usd=10000)
    attend(3)
    buying.refund(staff, order, booking_id=str(nth(named).pk), amount="20.00", cancel_booking=True)
    settle_everything(stripe)
    assert cancel(buyer, 0 if door == "parent" else 3 - named) == "30.00"
    settle_everything(stripe)
    assert order_of(order).refunded_minor == 5000


@pytest.mark.parametrize("named", [1, 2, 3])
def test_what_is_held_back_for_a_bonus_is_never_the_share_that_was_refunded_by_name(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, named: int
) -> None:
    order, one = bought_bundle(stripe, buyer, ana, paid=3, bonus=1, usd=15000)
    schedule(buyer, 4, one)
    buying.refund(staff, order, booking_id=str(nth(named).pk))
    settle_everything(stripe)
    first, second = [position for position in (1, 2, 3) if position != named]
    assert [cancel(buyer, position) for position in (first, 4, second)] == ["0.00", "50.00", "50.00"]
    settle_everything(stripe)
    assert (status_of(order), order_of(order).refunded_minor) == ("refunded", 15000)


@pytest.mark.parametrize("kept", [1, 2])
def test_what_staff_kept_is_not_returned_with_another_that_is_canceled(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, kept: int
) -> None:
    order, _ = bought_bundle(stripe, buyer, ana, paid=2, bonus=1, usd=10000)
    attend(3)
    cancel_without_refund(booking=nth(kept))
    assert nth(kept).forfeited
    assert cancel(buyer, 3 - kept) == "0.00"
    assert (order_of(order).refunded_minor, nth(3 - kept).forfeited) == (0, False)


def test_all_that_goes_with_a_whole_that_staff_cancels_without_a_refund_is_kept(
    stripe: Sandbox, buyer: APIClient, package: Json
) -> None:
    assert cancel(buyer, 1) == "40.00"
    cancel_without_refund(booking=nth(0))
    assert [nth(position).forfeited for position in (0, 1, 2)] == [True, False, True]


def test_what_can_not_be_canceled_is_not_foreseen(
    stripe: Sandbox, buyer: APIClient, other: APIClient, package: Json
) -> None:
    assert cancel(buyer, 1) == "40.00"
    again = buyer.get(f"/api/v1/bookings/{nth(1).pk}/cancel/")
    assert (again.status_code, again.json()["code"]) == (409, "booking_not_cancelable")
    assert other.get(f"/api/v1/bookings/{nth(2).pk}/cancel/").status_code == 404


def test_the_bonus_that_goes_along_is_foreseen(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> None:
    bought_bundle(stripe, buyer, ana, paid=2, bonus=1, usd=10_000)
    foreseen = buyer.get(f"/api/v1/bookings/{nth(1).pk}/cancel/").json()
    assert foreseen == {"returned": "50.00", "currency": "usd", "along": 1}
    assert cancel(buyer, 1) == "50.00"
    assert nth(3).status == Booking.Status.CANCELED
