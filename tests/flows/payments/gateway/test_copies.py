"""A copy of the database with the same key: at another address it only looks; at the same one it ends nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import override_settings
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import ServiceType
from estuary.common import clock
from estuary.common.errors import Unavailable
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.payments import client, tasks
from estuary.payments.checkout.cancel_order import close_order
from estuary.payments.doctor import run_checks
from estuary.payments.doctor.liveness import NOT_OWNER, WORKER_SILENT
from estuary.payments.errors import NotOwner
from estuary.payments.gateway import ownership
from estuary.payments.inbox import processor
from estuary.payments.mailing.sending import UNCLAIMED
from estuary.payments.models import Orphan, SentMail, StripeAccount
from estuary.payments.order_mails import send_order_mail
from estuary.payments.reconciliation import overdue
from estuary.payments.reconciliation.retry import LONGEST_WAIT
from stripe_sandbox import Sandbox
from tests.database_state import contents, put_back
from tests.factories import a_free_slot, make_service, make_user, signed_in
from tests.flows import buying
from tests.flows.buying import Json, pay, status_of
from tests.flows.payments.reconciliation.test_orphans import all_is_well, later, sweep_for
from tests.sandbox_bridge import estuary_talks_to, run_jobs, settle_everything

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("staff_mail")]

STAGING = "https://staging.estuary.example"
HOUR = timedelta(hours=1)
OWNER_READ = "GET /v1/products/*"


def writes(stripe: Sandbox) -> int:
    return sum(sent.method != "GET" for sent in stripe.requests)


def owner_at(stripe: Sandbox) -> Json:
    product = stripe.state.store.products.get("estuary_owner")
    assert product is not None
    return dict(product["metadata"])


@contextmanager
def as_copy(stripe: Sandbox, backup: dict[str, list[Any]], *, home: str = STAGING) -> Iterator[None]:
    """Run on a copy of the database in new processes, and put the shop's own database back afterwards."""
    live = contents()
    put_back(backup)
    with override_settings(FRONTEND_URL=home), estuary_talks_to(stripe):
        yield
    put_back(live)


def at_stripe(stripe: Sandbox) -> list[Any]:
    """Return how payments stand, and how many refunds there are; a page lapses by itself."""
    store = stripe.state.store
    return [*((row["id"], row["status"]) for row in store.payment_intents), len(store.refunds)]


def work_for_hours(hours: int = 30) -> None:
    """Let a worker do all that it does by itself, until all holds are over."""
    for hour in range(hours):
        with later(timedelta(hours=hour)):
            tasks.expire_orders(0)
            tasks.sweep_minute(0)
            tasks.ask_stripe(0)
            tasks.ask_stripe_far_back(0)
            while run_jobs(NotOwner) or processor.drain():
                continue


def sell_on(stripe: Sandbox, buyer: APIClient, ana: Practitioner) -> tuple[Json, Json]:
    """Sell what the copy will never hear of but by Stripe's lists."""
    session = make_service(ServiceType.SESSION, ana)
    sold = buying.service(buyer, session, start_datetime=a_free_slot(session, nth=7).isoformat())
    pay(stripe, sold)
    left = buying.service(buyer, session, start_datetime=a_free_slot(session, nth=9).isoformat())
    settle_everything(stripe)
    return sold, left


# --- At another address -----------------------------------------------------------------------------------------


@pytest.mark.exhaustive(one_in=2)
@pytest.mark.parametrize("live", [False, True], ids=["test mode", "live mode"])
def test_the_worker_of_a_copy_at_another_address_writes_nothing_at_stripe(
    stripe: Sandbox,
    buyer: APIClient,
    ana: Practitioner,
    shop: dict[str, Json],
    monkeypatch: pytest.MonkeyPatch,
    mailoutbox: list[Any],
    live: bool,
) -> None:
    backup = contents()
    sell_on(stripe, buyer, ana)
    before, sent = at_stripe(stripe), writes(stripe)
    with as_copy(stripe, backup):
        if live:
            monkeypatch.setattr(ownership, "is_live", lambda: True)
        work_for_hours()
        assert writes(stripe) == sent
        assert not Orphan.objects.exists()
        run_jobs()
        assert [mail.subject for mail in mailoutbox if "stripe_other" in mail.subject] == [
            "[Estuary alert] stripe_other"
        ]
        assert [
            breach.code for breach in run_checks([NOT_OWNER, WORKER_SILENT], at=clock.now()).violations
        ] == ["not_the_owner"]
    assert at_stripe(stripe) == before


def test_a_copy_writes_to_none_of_the_shops_guests_until_it_is_claimed(
    stripe: Sandbox, buyer: APIClient, mailoutbox: list[Any]
) -> None:
    order = buying.buy_credits(stripe, buyer, "50.00")
    tasks.ask_stripe(0)
    run_jobs()
    with as_copy(stripe, contents()):
        mailoutbox.clear()
        stripe.control.refund(order["payment_intent_id"])
        with later(HOUR):
            tasks.ask_stripe(0)
            run_jobs(NotOwner)
            assert (
                status_of(order),
                [mail.subject for mail in mailoutbox if "alert" not in mail.subject],
            ) == (
                "refunded",
                [],
            )
            unsent = SentMail.objects.get(kind=OrderMail.REFUNDED)
            assert (unsent.status, unsent.error) == (SentMail.Status.FAILED, UNCLAIMED)
            buying.buy_credits(stripe, signed_in(make_user("Nora New")), "20.00")
            run_jobs()
            assert [mail.subject for mail in mailoutbox if "alert" not in mail.subject] != []
            call_command("stripe_account", "--claim", stdout=StringIO())
            send_order_mail(Order.objects.get(public_id=order["order_id"]), OrderMail.REFUNDED, unsent.key)
        assert SentMail.objects.get(kind=OrderMail.REFUNDED).status == SentMail.Status.SENT


@pytest.mark.parametrize("live", [False, True], ids=["test mode", "live mode"])
def test_a_copy_writes_nothing_when_stripe_fails_to_name_the_owner(
    stripe: Sandbox,
    buyer: APIClient,
    ana: Practitioner,
    shop: dict[str, Json],
    monkeypatch: pytest.MonkeyPatch,
    live: bool,
) -> None:
    backup = contents()
    sell_on(stripe, buyer, ana)
    before, sent = at_stripe(stripe), writes(stripe)
    with as_copy(stripe, backup):
        if live:
            monkeypatch.setattr(ownership, "is_live", lambda: True)
        stripe.faults.add("error_before", OWNER_READ, times=1)
        with later(HOUR):
            tasks.expire_orders(0)
            tasks.sweep_minute(0)
            tasks.ask_stripe(0)
        assert StripeAccount.objects.get().owner_status == "other"
        assert not Orphan.objects.exists()
    assert (at_stripe(stripe), writes(stripe)) == (before, sent)


@pytest.mark.parametrize("verb", ["refund", "cancel", "confirm"])
def test_nobody_ends_or_refunds_from_a_copy_what_is_the_shops(
    stripe: Sandbox, buyer: APIClient, staff: APIClient, shop: dict[str, Json], verb: str
) -> None:
    [card] = buying.cards(buyer)
    backup, sent = contents(), writes(stripe)
    with as_copy(stripe, backup):
        if verb == "refund":
            assert buying.refund(staff, shop["paid"], amount="9.00")["status"] == "requested"
            run_jobs(NotOwner)
        elif verb == "cancel":
            answer = buyer.post(f"/api/v1/orders/{shop['waiting']['order_id']}/cancel/")
            assert (answer.status_code, answer.json()["code"]) == (503, "not_the_owner")
            assert int(answer["Retry-After"]) > 0
        else:
            assert buyer.delete(f"{buying.METHODS}{card['id']}/").status_code == 204
            run_jobs(NotOwner)
    assert writes(stripe) == sent


def test_in_live_mode_a_copy_sells_nothing(
    stripe: Sandbox, other: APIClient, shop: dict[str, Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "is_live", lambda: True)
    backup, sent = contents(), writes(stripe)
    with as_copy(stripe, backup):
        buying.refused(other, 503, "not_the_owner", is_credit_purchase=True, amount="20.00")
        assert other.post("/api/v1/payments/methods/setup/").json()["code"] == "not_the_owner"
    assert writes(stripe) == sent


def test_in_test_mode_a_copy_sells_ends_and_refunds_its_own(
    stripe: Sandbox, staff: APIClient, shop: dict[str, Json]
) -> None:
    backup = contents()
    with as_copy(stripe, backup):
        tasks.ask_stripe(0)
        other = signed_in(make_user("Nora New"))
        with later(timedelta(seconds=5)):
            order = buying.buy_credits(stripe, other, "20.00")
            assert status_of(order) == "completed"
            buying.refund(staff, order, amount="20.00")
            settle_everything(stripe)
            left = buying.credits(other, "30.00")
            assert other.post(f"/api/v1/orders/{left['order_id']}/cancel/").status_code == 200
            assert status_of(order) == "refunded"
        stripe.control.lose_events()


def test_another_house_at_the_same_laptops_address_sells_and_takes_in_nothing_unknown(
    stripe: Sandbox, buyer: APIClient, other: APIClient, staff: APIClient, mailoutbox: list[Any]
) -> None:
    """Two laptops with one test account, each with a database of its own."""
    people = contents()
    buying.buy_credits(stripe, buyer, "50.00")
    left_open = buying.credits(buyer, "60.00")
    settle_everything(stripe)
    mine = contents()
    put_back(people)
    with estuary_talks_to(stripe):
        order = buying.buy_credits(stripe, other, "20.00")
        buying.refund(staff, order, amount="20.00")
        settle_everything(stripe)
        mailoutbox.clear()
        sweep_for()
        assert status_of(order) == "refunded"
        assert not Orphan.objects.exists()
        assert not [mail for mail in mailoutbox if "alert" in mail.subject]
        assert StripeAccount.objects.get().owner_status == "other"
    intent = stripe.state.store.payment_intents.get(left_open["payment_intent_id"])
    assert intent is not None and intent["status"] == "requires_payment_method"
    put_back(mine)


# --- At the same address ------------------------------------------------------------------------------------------


def counted_on_since(hours: int = 2) -> None:
    for hour in range(1, hours + 1):
        with later(timedelta(hours=hour)):
            tasks.ask_stripe(0)


def test_a_worker_of_a_restored_backup_that_looks_at_nothing_is_silent(
    stripe: Sandbox, shop: dict[str, Json]
) -> None:
    """What has to wait for a claim may be late; refunds, disputes and events may not."""
    backup = contents()
    counted_on_since()
    put_back(backup)
    with later(3 * HOUR), estuary_talks_to(stripe):
        tasks.ask_stripe(0)
        assert StripeAccount.objects.get().owner_status == "behind"
        call_command("worker", "--check")
    with later(5 * HOUR), pytest.raises(CommandError, match="list of refunds"):
        call_command("worker", "--check")


def test_a_restored_backup_settles_and_sells_and_ends_nothing_until_it_is_claimed(
    stripe: Sandbox,
    buyer: APIClient,
    ana: Practitioner,
    shop: dict[str, Json],
    mailoutbox: list[Any],
) -> None:
    run_jobs()
    overdue.send_unsent_refunds()
    settle_everything(stripe)
    backup = contents()
    sold, left = sell_on(stripe, buyer, ana)
    stripe.control.confirm(shop["waiting"]["payment_intent_id"], card=buying.FINE)
    stripe.control.lose_events()
    counted_on_since()
    mailoutbox.clear()
    put_back(backup)
    with estuary_talks_to(stripe), time_machine.travel(clock.now() + timedelta(hours=3), tick=True):
        sent = writes(stripe)
        sweep_for()
        assert writes(stripe) == sent
        assert status_of(shop["waiting"]) == "completed"
        assert not Order.objects.filter(public_id=sold["order_id"]).exists()
        assert [mail.subject for mail in mailoutbox if "stripe_behind" in mail.subject] != []
        buying.credits(signed_in(make_user("Nora New")), "90.00")  # it is the shop, after all
        out = StringIO()
        call_command("stripe_account", stdout=out)
        assert "has counted further" in out.getvalue()
        call_command("stripe_account", "--claim", stdout=out)
        with later(timedelta(minutes=2)):
            sweep_for()
            assert status_of(sold) == "refunded"
            intent = stripe.state.store.payment_intents.get(left["payment_intent_id"])
            assert intent is not None and intent["status"] == "canceled"
            all_is_well()


def test_of_two_databases_at_one_address_the_one_that_counts_second_ends_nothing(
    stripe: Sandbox, shop: dict[str, Json]
) -> None:
    """Their counts are equal then, and the mark tells them apart."""
    copy = contents()
    counted_on_since(1)
    shops = contents()
    put_back(copy)
    with later(HOUR), estuary_talks_to(stripe):
        tasks.ask_stripe(0)
        assert StripeAccount.objects.get().owner_status == "behind"
        with pytest.raises(Unavailable):
            client.cancel_intent(
                shop["waiting"]["payment_intent_id"], reason="abandoned", key="ord_x-cancel-1"
            )
    put_back(shops)
    with later(HOUR), estuary_talks_to(stripe):
        tasks.ask_stripe(0)
        assert StripeAccount.objects.get().owner_status == "owner"


def test_a_restored_backup_ends_nothing_while_stripe_fails_to_say_how_far_the_other_counted(
    stripe: Sandbox, shop: dict[str, Json]
) -> None:
    """Its own row says that it was the owner, when it was copied."""
    backup = contents()
    counted_on_since()
    put_back(backup)
    before, sent, owner = at_stripe(stripe), writes(stripe), owner_at(stripe)
    with estuary_talks_to(stripe), time_machine.travel(clock.now() + timedelta(hours=3), tick=True):
        fault = stripe.faults.add("error_before", OWNER_READ, times=None)
        for minutes in (0, 2):
            with later(timedelta(minutes=minutes)):
                tasks.expire_orders(0)
                tasks.sweep_minute(0)
                tasks.ask_stripe(0)
        assert (at_stripe(stripe), writes(stripe), owner_at(stripe)) == (before, sent, owner)
        assert not ownership.may_recover_orphans()
        buying.credits(signed_in(make_user("Nora New")), "90.00")  # it is the shop, after all
        fault.times = 0
        with later(timedelta(minutes=4)):
            tasks.ask_stripe(0)
            assert StripeAccount.objects.get().owner_status == "behind"


@pytest.mark.parametrize(
    ("payment_type", "path"), [("intent", "/v1/payment_intents"), ("checkout", "/v1/checkout/sessions")]
)
def test_a_restored_backup_creates_no_payment_to_end_an_order_by_it(
    stripe: Sandbox, buyer: APIClient, payment_type: str, path: str
) -> None:
    """The owner repeats an unanswered creation, and cancels what it gets: the backup could not cancel it."""
    buying.buy_credits(stripe, buyer)
    backup = contents()
    counted_on_since()
    put_back(backup)
    with estuary_talks_to(stripe), time_machine.travel(clock.now() + timedelta(hours=3), tick=True):
        stripe.faults.add("timeout_before", f"POST {path}")
        wish = {"is_credit_purchase": True, "amount": "20.00", "payment_type": payment_type}
        assert signed_in(make_user("Nora New")).post(buying.CREATE, wish).status_code == 503
        order, sent = Order.objects.latest("pk"), writes(stripe)
        with pytest.raises(NotOwner):
            close_order(order, reason="abandoned", cause="the date was called off")
        assert writes(stripe) == sent
        with later(timedelta(minutes=3)):
            assert (
                close_order(order, reason="abandoned", cause="the date was called off").status == "canceled"
            )
        assert writes(stripe) == sent


def test_the_shop_ends_and_refunds_again_once_stripe_names_the_owner(
    stripe: Sandbox, shop: dict[str, Json]
) -> None:
    with estuary_talks_to(stripe):
        stripe.faults.add("error_before", OWNER_READ, times=1)
        with later(timedelta(minutes=2)):
            tasks.sweep_minute(0)
            assert len(stripe.state.store.refunds) == 0
        with later(timedelta(minutes=2) + LONGEST_WAIT):
            tasks.sweep_minute(0)
    assert len(stripe.state.store.refunds) == 1
