"""Objects that are made at once are what Django would have made of them."""

from typing import Any

import pytest
from django.db.models import Model

from estuary.bookings.models import Booking, Participant
from estuary.common import clock
from estuary.common.db.prepared_queries import build_instance, instance_from_row
from estuary.credits.models import CreditTransaction
from estuary.orders.models import Order, OrderTransition

COLUMNS: dict[type[Model], dict[str, Any]] = {
    Booking: {"order_id": 7, "user_id": 3, "position": 1, "service_name": "Yoga", "amount_minor": 500},
    Participant: {"session_id": 2, "user_id": 3, "booking_id": 9},
    CreditTransaction: {"account_id": 4, "kind": "purchase", "amount_minor": 500, "balance_after_minor": 500},
    OrderTransition: {
        "order_id": 7,
        "before": "pending",
        "after": "completed",
        "cause": "evt_1",
        "at": clock.now(),
    },
    Order: {"user_id": 3, "type": "credit", "total_minor": 500, "expires_at": clock.now()},
}
GENERATED_COLUMNS = {"public_id", "created_at"}


def columns(row: Model) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.mark.parametrize("model", COLUMNS, ids=lambda model: model.__name__)
def test_a_new_row_is_what_its_model_makes_of_the_same_columns(model: type[Model]) -> None:
    ours, djangos = build_instance(model, **COLUMNS[model]), model(**COLUMNS[model])
    actual, expected = columns(ours), columns(djangos)
    generated = GENERATED_COLUMNS & actual.keys()
    assert {name: actual[name] for name in actual.keys() - generated} == {
        name: expected[name] for name in actual.keys() - generated
    }
    assert all(type(actual[name]) is type(expected[name]) for name in generated)
    assert (ours.pk, ours._state.adding, ours._state.db) == (None, True, None)


def test_what_is_made_anew_for_each_is_so_here() -> None:
    one, other = build_instance(Order), build_instance(Order)
    assert one.public_id != other.public_id
    assert one.service_data is not other.service_data


def test_what_is_given_is_not_made() -> None:
    assert build_instance(Order, public_id="ord_given").public_id == "ord_given"


def test_what_is_no_column_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="Booking has no column colour, order"):
        build_instance(Booking, order=Order(), colour="blue")


def test_a_row_that_was_read_is_what_django_makes_of_it() -> None:
    names = ["id", "order_id", "before", "after", "cause"]  # and no moment: that was left for later
    values = (1, 7, "pending", "completed", "evt_1")
    ours, djangos = (
        instance_from_row(OrderTransition, names, values),
        OrderTransition.from_db("default", names, values),
    )
    assert ours == djangos
    assert ours.get_deferred_fields() == djangos.get_deferred_fields() == {"at"}
    assert (
        (ours._state.adding, ours._state.db)
        == (djangos._state.adding, djangos._state.db)
        == (False, "default")
    )
    assert {name: vars(ours)[name] for name in names} == {name: vars(djangos)[name] for name in names}
