"""What staff mistype: every field of every form takes odd values; what is taken can be sold and settled."""

from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner, User
from estuary.catalog.availability import free_slots
from estuary.catalog.models import Service, ServiceType
from estuary.common import clock
from estuary.payments.models import WebhookEvent
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client, form_data, give_credits
from tests.factories import make_practitioner, make_service, make_sessions
from tests.flows import buying
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)

NUMBERS = ("-1", "0", "1", "9000000", "200000000", "2147483647", "9" * 30, "1e400", "NaN", "٣", "0.005")
DAYS = ("0001-01-01", "1999-12-31", "2100-12-31", "9999-12-31", "0000-00-00", "2026-02-30", "tomorrow")
TIMES = ("00:00", "24:00", "23:59:59.999999", "25:00", "12:60", "noon", "00:00:00+14")
TEXTS = ("", " ", "x" * 5000, "a\x00b", "a\r\nBcc: all@example.com", "🜁" * 60, "<b>{total} %s</b>")
# Typed alone about what is sold, and then sold; the other texts are typed into all fields at once.
TEXTS_TO_SELL = ("", "a\r\nBcc: all@example.com {total} %s")


def odd_values(field: Any, name: str, texts: tuple[str, ...] = TEXTS) -> tuple[str, ...]:
    """Return what somebody may type into a field, by what it asks for."""
    if isinstance(field, forms.DecimalField | forms.IntegerField):
        return NUMBERS
    if isinstance(field, forms.SplitDateTimeField | forms.DateTimeField):
        return DAYS if name.endswith("_0") else TIMES
    return TIMES if isinstance(field, forms.TimeField) else texts


def fields_on(answer: Any) -> Iterator[tuple[str, Any]]:
    """Return each input on a page by the name that it is sent under, with its field."""
    page = answer.context["adminform"].form
    inline = [form for one in answer.context["inline_admin_formsets"] for form in one.formset.forms]
    for form in [page, *inline]:
        for bound in form:
            if bound.field.disabled or isinstance(bound.field, forms.ModelChoiceField | forms.BooleanField):
                continue
            widgets = getattr(bound.field.widget, "widgets", None)
            for name in (
                [f"{bound.html_name}_{n}" for n in range(len(widgets))] if widgets else [bound.html_name]
            ):
                yield name, bound.field


# What only some types of service have; what all have is typed about a 1-on-1 session.
OWN_FIELDS = {
    ServiceType.WORKSHOP: ("sessions-0-", "sessions-1-ends"),
    ServiceType.PACKAGE: ("validity_days", "items-0-position"),
    ServiceType.BUNDLE: ("validity_days", "bundle_"),
}


def post(client: Client, url: str, body: dict[str, str], what: str) -> bool:
    """Save a form, and return whether it was taken; a page of errors is fine, an exception is not."""
    try:
        answer = client.post(url, body)
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
    assert answer.status_code in {200, 302}, (what, answer.status_code)
    return answer.status_code == 302


class Shop:
    """Buyers and pages around one service, after staff have saved something odd about it."""

    def __init__(self, stripe: Sandbox, buyer: APIClient, staff: APIClient, service: Service) -> None:
        self.stripe, self.buyer, self.staff, self.service = stripe, buyer, staff, service
        self.admin = admin_client()

    def check(self, what: str) -> None:
        try:
            self._look()
            if order := self._buy():
                self._follow(order)
            self._look()
        except Exception as error:
            raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
        left = list(WebhookEvent.objects.exclude(status__in=["done", "ignored"]).values_list("type", "error"))
        assert left == [], what

    def _look(self) -> None:
        pk = self.service.pk
        for path in ("services/", f"services/{pk}/", f"services/{pk}/slots/", f"services/{pk}/sessions/"):
            assert self.buyer.get(f"/api/v1/{path}").status_code in {200, 400, 404}, path
        for path in ("bookings/", "orders/", "credits/"):
            assert self.buyer.get(f"/api/v1/{path}").status_code == 200, path

    def _buy(self) -> dict[str, Any]:
        answer = self.buyer.post(
            buying.CREATE, {"service_id": str(self.service.pk), "scheduling_data": self._scheduling()}
        )
        assert answer.status_code in {201, 400, 409}, answer.json()
        return dict(answer.json()) if answer.status_code == 201 else {}

    def _scheduling(self) -> dict[str, Any]:
        service = Service.objects.select_related("practitioner").get(pk=self.service.pk)
        at = clock.now()
        if service.type == ServiceType.SESSION:
            slots = free_slots(service, first_day=at.date(), days=7, at=at)
            return {"start_datetime": slots[-1].starts_at.isoformat()} if slots else {}
        if service.type == ServiceType.WORKSHOP:
            session = service.sessions.filter(starts_at__gt=at).last()
            return {"service_session_id": str(session.pk)} if session else {}
        return {}

    def _follow(self, purchase: dict[str, Any]) -> None:
        """Pay, look at the order as its buyer and as staff do, and cancel it or send the money back."""
        buying.pay(self.stripe, purchase)
        assert buying.status_of(purchase) == "completed"
        order = buying.order_of(purchase)
        assert self.buyer.get(f"/api/v1/orders/{order.public_id}/").status_code == 200
        assert self.admin.get(reverse("admin:orders_order_change", args=[order.pk])).status_code == 200
        booking = order.bookings.get(position=0)
        assert self.admin.get(reverse("admin:bookings_booking_change", args=[booking.pk])).status_code == 200
        canceled = self.buyer.post(f"/api/v1/bookings/{booking.pk}/cancel/")
        assert canceled.status_code in {200, 409}, canceled.json()
        settle_everything(self.stripe)
        if buying.status_of(purchase) == "completed" and canceled.status_code == 409:
            buying.refund(self.staff, purchase)
            settle_everything(self.stripe)


def a_service(type: ServiceType, ana: Practitioner) -> Service:
    single = make_service(ServiceType.SESSION, ana)
    match type:
        case ServiceType.SESSION:
            return single
        case ServiceType.PACKAGE:
            return make_service(type, ana, holds=[single], validity_days=90)
        case ServiceType.BUNDLE:
            return make_service(
                type, ana, bundle_of=single, bundle_quantity=3, bundle_bonus=1, validity_days=90
            )
        case _:
            service = make_service(type, ana)
            make_sessions(service, 2)
            return service


def url_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


@pytest.mark.exhaustive(one_in=4)
@pytest.mark.parametrize("type", [ServiceType.SESSION, *OWN_FIELDS])
def test_whatever_is_typed_about_a_service_it_is_refused_or_can_be_sold_and_settled(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner, type: ServiceType
) -> None:
    service, client = a_service(type, ana), admin_client()
    shop, url = Shop(stripe, buyer, staff, service), url_of(service)
    untouched = form_data(client.get(url))
    taken = []
    for name, field in list(fields_on(client.get(url))):
        if not name.startswith(OWN_FIELDS.get(type, "")) or name.startswith("prices-1"):
            continue
        for value in odd_values(field, name, TEXTS_TO_SELL):
            what = f"{name}={value[:40]!r}"
            if post(client, url, untouched | {name: value}, what):
                taken.append(what)
                shop.check(what)
                assert client.get(url).status_code == 200, what
                Service.objects.filter(pk=service.pk).update(active=True)
                post(client, url, untouched, "as it was")
    assert taken


def test_whatever_is_typed_about_a_practitioner_it_is_refused_or_can_be_sold(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, ana: Practitioner
) -> None:
    service, client = a_service(ServiceType.SESSION, ana), admin_client()
    shop, url = Shop(stripe, buyer, staff, service), url_of(ana)
    untouched = form_data(client.get(url))
    for name, field in list(fields_on(client.get(url))):
        if name.startswith("availability-") and not name.startswith("availability-0-"):
            continue
        for value in odd_values(field, name, TEXTS_TO_SELL):
            what = f"{name}={value[:40]!r}"
            if post(client, url, untouched | {name: value}, what):
                shop.check(what)
                post(client, url, untouched, "as it was")


@pytest.mark.exhaustive
def test_no_form_of_the_admin_answers_an_odd_value_with_a_500(
    stripe: Sandbox, buyer: APIClient, maya: User
) -> None:
    """Every page that can be saved, of a row that is there and of a new one: all fields odd at once, and each alone."""
    give_credits(maya, 5_000)
    for type in ServiceType:
        a_service(type, make_practitioner())
    order = buying.buy_credits(stripe, buyer)
    client = admin_client()
    urls = [url for url in _pages() if client.get(url).status_code == 200]
    assert len(urls) > 4
    for url in urls:
        page = client.get(url)
        untouched, fields = form_data(page), list(fields_on(page))
        for turn in range(len(NUMBERS)):
            odd = {
                name: odd_values(field, name)[turn % len(odd_values(field, name))] for name, field in fields
            }
            post(client, url, untouched | odd, f"{url} {odd}")
        for name, field in fields if "/service/" not in url and "/practitioner/" not in url else ():
            for value in odd_values(field, name):
                post(client, url, untouched | {name: value}, f"{url} {name}={value[:40]!r}")
    _check_acts(client, buying.order_of(order).pk)
    settle_everything(stripe)


def _pages() -> Iterator[str]:
    for model, page in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        request: Any = type("Request", (), {"user": User(is_superuser=True, is_staff=True, is_active=True)})()
        if page.has_add_permission(request):
            yield reverse(f"{name}_add")
        row = model._default_manager.last()
        if row is not None and page.has_change_permission(request, row):
            yield reverse(f"{name}_change", args=[row.pk])


def _check_acts(client: Client, order_pk: int) -> None:
    """The forms that do one thing: credits by hand, and a refund."""
    acts = [
        reverse("admin:credits_creditaccount_give"),
        reverse("admin:orders_order_refund", args=[order_pk]),
    ]
    for url in acts:
        form = client.get(url).context["form"]
        untouched = {bound.html_name: str(bound.value() or "") for bound in form}
        for bound in list(form):
            for value in odd_values(bound.field, bound.html_name):
                answer = client.post(url, untouched | {bound.html_name: value})
                assert answer.status_code in {200, 302}, (url, bound.html_name, value)
