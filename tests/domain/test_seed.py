"""The marketplace of the sandbox: whole, for sale, and the same however often it is written."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from estuary.accounts.models import Practitioner, User
from estuary.catalog.availability import free_slots
from estuary.catalog.management.commands.seed import seed
from estuary.catalog.models import PackageItem, Service, ServicePrice, ServiceSession, ServiceType
from estuary.common import clock

pytestmark = pytest.mark.django_db
TABLES = (User, EmailAddress, Practitioner, Service, ServicePrice, ServiceSession, PackageItem)


def counts() -> list[int]:
    return [table._default_manager.count() for table in TABLES]


def types_on_sale(at: datetime) -> set[str]:
    return {service.type for service in Service.objects.all() if service.is_on_sale(at)}


def test_there_is_something_to_buy_of_every_type_in_two_currencies() -> None:
    at = clock.now()
    seed(at=at)
    assert types_on_sale(at) == set(ServiceType)
    assert not Service.objects.exclude(prices__currency="usd").exists()
    assert not Service.objects.exclude(prices__currency="eur").exists()
    assert not ServiceSession.objects.filter(starts_at__lte=at).exists()
    for service in Service.objects.filter(type=ServiceType.SESSION).select_related("practitioner"):
        assert free_slots(service, first_day=at.date(), days=7, at=at), service
    for package in Service.objects.filter(type=ServiceType.PACKAGE):
        assert package.items.count() >= 2


def test_one_date_is_nearly_sold_out_and_one_is_and_one_is_held_for_seconds() -> None:
    seed(at=clock.now())
    assert ServiceSession.objects.filter(capacity=2, taken=0).exists()
    assert any(session.seats_left == 0 for session in ServiceSession.objects.all())
    assert Service.objects.filter(type=ServiceType.WORKSHOP, hold_s=5, name__contains="5 seconds").exists()


def test_everybody_can_sign_in() -> None:
    seed(at=clock.now())
    for email in (
        "maya@estuary.example",
        "tom@estuary.example",
        "staff@estuary.example",
        "ana@estuary.example",
    ):
        user = User.objects.get(email=email)
        assert user.check_password("estuary-demo")
        assert EmailAddress.objects.get(user=user).verified
    assert list(User.objects.filter(is_staff=True).values_list("email", flat=True)) == [
        "staff@estuary.example"
    ]


def test_a_second_run_changes_nothing() -> None:
    at = clock.now()
    seed(at=at)
    before = counts()
    seed(at=at + timedelta(minutes=5))
    assert counts() == before


@pytest.mark.parametrize("days", [13, 40, 120])
def test_a_run_weeks_or_months_later_brings_new_dates_and_a_new_run_of_each_course(days: int) -> None:
    at = clock.now()
    seed(at=at)
    later = at + timedelta(days=days)
    seed(at=later)
    seed(at=later + timedelta(hours=1))
    for workshop in Service.objects.filter(type=ServiceType.WORKSHOP):
        assert workshop.sessions.filter(starts_at__gt=later).exists()
    courses = Service.objects.filter(type=ServiceType.COURSE)
    assert courses.count() == 4
    assert all(course.sessions.count() in {6, 8} for course in courses)
    assert courses.exclude(sessions__starts_at__lte=later).count() == 2


def test_with_test_keys_there_is_as_much_to_buy_and_nobody_has_a_password(settings: Settings) -> None:
    settings.SANDBOX = False
    call_command("seed", stdout=(out := StringIO()))
    assert types_on_sale(clock.now()) == set(ServiceType)
    assert User.objects.count() == Practitioner.objects.count()
    assert not [user for user in User.objects.all() if user.has_usable_password() or user.is_staff]
    assert ("sign-up" in out.getvalue(), "estuary-demo" in out.getvalue()) == (True, False)


def test_nothing_made_up_is_sold_for_real_money(settings: Settings) -> None:
    settings.SANDBOX, settings.STRIPE_SECRET_KEY = False, "sk_live_0123456789abcdef"
    with pytest.raises(CommandError, match=r"live key.*/admin/catalog/service/add/.*createsuperuser"):
        call_command("seed", stdout=StringIO())
    assert counts() == [0] * len(TABLES)


def test_staff_sign_in_to_the_admin_and_buyers_do_not() -> None:
    seed(at=clock.now())
    for email, status in (("staff@estuary.example", 302), ("maya@estuary.example", 200)):
        browser = Client()
        answer = browser.post("/admin/login/?next=/admin/", {"username": email, "password": "estuary-demo"})
        assert answer.status_code == status
        assert (browser.get("/admin/orders/order/").status_code == 200) is (status == 302)
