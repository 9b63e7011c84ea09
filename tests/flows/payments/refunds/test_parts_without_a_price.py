"""A part of a package that is not sold by itself in the currency of the order has a fair share of the price."""

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.bookings.models import Booking
from estuary.catalog.models import ServicePrice, ServiceType
from stripe_sandbox import Sandbox
from tests.factories import make_practitioner, make_service
from tests.flows import buying

pytestmark = pytest.mark.django_db(transaction=True)


def shares_of_a_package(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, currencies: list[set[str]]
) -> list[int]:
    """Buy a package of two sessions, of 100.00 and 50.00, for 120.00 usd; each is sold in these currencies alone."""
    long, short = (
        make_service(ServiceType.SESSION, host, usd=usd)
        for host, usd in ((ana, 10_000), (make_practitioner("Bruno Costa"), 5_000))
    )
    for session, its in zip((long, short), currencies, strict=True):
        ServicePrice.objects.filter(service=session).exclude(currency__in=its).delete()
        for currency in its - set(session.prices.values_list("currency", flat=True)):
            amount_minor = 9_000 if session is long else 4_500
            ServicePrice.objects.create(service=session, currency=currency, amount_minor=amount_minor)
    package = make_service(ServiceType.PACKAGE, ana, holds=[long, short], usd=12_000)
    order = buying.service(buyer, package)
    buying.pay(stripe, order)
    return list(
        Booking.objects.filter(position__gt=0).order_by("position").values_list("amount_minor", flat=True)
    )


@pytest.mark.parametrize(
    ("currencies", "shares"),
    [
        ([{"usd"}, {"usd"}], [8_000, 4_000]),
        # By the prices in euros, which both have.
        ([{"eur", "usd"}, {"eur"}], [8_000, 4_000]),
        # No currency is common to them.
        ([{"usd"}, {"eur"}], [6_000, 6_000]),
    ],
    ids=["both", "another", "none"],
)
def test_each_part_has_a_share_by_prices_that_can_be_compared(
    stripe: Sandbox, buyer: APIClient, ana: Practitioner, currencies: list[set[str]], shares: list[int]
) -> None:
    assert shares_of_a_package(stripe, buyer, ana, currencies) == shares
