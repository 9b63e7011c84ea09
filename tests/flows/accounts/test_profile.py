"""A person's own account: the name and the receipts' address are changed, the data downloaded, the account deleted."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from estuary.accounts.models import ContactChange, User
from estuary.accounts.profile.api import AccountSerializer
from estuary.accounts.profile.billing_details import BillingDetails, get_billing_details
from estuary.common import clock
from estuary.privacy.erasure.erase import MAX_REQUEST_AGE
from estuary.privacy.tasks import finish_erasures
from stripe_sandbox import Sandbox
from stripe_sandbox.errors import StripeError
from tests.attacks.visitor import Visitor, codes_mailed_to, subjects_mailed_to
from tests.factories import PASSWORD, make_staff, make_user, signed_in
from tests.flows import buying
from tests.flows.accounts.test_names import BAD_NAMES

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNT, DATA, ERASURE = "/api/v1/account/", "/api/v1/account/data/", "/api/v1/account/erasure/"


@pytest.fixture
def maya() -> User:
    return make_user("Maya Lindqvist")


@pytest.fixture
def visitor(maya: User) -> Visitor:
    visitor = Visitor()
    assert visitor.sign_in(maya.email, PASSWORD) == 200
    return visitor


def test_an_account_shows_itself_in_few_queries(maya: User) -> None:
    client = signed_in(maya)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(ACCOUNT)
    assert len(queries) == 3  # the token's session and user, and whether the address is confirmed
    assert answer.json() == {
        "email": maya.email,
        "email_verified": False,
        "name": "Maya Lindqvist",
        "has_password": True,
        "billing_name": "",
        "billing_address": "",
        "date_joined": answer.json()["date_joined"],
    }


def test_a_person_changes_the_name_and_whom_receipts_name(maya: User) -> None:
    body = {
        "name": " Maya  Berg ",
        "billing_name": "Berg & Co",
        "billing_address": "Kungsgatan 2\r\n 411 19 Göteborg",
        "email": "thief@example.com",
    }
    answer = signed_in(maya).patch(ACCOUNT, body)
    assert answer.status_code == 200, answer.json()
    assert (answer.json()["name"], answer.json()["email"]) == ("Maya Berg", maya.email)
    maya.refresh_from_db()
    assert (maya.first_name, maya.last_name) == ("Maya", "Berg")
    assert get_billing_details(maya) == BillingDetails(
        "Berg & Co", "Kungsgatan 2\n411 19 Göteborg", maya.email
    )
    assert ContactChange.objects.filter(user=maya).count() == 1  # the worker copies it to Stripe


@pytest.mark.parametrize(
    ("late", "early"),
    [
        ({"name": "Maya Berg"}, {"billing_address": "Kungsgatan 2"}),
        ({"billing_name": "Berg & Co"}, {"name": "Maya Berg"}),
        ({"billing_address": "Kungsgatan 2"}, {"billing_name": "Berg & Co"}),
    ],
)
def test_two_tabs_that_change_different_things_lose_neither(
    maya: User, late: buying.Json, early: buying.Json
) -> None:
    read = User.objects.get(pk=maya.pk)
    assert signed_in(maya).patch(ACCOUNT, early).status_code == 200
    changed = AccountSerializer(read, data=late, partial=True)
    assert changed.is_valid()
    changed.save()
    shown = signed_in(maya).get(ACCOUNT).json()
    assert {field: shown[field] for field in late | early} == late | early


def test_the_same_name_again_keeps_how_staff_have_parted_it() -> None:
    user = make_user("x", is_active=True)
    User.objects.filter(pk=user.pk).update(first_name="Mary Ann", last_name="Smith")
    assert signed_in(user).patch(ACCOUNT, {"name": "Mary Ann Smith"}).status_code == 200
    user.refresh_from_db()
    assert (user.first_name, user.last_name) == ("Mary Ann", "Smith")


# A company may be called by a link or by signs alone.
BAD_ON_RECEIPTS = [of for of in BAD_NAMES if of not in {"a link", "an address", "no letter"}]


@pytest.mark.parametrize(
    ("field", "name"),
    [
        *(("name", name) for name in BAD_NAMES.values()),
        *(("billing_name", BAD_NAMES[of]) for of in BAD_ON_RECEIPTS),
    ],
)
def test_a_bad_name_is_refused_and_nothing_is_changed(maya: User, field: str, name: str) -> None:
    answer = signed_in(maya).patch(ACCOUNT, {field: name, "billing_address": "Kungsgatan 2"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert field in answer.json()["errors"]
    maya.refresh_from_db()
    assert (maya.get_full_name(), maya.billing_name, maya.billing_address) == ("Maya Lindqvist", "", "")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"name": ""}, "blank"),
        ({"name": None}, "null"),
        ({"name": ["Maya"]}, "Send text"),
        ({"billing_address": "\n".join("1234567")}, "6 lines"),
        ({"billing_address": "x" * 401}, "400"),
        ({"billing_address": "Kungsgatan \u202e2"}, "one line"),
    ],
)
def test_what_is_no_name_and_no_address_is_refused_with_a_sentence(
    maya: User, body: buying.Json, word: str
) -> None:
    answer = signed_in(maya).patch(ACCOUNT, body)
    assert answer.status_code == 400
    assert word in answer.json()["detail"]


def test_changes_are_limited_and_a_refused_one_does_not_count(maya: User) -> None:
    client = signed_in(maya)
    assert [client.patch(ACCOUNT, {"name": ""}).status_code for _ in range(12)] == [400] * 12
    codes = [client.patch(ACCOUNT, {"name": f"Maya {number}"}).status_code for number in range(12)]
    assert codes == [200] * 10 + [429] * 2


@pytest.mark.parametrize(("method", "path"), [("get", DATA), ("post", ERASURE)])
def test_a_token_alone_downloads_and_deletes_nothing(visitor: Visitor, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {visitor.access}"}
    answer = getattr(visitor.browser, method)(path, headers=headers, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")
    visitor.reauthenticate(PASSWORD)
    with time_machine.travel(clock.now() + timedelta(minutes=5, seconds=1)):
        visitor.ask("POST", "tokens/refresh", {"refresh_token": visitor.refresh})
        headers = {"Authorization": f"Bearer {visitor.access}"}
        late = getattr(visitor.browser, method)(path, headers=headers, content_type="application/json")
    assert late.status_code in {401, 403}


def test_a_person_downloads_all_that_is_theirs_and_nothing_of_others(
    stripe: Sandbox, maya: User, visitor: Visitor
) -> None:
    tom = make_user("Tom Achterberg")
    for buyer in (maya, tom):
        client = signed_in(buyer)
        buying.pay(stripe, buying.credits(client, "20.00"))
        client.patch(ACCOUNT, {"billing_name": f"{buyer.first_name} Ltd"})
    visitor.reauthenticate(PASSWORD)
    headers = {"Authorization": f"Bearer {visitor.access}"}
    answer = visitor.browser.get(DATA, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="estuary-my-data-')
    assert answer.headers["Cache-Control"] == "private, no-store"
    data = json.loads(answer.content)
    assert data["accounts_user"][0]["billing_name"] == "Maya Ltd"
    assert "password" not in data["accounts_user"][0]
    assert len(data["orders_order"]) == 1
    text = answer.content.decode()
    assert maya.email in text
    assert [word for word in (tom.email, "Achterberg", "Tom Ltd", "secret") if word in text] == []


def erase(visitor: Visitor, **body: bool) -> tuple[int, buying.Json]:
    headers = {"Authorization": f"Bearer {visitor.access}"}
    answer = visitor.browser.post(ERASURE, body, content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


def test_a_page_that_is_still_open_can_not_be_paid_after_the_account_is_deleted(
    stripe: Sandbox, maya: User, visitor: Visitor
) -> None:
    """Its credits would be taken with those that the person gave up."""
    buyer = signed_in(maya)
    buying.buy_credits(stripe, buyer, "1.00")
    page = buying.credits(buyer, "100.00", payment_type="checkout")
    visitor.reauthenticate(PASSWORD)
    assert erase(visitor, forfeit_credits=True)[0] == 202
    with pytest.raises(StripeError):
        stripe.control.pay_checkout(page["checkout_url"].rsplit("/", 1)[-1].partition("#")[0])
    assert buying.status_of(page) == "canceled"


def test_a_person_deletes_the_account_and_is_told_by_mail(maya: User, visitor: Visitor) -> None:
    visitor.reauthenticate(PASSWORD)
    assert erase(visitor)[0] == 202
    assert not visitor.opens_the_api()
    assert Visitor().sign_in(maya.email, PASSWORD) != 200
    [subject] = subjects_mailed_to(maya.email)
    assert "account was closed" in subject
    with time_machine.travel(clock.now() + MAX_REQUEST_AGE + timedelta(minutes=1)):
        finish_erasures(0)
    maya.refresh_from_db()
    assert (maya.get_full_name(), maya.email.endswith("@erased.invalid")) == ("", True)


def test_deleting_an_account_reads_no_session_of_others(maya: User, visitor: Visitor) -> None:
    visitor.reauthenticate(PASSWORD)
    with CaptureQueriesContext(connection) as queries:
        assert erase(visitor)[0] == 202
    of_sessions = [query["sql"] for query in queries if 'FROM "django_session"' in query["sql"]]
    assert [sql for sql in of_sessions if "session_key" not in sql.partition("WHERE")[2]] == []


def test_somebody_who_joined_by_code_deletes_the_account_by_code() -> None:
    email = "newcomer@example.com"
    visitor = Visitor()
    visitor.request_code(email, name="Nora")
    assert visitor.enter(codes_mailed_to(email)[-1]) == 200
    assert erase(visitor)[0] == 403
    assert visitor.ask("POST", "auth/code/reauthenticate/request")[0] == 200
    assert visitor.ask("POST", "auth/code/reauthenticate", {"code": codes_mailed_to(email)[-1]})[0] == 200
    assert erase(visitor)[0] == 202


def test_credits_keep_an_account_open_until_they_are_given_up(
    stripe: Sandbox, maya: User, visitor: Visitor
) -> None:
    buying.pay(stripe, buying.credits(signed_in(maya), "20.00"))
    visitor.reauthenticate(PASSWORD)
    status, refused = erase(visitor)
    assert (status, refused["code"]) == (409, "erasure_refused")
    assert "You have credits left" in refused["detail"]
    assert "--forfeit" not in refused["detail"]
    assert User.objects.get(pk=maya.pk).is_active
    assert erase(visitor, forfeit_credits=True)[0] == 202


def test_staff_do_not_delete_themselves() -> None:
    sam, visitor = make_staff("Sam Okafor"), Visitor()
    assert visitor.sign_in(sam.email, PASSWORD) == 200
    visitor.reauthenticate(PASSWORD)
    status, refused = erase(visitor)
    assert (status, refused["code"]) == (403, "staff_not_erased")
    assert User.objects.get(pk=sam.pk).is_active


def test_the_same_person_joins_again_after_the_account_is_gone(maya: User, visitor: Visitor) -> None:
    email = maya.email
    visitor.reauthenticate(PASSWORD)
    assert erase(visitor)[0] == 202
    with time_machine.travel(clock.now() + MAX_REQUEST_AGE + timedelta(minutes=1)):
        finish_erasures(0)
        again = Visitor()
        again.request_code(email, name="Maya")
        assert again.enter(codes_mailed_to(email)[-1]) == 200
    assert User.objects.get(email=email).pk != maya.pk
