"""The inbox and the credits as staff see and correct them."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.admin import pagination
from estuary.credits.models import CreditAccount, CreditTransaction
from estuary.payments.admin import inbox as inbox_page
from estuary.payments.admin.event_outcomes import EFFECT_WORDS, describe_outcome
from estuary.payments.admin.inbox import WebhookEventAdmin
from estuary.payments.models import WebhookEvent
from estuary.payments.settlement.state import Effect
from tests.api.staff import admin_client, balance_of, give_credits, messages_on
from tests.factories import make_user

INBOX = "/admin/payments/webhookevent/"


@pytest.fixture
def dead(db: None) -> WebhookEvent:
    return an_event("evt_dead", status="dead", attempts=12, error="ValueError: no such thing <b>")


def an_event(event_id: str, minutes_ago: int = 60, **fields: object) -> WebhookEvent:
    at = clock.now() - timedelta(minutes=minutes_ago)
    return WebhookEvent.objects.create(
        stripe_event_id=event_id,
        type="payment_intent.succeeded",
        livemode=False,
        payload={"id": event_id, "data": {"object": {"id": "pi_1", "note": "<script>"}}},
        due_at=at,
        created_at=at,
        received_at=at,
        **fields,
    )


def test_a_dead_event_shows_its_payload_and_error_and_no_markup_of_others(dead: WebhookEvent) -> None:
    page = admin_client().get(reverse("admin:payments_webhookevent_change", args=[dead.pk])).content.decode()
    assert "&quot;pi_1&quot;" in page
    assert "ValueError: no such thing &lt;b&gt;" in page
    assert "<script>&quot;" not in page


def test_an_outcome_is_shown_in_words(db: None) -> None:
    event = an_event("evt_done", status="done", outcome="RecordCapture, ChangeStatus, Fulfil, NotifyBuyer")
    client = admin_client()
    words = "payment captured, status changed, order fulfilled, buyer notified"
    assert words in client.get(INBOX).content.decode()
    page = client.get(reverse("admin:payments_webhookevent_change", args=[event.pk])).content.decode()
    assert words in page
    assert "RecordCapture" not in page
    event.refresh_from_db()
    assert event.outcome == "RecordCapture, ChangeStatus, Fulfil, NotifyBuyer"


def test_each_effect_has_words_and_other_outcomes_are_shown_as_they_are() -> None:
    assert EFFECT_WORDS.keys() == {effect.__name__ for effect in Effect.__subclasses__()}
    assert describe_outcome("fetched: UpdateRefund; nothing new") == "fetched: refund updated; nothing new"
    assert describe_outcome("not ours") == "not ours"


def test_events_are_filtered_by_status_age_and_attempts_and_found_by_payment(dead: WebhookEvent) -> None:
    an_event("evt_late", status="pending")
    an_event("evt_new", minutes_ago=1, status="done", attempts=1)
    client = admin_client()

    def event_ids(**query: str) -> set[str]:
        rows = client.get(INBOX, query).context["cl"].result_list
        return {row.stripe_event_id for row in rows}

    assert event_ids(status__exact="dead") == {"evt_dead"}
    assert event_ids(age="late") == {"evt_late"}
    assert event_ids(age="hour") == {"evt_new"}
    assert event_ids(attempts="0") == {"evt_late"}
    assert event_ids(attempts="1") == {"evt_new"}
    assert event_ids(attempts="more") == {"evt_dead"}
    assert event_ids(q="evt_new") == {"evt_new"}
    assert event_ids(q="pi_1") == {"evt_dead", "evt_late", "evt_new"}
    assert event_ids(q="charge.") == set()


def test_a_type_is_looked_for_among_the_newest(dead: WebhookEvent, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [an_event(f"evt_{number}", status="done") for number in range(4)]
    WebhookEvent.objects.filter(pk__in=[dead.pk, others[-1].pk]).update(type="charge.refunded")
    monkeypatch.setattr(pagination, "NEWEST", 3)
    rows = admin_client().get(INBOX, {"q": "charge."}).context["cl"].result_list
    assert {row.stripe_event_id for row in rows} == {others[-1].stripe_event_id}


def test_a_long_list_is_counted_as_far_as_anybody_pages(
    dead: WebhookEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination, "MAX_COUNTED", 5)
    monkeypatch.setattr(WebhookEventAdmin, "list_per_page", 2)
    client = admin_client()
    for number in range(20):
        an_event(f"evt_{number}", status="done")

    def looks(**query: str) -> tuple[str, int]:
        page = client.get(INBOX, query)
        return " ".join(page.content.decode().split()), len(page.context["cl"].result_list)

    first, shown = looks()
    assert ("more than 8 webhook events" in first, shown) == (True, 2)
    assert "?p=4" in first
    assert "?p=5" not in first
    later, shown = looks(p="4")
    assert ("more than 14 webhook events" in later, "?p=7" in later, shown) == (True, True, 2)
    last, shown = looks(p="11")
    assert ("21 webhook events" in last, "more than 2" in last, shown) == (True, False, 1)
    for digits in (7, 30):
        assert client.get(INBOX, {"p": "9" * digits}).headers["Location"] == f"{INBOX}?e=1"
    assert looks(p="9" * 5000)[1] == 2  # no number to Python, and so none to Django
    few, shown = looks(status__exact="dead")
    assert ("1 webhook event" in few, "more than 1 " in few, shown) == (True, False, 1)


def test_of_many_events_the_first_are_replayed_and_staff_are_told(
    dead: WebhookEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = an_event("evt_other", status="dead")
    monkeypatch.setattr(inbox_page, "MAX_REPLAYED", 1)
    form = {"action": "replay_selected", "_selected_action": [str(dead.pk)], "select_across": "1"}
    answer = admin_client().post(INBOX, form, follow=True)
    assert "1 event is in the queue again. There are more: choose again for the rest." in messages_on(answer)
    assert WebhookEvent.objects.get(status="dead") == other


def test_a_selected_event_is_replayed(dead: WebhookEvent) -> None:
    form = {"action": "replay_selected", "_selected_action": [str(dead.pk)]}
    answer = admin_client().post(INBOX, form, follow=True)
    assert "1 event is in the queue again." in messages_on(answer)
    dead.refresh_from_db()
    assert (dead.status, dead.attempts, dead.error) == ("pending", 0, "")
    assert LogEntry.objects.get().change_message == "Replayed"


def test_an_event_is_replayed_from_its_page(dead: WebhookEvent) -> None:
    url = reverse("admin:payments_webhookevent_replay", args=[dead.pk])
    client = admin_client()
    assert client.get(url).status_code == 200
    dead.refresh_from_db()
    assert dead.status == "dead"
    client.post(url)
    dead.refresh_from_db()
    assert dead.status == "pending"


def test_looking_at_events_is_no_permission_to_replay_them(dead: WebhookEvent) -> None:
    client = admin_client("payments.view_webhookevent")
    assert client.post(reverse("admin:payments_webhookevent_replay", args=[dead.pk])).status_code == 403
    client.post(INBOX, {"action": "replay_selected", "_selected_action": [str(dead.pk)]})
    dead.refresh_from_db()
    assert dead.status == "dead"


@pytest.fixture
def account(db: None) -> CreditAccount:
    buyer = make_user()
    give_credits(buyer, 2_000)
    return CreditAccount.objects.select_related("user").get()


def adjusting(account: CreditAccount) -> str:
    return reverse("admin:credits_creditaccount_adjust_account", args=[account.pk])


def test_credits_are_taken_back_by_a_movement_of_its_own_once(account: CreditAccount) -> None:
    client = admin_client()
    form = client.get(adjusting(account)).context["form"]
    body = {"amount": "-25.50", "note": "Given twice", "token": form["token"].value()}
    assert "Adjusted by -25.50 USD." in messages_on(client.post(adjusting(account), body, follow=True))
    assert balance_of(account.user, "usd") == -550
    row = CreditTransaction.objects.first()
    assert row is not None
    assert (row.kind, row.amount_minor, row.balance_after_minor, row.note) == (
        "adjustment",
        -2_550,
        -550,
        "Given twice",
    )
    assert "made already" in messages_on(client.post(adjusting(account), body, follow=True))
    assert balance_of(account.user, "usd") == -550
    assert LogEntry.objects.count() == 1


def test_credits_are_given_to_someone_who_has_none(db: None) -> None:
    buyer: User = make_user("Tom Achterberg")
    client = admin_client()
    url = reverse("admin:credits_creditaccount_give")
    token = client.get(url).context["form"]["token"].value()
    body = {"email": buyer.email.upper(), "currency": "EUR", "amount": "5", "note": "Sorry", "token": token}
    assert client.post(url, body, follow=True).status_code == 200
    assert balance_of(buyer, "eur") == 500


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("amount", "0", "greater than zero"),
        ("amount", "1.234", "decimal places"),
        ("amount", "NaN", "Write an amount"),
        ("amount", "1e400", "too large"),
        ("note", "", "required"),
        ("email", "nobody@estuary.example", "Nobody has an account"),
        ("currency", "12€", "three letters"),
        ("currency", "zzz", "Stripe does not take ZZZ"),
        ("token", "adj_made_up", "not valid any more"),
    ],
)
def test_an_adjustment_that_cannot_be_is_refused_in_words(
    account: CreditAccount, field: str, value: str, words: str
) -> None:
    client = admin_client()
    url = reverse("admin:credits_creditaccount_give")
    token = client.get(url).context["form"]["token"].value()
    good = {"email": account.user.email, "currency": "usd", "amount": "1.00", "note": "n", "token": token}
    answer = client.post(url, {**good, field: value})
    assert answer.status_code == 200
    assert words in str(answer.context["form"].errors)
    assert CreditTransaction.objects.count() == 1


def test_only_those_with_the_permission_adjust(account: CreditAccount) -> None:
    client = admin_client("credits.view_creditaccount")
    assert client.get(reverse("admin:credits_creditaccount_change", args=[account.pk])).status_code == 200
    assert client.get(adjusting(account)).status_code == 403
    assert client.get(reverse("admin:credits_creditaccount_give")).status_code == 403
