"""The audit trail: who of staff did what to which row, and when; written with the act, and never changed again."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from estuary.accounts.models import AuditLogEntry, User
from estuary.catalog.models import Service, ServiceType
from estuary.common import clock
from estuary.credits import ledger
from estuary.credits.models import CreditAccount, CreditTransaction
from estuary.orders.models import Order
from estuary.payments.inbox import processor
from estuary.payments.models import Refund, WebhookEvent
from stripe_sandbox import Sandbox
from tests.api.staff import admin_client, created, errors_on, form_data, give_credits, make_staff
from tests.factories import (
    REFUNDING,
    make_practitioner,
    make_service,
    make_sessions,
    make_user,
    signed_in,
)
from tests.factories import make_staff as make_member

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def service(db: None) -> Service:
    return make_service(ServiceType.COURSE, make_practitioner())


def acts() -> list[tuple[str, str, str]]:
    rows = AuditLogEntry.objects.select_related("user", "content_type").order_by("id")
    return [
        (row.user.first_name, row.content_type.model if row.content_type else "", row.get_change_message())
        for row in rows
    ]


def an_event(number: int = 1) -> WebhookEvent:
    at = clock.now()
    return WebhookEvent.objects.create(
        stripe_event_id=f"evt_{number}",
        type="payment_intent.succeeded",
        livemode=False,
        payload={},
        status="dead",
        due_at=at,
        created_at=at,
        received_at=at,
    )


def bought_by_credits() -> Order:
    course, buyer = make_service(ServiceType.COURSE, make_practitioner("Bruno Costa")), make_user()
    make_sessions(course, 2)
    give_credits(buyer, 20_000)
    order = created(buyer, service_id=str(course.pk), use_credits=True)
    return Order.objects.get(public_id=order["order_id"])


def test_an_act_can_neither_be_changed_nor_deleted_by_anyone() -> None:
    sam = make_staff("orders.view_order")
    AuditLogEntry.objects.log_actions(sam.pk, [sam], 2, "did something")
    for statement in (
        "UPDATE django_admin_log SET change_message = 'did nothing'",
        "DELETE FROM django_admin_log",
        "UPDATE django_admin_log SET user_id = NULL",
    ):
        with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
            connection.cursor().execute(statement)
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        LogEntry.objects.all().delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        sam.delete()  # whose acts would go along
    assert acts() == [("Sam", "user", "did something")]


def test_a_refund_is_written_down_whichever_door_it_takes(stripe: Sandbox) -> None:
    order = bought_by_credits()
    url = reverse("admin:orders_order_refund", args=[order.pk])
    client = admin_client()
    form = client.get(url).context["form"]
    body = {"booking": "", "extent": "part", "amount": "5.00", "reason": "Was late", "total": "500"}
    client.post(url, body | {"as_shown": form["as_shown"].value()})
    ines = signed_in(make_member("Ines Duarte", *REFUNDING))
    answer = ines.post(f"/api/v1/orders/{order.public_id}/refunds/", {"amount": "6.00"})
    assert answer.status_code == 201
    first, second = Refund.objects.order_by("id")
    assert acts() == [
        ("Sam", "order", f"Refunded 5.00 USD ({first.public_id}): Was late"),
        ("Ines", "order", f"Refunded 6.00 USD ({second.public_id})"),
    ]


def test_events_replayed_one_by_one_or_together_are_written_down(db: None) -> None:
    rows = [an_event(number) for number in range(3)]
    client = admin_client()
    client.post(reverse("admin:payments_webhookevent_replay", args=[rows[0].pk]))
    form = {"action": "replay_selected", "_selected_action": [str(row.pk) for row in rows[1:]]}
    client.post("/admin/payments/webhookevent/", form)
    assert [(who, kind) for who, kind, _ in acts()] == [("Sam", "webhookevent")] * 3
    assert set(AuditLogEntry.objects.values_list("object_id", flat=True)) == {str(row.pk) for row in rows}


def test_an_act_that_fails_leaves_no_entry_and_an_entry_that_fails_no_act(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    buyer, row, client = make_user(), an_event(), admin_client()
    client.raise_request_exception = False

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise DatabaseError("the disk is full")

    with monkeypatch.context() as broken_disk:
        broken_disk.setattr(AuditLogEntry.objects, "create", broken)
        client.post(reverse("admin:payments_webhookevent_replay", args=[row.pk]))
        give = reverse("admin:credits_creditaccount_give")
        token = client.get(give).context["form"]["token"].value()
        body = {"email": buyer.email, "currency": "usd", "amount": "9.00", "note": "Sorry", "token": token}
        client.post(give, body)
    row.refresh_from_db()
    assert (row.status, CreditTransaction.objects.count(), CreditAccount.objects.count()) == ("dead", 0, 0)
    with monkeypatch.context() as broken_act:
        broken_act.setattr(processor, "replay", broken)
        broken_act.setattr(ledger, "post", broken)
        client.post(reverse("admin:payments_webhookevent_replay", args=[row.pk]))
        client.post(give, body)
    assert acts() == []
    client.post(give, body)
    assert acts() == [("Sam", "creditaccount", "Adjusted by 9.00 USD: Sorry")]


def test_a_price_is_written_down_as_it_was_and_as_it_is(service: Service) -> None:
    client = admin_client()
    url = reverse("admin:catalog_service_change", args=[service.pk])
    data = form_data(client.get(url))
    name = next(name for name, value in data.items() if name.endswith("-amount") and value == "100.00")
    answer = client.post(url, data | {name: "120.00", name.replace("-amount", "-currency"): "gbp"})
    assert answer.status_code == 302, errors_on(answer)
    [(who, kind, what)] = acts()
    assert (who, kind) == ("Sam", "service")
    assert "Price: 100.00 → 120.00" in what
    assert "Currency: USD → gbp" in what


def test_a_change_of_rights_is_written_down_and_a_password_is_not(db: None) -> None:
    group = Group.objects.create(name="Support")
    tom: User = make_user("Tom Achterberg")
    client = admin_client()
    url = reverse("admin:accounts_user_change", args=[tom.pk])
    data = {name: value for name, value in form_data(client.get(url)).items() if value != "[]"}
    answer = client.post(url, data | {"is_staff": "on", "groups": [str(group.pk)]})
    assert answer.status_code == 302, errors_on(answer)
    new = {"password1": "a very long new one", "password2": "a very long new one", "usable_password": "true"}
    assert client.post(reverse("admin:auth_user_password_change", args=[tom.pk]), new).status_code == 302
    (_, _, rights), (_, _, password) = acts()
    assert "Staff status: False → True" in rights
    assert "Groups:  → Support" in rights
    assert "password" in password.lower()
    assert "a very long new one" not in str(list(AuditLogEntry.objects.values()))


def test_the_trail_is_shown_to_who_may_see_it_and_has_no_button_that_writes(service: Service) -> None:
    reader = admin_client("accounts.view_auditlogentry")
    me = User.objects.get(is_staff=True)
    AuditLogEntry.objects.log_actions(me.pk, [service], 2, "Did something to it")
    page = reader.get("/admin/accounts/auditlogentry/").content.decode()
    assert "Did something to it" in page and service.name in page
    row = AuditLogEntry.objects.get()
    one = reverse("admin:accounts_auditlogentry_change", args=[row.pk])
    assert reader.get(one).status_code == 200
    writing = [
        reverse(f"admin:accounts_auditlogentry_{verb}", args=[row.pk]) for verb in ("change", "delete")
    ]
    for address in (*writing, reverse("admin:accounts_auditlogentry_add")):
        assert reader.post(address, {"change_message": "x", "post": "yes"}).status_code == 403


def test_the_trail_is_not_shown_to_others(db: None) -> None:
    assert admin_client("orders.view_order").get("/admin/accounts/auditlogentry/").status_code == 403
