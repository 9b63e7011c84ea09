"""A name is one line of letters, in every place that takes one, and shown as much as it is known."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from estuary.accounts.contact.names import clean_name
from estuary.accounts.contact.postal_addresses import clean_address
from estuary.accounts.models import User
from estuary.accounts.profile.billing_details import BillingDetails, get_billing_details
from tests.api.staff import admin_client
from tests.attacks.visitor import PASSWORD, Visitor
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)

BAD_NAMES = {
    "a line break": "Maya\nBcc: all@example.com",
    "a carriage return": "Maya\rLindqvist",
    "a separator of paragraphs": "Maya\u2029Lindqvist",
    "a control character": "Maya\x07",
    "an override of the direction": "Maya \u202egnp.exe",
    "an isolate": "\u2067Maya\u2069",
    "an invisible mark": "Ma\u200bya",
    "300 characters": "M" * 300,
    "300 characters in words": "Maya Lind " * 30,
    "a link": "Win at https://evil.example",
    "an address": "all@example.com",
    "no letter": "\u200d . -",
}
GOOD_NAMES = {
    "Maya Lindqvist": "Maya Lindqvist",
    "  Maya   Lindqvist ": "Maya Lindqvist",
    "Li": "Li",
    "Jose\u0301 Nu\u0301n\u0303ez": "Jos\u00e9 N\u00fa\u00f1ez",
    "O'Brien-Smith, Jr.": "O'Brien-Smith, Jr.",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u5f20\u4f1f": "\u5f20\u4f1f",
}


def sign_up_as(name: str) -> tuple[int, str]:
    body = {"email": "newcomer@example.com", "password": PASSWORD, "name": name}
    status, answer = Visitor().ask("POST", "auth/signup", body)
    return status, str(answer.get("detail", ""))


def rename_in_the_admin(name: str) -> tuple[int, str]:
    maya = make_user("Maya")
    page = reverse("admin:accounts_user_change", args=[maya.pk])
    answer = admin_client().post(page, {"email": maya.email, "last_name": name, "is_active": "on"})
    maya.refresh_from_db()
    assert maya.get_full_name() == "Maya" or answer.status_code == 302
    return {200: 400}.get(answer.status_code, answer.status_code), answer.content.decode()


@pytest.mark.parametrize("give", [sign_up_as, rename_in_the_admin])
@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_a_bad_name_is_refused_with_a_sentence(give: Callable[[str], tuple[int, str]], name: str) -> None:
    status, text = give(name)
    assert status == 400
    assert any(sentence in text for sentence in ("on one line", "Write a", "at most 150"))


@pytest.mark.parametrize(("name", "stored"), GOOD_NAMES.items())
def test_a_good_name_is_kept_as_people_write_it(name: str, stored: str) -> None:
    assert sign_up_as(name)[0] == 200
    assert User.objects.get().get_full_name() == clean_name(name) == stored


def test_a_sign_up_without_a_name_is_taken_and_shows_the_first_letters_of_the_address() -> None:
    assert Visitor().sign_up("newcomer@example.com") == 200
    user = User.objects.get()
    assert (user.get_full_name(), user.public_name) == ("", "ne…@…")


def test_staff_create_a_person_with_a_name() -> None:
    form = {
        "email": "ines@example.com",
        "first_name": "Ines",
        "last_name": "Duarte",
        "usable_password": "false",
    }
    client: Client = admin_client()
    assert client.post(reverse("admin:accounts_user_add"), form).status_code == 302
    assert User.objects.get(email="ines@example.com").get_full_name() == "Ines Duarte"


def test_staff_write_an_address_for_receipts_on_several_lines() -> None:
    maya = make_user()
    page = reverse("admin:accounts_user_change", args=[maya.pk])
    form = {
        "email": maya.email, "first_name": "Maya", "last_name": "Lindqvist", "is_active": "on",
        "billing_name": "Lindqvist AB", "billing_address": "Storgatan 1\r\n 111 22  Stockholm\r\n",
    }  # fmt: skip
    assert admin_client().post(page, form).status_code == 302
    maya.refresh_from_db()
    address = "Storgatan 1\n111 22  Stockholm"
    assert get_billing_details(maya) == BillingDetails("Lindqvist AB", address, maya.email)


def test_a_receipt_names_the_person_who_wants_no_other_name_on_it() -> None:
    maya = make_user()
    assert get_billing_details(maya) == BillingDetails("Maya Lindqvist", "", maya.email)


@pytest.mark.parametrize("address", ["1\n2\n3\n4\n5\n6\n7", "Storgatan\u202e 1", "Storgatan\t1\x00"])
def test_an_address_that_fits_on_no_receipt_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        clean_address(address)
