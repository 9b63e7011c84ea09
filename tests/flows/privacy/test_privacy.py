"""A person is exported and erased: every table and column is gone through, and the person is nowhere."""

import io
import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from pytest_django import Settings
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.bookings.order_lines import ScheduleRequest
from estuary.common import clock
from estuary.documents.issuing import issue_due_documents
from estuary.documents.issuing.receipts import due_orders, write_receipts
from estuary.documents.models import CreditNote, Receipt
from estuary.documents.seller import Seller, house
from estuary.orders.models import Order
from estuary.orders.place_order import CheckoutOptions
from estuary.payments import tasks
from estuary.payments.checkout import create_order
from estuary.payments.customers import customers
from estuary.payments.inbox import processor
from estuary.payments.models import PaymentMethod, RateLimitCounter, StripeCustomer, WebhookEvent
from estuary.payments.reconciliation.stripe_lists import sync_unlisted_events
from estuary.payments.stripe_objects import UsedMethod
from estuary.privacy.erasure.checks import ErasureRefused
from estuary.privacy.erasure.erase import begin_erasure
from estuary.privacy.export import export_person
from estuary.privacy.models import Erasure
from estuary.privacy.personal_data import PERSONAL
from estuary.privacy.tasks import finish_erasures
from stripe_sandbox import Sandbox
from tests.factories import PASSWORD
from tests.flows import buying
from tests.flows.privacy.erasing import (
    HOME,
    MARK,
    NAME,
    books,
    doctor,
    erase,
    is_deleted,
    let_requests_end,
    live_a_life,
    prepare,
    return_all,
    shut_out,
    where_is,
)
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def test_who_is_erased_is_nowhere(stripe: Sandbox, zenobia: User, other: APIClient) -> None:
    buying.buy_credits(stripe, other, "30.00")
    customer = prepare(stripe, zenobia)
    address, before = zenobia.email, books(zenobia)
    assert {table for table, _ in where_is(MARK, address)} >= {
        "accounts_user",
        "procrastinate_jobs",
        "orders_order",
    }
    erase(address)
    assert where_is(MARK, address, HOME) == []
    assert is_deleted(stripe, customer)
    assert not User.objects.get(pk=zenobia.pk).is_active
    assert LogEntry.objects.filter(object_repr="(erased)").count() >= 2
    assert (buying.balance(other), books(zenobia)) == ("30.00", before)
    assert doctor() == doctor("--stripe") == ""


def test_receipts_of_who_is_erased_keep_what_the_law_keeps_and_no_more(
    stripe: Sandbox, zenobia: User
) -> None:
    live_a_life(stripe, zenobia)
    # One receipt is issued long before, the other by the erasure itself.
    [first, _] = due_orders().values_list("pk", flat=True)
    write_receipts([first], methods={first: UsedMethod("card", "visa", "4242")}, seller=house())
    return_all(stripe, zenobia)
    numbers = list(Receipt.objects.values_list("number", flat=True))
    erase(zenobia.email)
    receipts = list(Receipt.objects.order_by("pk"))
    assert [row.number for row in receipts][:1] == numbers
    assert len(receipts) == CreditNote.objects.count() == 2
    for document in (*receipts, *CreditNote.objects.all()):
        assert (document.buyer_name, document.buyer_email) == (NAME, "")
    assert {row.method_last4 for row in receipts} == {""}
    assert receipts[0].method == "Visa"
    assert doctor() == ""


def test_a_refund_after_an_erasure_is_credited_to_whom_its_receipt_names(
    stripe: Sandbox, zenobia: User
) -> None:
    order = live_a_life(stripe, zenobia)
    erase(zenobia.email, "--forfeit-credits")
    stripe.control.refund(order["payment_intent_id"])
    settle_everything(stripe)
    issue_due_documents()
    [note] = CreditNote.objects.all()
    assert (note.buyer_name, note.buyer_email) == (NAME, "")


def test_nobody_is_erased_while_a_receipt_lacks_its_buyer(
    stripe: Sandbox, zenobia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_a_life(stripe, zenobia)
    with monkeypatch.context() as patch:
        patch.setattr("estuary.documents.issuing.receipts.build_receipt", _fail)
        with pytest.raises(CommandError, match="receipt or credit note could not be issued"):
            erase(zenobia.email, "--forfeit-credits")
    assert where_is(zenobia.email)
    assert not is_deleted(stripe, zenobia.stripe_customer.stripe_customer_id)
    erase(zenobia.email, "--forfeit-credits")
    assert {row.buyer_name for row in Receipt.objects.all()} == {NAME}
    assert Receipt.objects.count() == 2


def test_who_has_paid_is_not_erased_while_no_seller_is_set_who_could_issue_the_receipts(
    stripe: Sandbox, zenobia: User, settings: Settings
) -> None:
    known, settings.SELLER = settings.SELLER, Seller()
    live_a_life(stripe, zenobia)
    for options in (("--yes",), ()):
        with pytest.raises(CommandError, match="Set ESTUARY_SELLER_NAME"):
            call_command("erase_person", zenobia.email, "--forfeit-credits", *options)
    with pytest.raises(ErasureRefused, match="A payment of yours has no receipt yet") as refused:
        begin_erasure(zenobia, forfeit_credits=True, by_person=True)
    assert "ESTUARY" not in str(refused.value)
    zenobia.refresh_from_db()
    assert (zenobia.is_active, Erasure.objects.count()) == (True, 0)
    settings.SELLER = known
    erase(zenobia.email, "--forfeit-credits")
    assert {row.buyer_name for row in Receipt.objects.all()} == {NAME}


def test_an_erasure_that_has_begun_waits_for_a_seller_who_issues_the_receipts(
    stripe: Sandbox, zenobia: User, settings: Settings
) -> None:
    live_a_life(stripe, zenobia)
    shut_out(zenobia.email, "--forfeit-credits")
    let_requests_end()
    known, settings.SELLER = settings.SELLER, Seller()
    finish_erasures(timestamp=0)
    assert Erasure.objects.get().erased_at is None
    settings.SELLER = known
    finish_erasures(timestamp=0)
    assert Erasure.objects.get().erased_at
    assert {row.buyer_name for row in Receipt.objects.all()} == {NAME}


def test_who_has_all_receipts_or_never_paid_is_erased_without_a_seller(
    stripe: Sandbox, zenobia: User, maya: User, settings: Settings
) -> None:
    live_a_life(stripe, zenobia)
    return_all(stripe, zenobia)
    issue_due_documents()
    settings.SELLER = Seller()
    erase(zenobia.email)
    erase(maya.email)
    assert where_is(MARK, maya.email) == []


def _fail(*_: Any, **__: Any) -> None:
    raise ValueError("a row that nobody expected")


def test_the_export_has_the_receipts(stripe: Sandbox, zenobia: User) -> None:
    live_a_life(stripe, zenobia)
    issue_due_documents()
    rows = export_person(zenobia)["documents_receipt"]
    assert [row["number"] for row in rows] == list(
        Receipt.objects.order_by("pk").values_list("number", flat=True)
    )
    assert {row["buyer_name"] for row in rows} == {NAME}


def test_what_stripe_sends_after_it_brings_nobody_back(stripe: Sandbox, zenobia: User) -> None:
    customer = prepare(stripe, zenobia)
    address = zenobia.email
    cards = [card for card in stripe.state.store.payment_methods if card["customer"] == customer]
    assert cards
    for card in cards:  # the whole of what a card knows of its holder
        card["billing_details"] |= {"name": NAME, "email": address}
    erase(address)
    for card in cards:
        stripe.state.emit("payment_method.detached", card, {"customer": customer})
        stripe.state.emit("payment_method.updated", card | {"customer": customer})
    settle_everything(stripe)
    assert ("payments_webhookevent", "payload") in where_is(address)
    finish_erasures(timestamp=0)
    assert where_is(MARK, address) == []
    assert not PaymentMethod.objects.filter(user=zenobia, detached_at=None).exists()
    assert not PaymentMethod.objects.exclude(last4="").filter(user=zenobia).exists()
    assert StripeCustomer.objects.get(user=zenobia).stripe_customer_id == ""
    sync_unlisted_events()
    settle_everything(stripe)
    assert where_is(MARK, address) == []
    redacted = WebhookEvent.objects.filter(payload__object="v2.core.event")
    assert {"customer.deleted", "payment_method.detached"} <= set(redacted.values_list("type", flat=True))
    redacted.update(status="pending", due_at=clock.now())  # as a replay
    processor.drain()
    settle_everything(stripe)
    assert not WebhookEvent.objects.filter(status__in=["pending", "dead"]).exists()
    assert where_is(MARK, address) == []
    assert doctor() == doctor("--stripe") == ""


def test_a_request_that_was_let_in_before_brings_nobody_back(stripe: Sandbox, zenobia: User) -> None:
    """It has read who the person is, and is as slow as requests can be."""
    read = User.objects.get(pk=zenobia.pk)
    assert "over in a minute" in shut_out(zenobia.email)
    finish_erasures(timestamp=0)
    order = create_order.create_order(
        create_order.Purchase(
            user=read,
            service=None,
            currency="usd",
            credits_minor=2_500,
            options=CheckoutOptions(payment_type="intent"),
            schedule_request=ScheduleRequest(),
        )
    )
    customer = customers.ensure_customer(read)
    assert stripe.state.store.customers.get(customer)["email"] == zenobia.email  # type: ignore[index]
    let_requests_end()
    finish_erasures(timestamp=0)
    order.refresh_from_db()
    assert order.status == "canceled"
    assert is_deleted(stripe, customer)
    assert where_is(MARK, zenobia.email) == []


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_before"])
@pytest.mark.parametrize("by_worker", [False, True])
def test_an_erasure_that_stripe_cut_off_is_finished(
    stripe: Sandbox, zenobia: User, fault: str, by_worker: bool
) -> None:
    customer = prepare(stripe, zenobia)
    address = zenobia.email
    stripe.faults.add(fault, "DELETE /v1/customers/*", times=20)
    with pytest.raises(CommandError, match="run this again"):
        erase(address)
    assert where_is(address)
    assert not User.objects.get(pk=zenobia.pk).is_active
    stripe.faults.clear()
    settle_everything(stripe)
    if by_worker:
        finish_erasures(timestamp=0)
    else:
        erase(address)
    settle_everything(stripe)
    finish_erasures(timestamp=0)
    assert is_deleted(stripe, customer)
    assert where_is(MARK, address, HOME) == []
    erase(zenobia.pk)  # twice is harmless
    assert where_is(MARK, address, HOME) == []


def test_an_erasure_killed_between_stripe_and_here_is_finished(
    stripe: Sandbox, zenobia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = prepare(stripe, zenobia)
    with monkeypatch.context() as patch:
        patch.setattr("estuary.privacy.erasure.erase._erase_in_database", _die)
        with pytest.raises(KeyboardInterrupt):
            erase(zenobia.email)
    assert is_deleted(stripe, customer)
    settle_everything(stripe)  # the customer is forgotten here before the command runs again
    erase(zenobia.email)
    finish_erasures(timestamp=0)
    assert where_is(MARK, zenobia.email, HOME) == []
    assert doctor() == doctor("--stripe") == ""


def _die(*_: Any) -> None:
    raise KeyboardInterrupt


def test_one_erasure_that_fails_stops_no_other(stripe: Sandbox, zenobia: User, maya: User) -> None:
    """Somebody has the very address that becomes of the first, from before such were refused."""
    User.objects.create_user(f"erased-{min(zenobia.pk, maya.pk)}@erased.invalid", PASSWORD)
    for person in (zenobia, maya):
        shut_out(person.pk)
    let_requests_end()
    finish_erasures(timestamp=0)
    erased = Erasure.objects.exclude(erased_at=None)
    assert [one.user_id for one in erased] == [max(zenobia.pk, maya.pk)]


def test_a_customer_whose_making_had_no_answer_is_deleted_too(stripe: Sandbox, zenobia: User) -> None:
    customer = prepare(stripe, zenobia)
    StripeCustomer.objects.filter(user=zenobia).update(stripe_customer_id="", email=zenobia.email)
    erase(zenobia.email)
    assert is_deleted(stripe, customer)


def test_nobody_erased_is_written_to(stripe: Sandbox, zenobia: User, mailoutbox: list[Any]) -> None:
    prepare(stripe, zenobia)
    erase(zenobia.email)
    mailoutbox.clear()
    for order in Order.objects.filter(user=zenobia):
        tasks.send_mail(order.pk, "refunded")
        tasks.send_mails([{"order_id": order.pk, "template": "refunded"}])
    tasks.send_method_removed(zenobia.pk, "")
    assert mailoutbox == []


def test_an_export_has_everything_and_no_secret(stripe: Sandbox, zenobia: User, other: APIClient) -> None:
    order = live_a_life(stripe, zenobia)
    out = io.StringIO()
    call_command("export_person", zenobia.email, stdout=out)
    exported = json.loads(out.getvalue())
    assert set(exported) == set(PERSONAL)
    assert order["order_id"] in out.getvalue()
    assert exported["payments_paymentmethod"] or exported["payments_setupintent"]
    assert "password" not in exported["accounts_user"][0]
    assert zenobia.password not in out.getvalue()
    assert RateLimitCounter.objects.filter(name=f"payment user {zenobia.pk}").exists()
