"""The rule of cancelling is said before paying: in the catalogue, and on Stripe's own page."""

from datetime import timedelta

import pytest
import time_machine
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import Service, ServiceType
from estuary.common.english_times import describe_moment, describe_time
from stripe_sandbox import Sandbox
from tests.factories import make_service, make_sessions, make_user, signed_in
from tests.flows.buying import create, posts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (0, "Free to cancel until it begins: the full price comes back."),
        (1, "Free to cancel until 1 hour before it begins"),
        (24, "Free to cancel until 24 hours before it begins"),
        (48, "Free to cancel until 2 days before it begins"),
        (49, "Free to cancel until 49 hours before it begins"),
    ],
)
def test_stripes_page_says_the_rule_that_the_service_has_now(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, hours: int, words: str
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana, free_cancel_hours=hours)
    [session] = make_sessions(workshop)
    terms = buyer.get(f"/api/v1/services/{workshop.pk}/").json()["cancellation_terms"]
    assert words in terms
    create(
        buyer,
        service_id=str(workshop.pk),
        payment_type="checkout",
        scheduling_data={"service_session_id": str(session.pk)},
    )
    [page] = posts(stripe, "/v1/checkout/sessions")
    message = page.params["custom_text"]["submit"]["message"]
    assert terms in message
    assert message.startswith(describe_time(session.starts_at, session.ends_at, ana.zone))
    deadline = session.starts_at - timedelta(hours=hours)
    assert message.endswith(f" Free until {describe_moment(deadline, ana.zone)}.")


def test_stripes_page_says_that_the_free_time_is_over(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana, free_cancel_hours=48)
    [session] = make_sessions(workshop)
    with time_machine.travel(session.starts_at - timedelta(hours=5), tick=False):
        create(
            signed_in(make_user()),
            service_id=str(workshop.pk),
            payment_type="checkout",
            time_zone="America/New_York",
            scheduling_data={"service_session_id": str(session.pk)},
        )
    [page] = posts(stripe, "/v1/checkout/sessions")
    message = page.params["custom_text"]["submit"]["message"]
    assert "(America/New York)" in message
    assert message.endswith("this booking can't be canceled for free any more.")


def test_the_rule_on_stripes_page_is_the_one_that_was_sold(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner
) -> None:
    workshop = make_service(ServiceType.WORKSHOP, ana, free_cancel_hours=48)
    [session] = make_sessions(workshop)
    order = create(
        buyer,
        service_id=str(workshop.pk),
        payment_type="checkout",
        scheduling_data={"service_session_id": str(session.pk)},
    )
    Service.objects.filter(pk=workshop.pk).update(free_cancel_hours=1)
    again = create(
        buyer,
        service_id=str(workshop.pk),
        payment_type="checkout",
        scheduling_data={"service_session_id": str(session.pk)},
    )
    assert order["order_id"] == again["order_id"]
    assert "2 days" in posts(stripe, "/v1/checkout/sessions")[0].params["custom_text"]["submit"]["message"]


def test_credits_have_no_rule_of_cancelling(stripe: Sandbox, buyer: APIClient) -> None:
    create(buyer, is_credit_purchase=True, amount="10.00", payment_type="checkout")
    [page] = posts(stripe, "/v1/checkout/sessions")
    assert "custom_text" not in page.params
