"""An attacker opens an account with somebody else's address first, and waits for the owner to save a card in it."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from estuary.accounts import account_mails
from estuary.accounts.models import User
from tests.attacks.visitor import PASSWORD, Visitor, keys_mailed_to, subjects_mailed_to
from tests.jobs import task_named

pytestmark = pytest.mark.django_db(transaction=True)

OWNER, ATTACKER, NEW = "owner@example.com", "attacker@example.com", "owners-new-password-3"


def signed_up(email: str) -> Visitor:
    visitor = Visitor()
    assert visitor.sign_up(email) == 200
    return visitor


def reset_by_the_owner() -> Visitor:
    """The owner asks for a new password, follows the mail and signs in."""
    owner = Visitor("203.0.113.9")
    assert owner.request_reset(OWNER) == 200
    assert owner.reset(keys_mailed_to(OWNER)[-1], NEW) in {200, 401}
    assert owner.sign_in(OWNER, NEW) == 200
    return owner


def test_a_second_address_does_not_survive_the_owners_reset() -> None:
    """The attack of the issue: by the second address the attacker would reset the password once more."""
    attacker = signed_up(OWNER)
    attacker.change_address(ATTACKER)
    attacker.reauthenticate()
    attacker.change_address(ATTACKER)
    early = keys_mailed_to(ATTACKER)
    owner = reset_by_the_owner()
    for key in early:
        attacker.confirm(key)
    before = len(keys_mailed_to(ATTACKER))
    attacker.request_reset(ATTACKER)
    assert len(keys_mailed_to(ATTACKER)) == before, "the attacker is mailed a key to the owner's account"
    assert attacker.sign_in(ATTACKER) != 200
    assert owner.opens_the_api()
    assert [row.email for row in EmailAddress.objects.all()] == [OWNER]


def test_a_change_of_address_whose_mail_waits_does_not_survive_the_owners_reset() -> None:
    """The attacker's mail server is off until the owner has come, so the job is tried again after the reset."""
    attacker = signed_up(OWNER)
    attacker.reauthenticate()
    assert attacker.change_address(ATTACKER) == 200
    waiting = take_jobs_to(ATTACKER)
    owner = reset_by_the_owner()
    for job in waiting:
        task_named(job.task_name)(**job.args)
    for key in keys_mailed_to(ATTACKER):
        attacker.confirm(key)
    assert list(User.objects.values_list("email", flat=True)) == [OWNER]
    assert keys_mailed_to(ATTACKER) == []
    assert owner.opens_the_api()


def test_a_change_of_address_whose_mail_waits_does_not_undo_a_later_change() -> None:
    buyer = signed_up(OWNER)
    buyer.reauthenticate()
    assert buyer.change_address("typo@example.com") == 200
    waiting = take_jobs_to("typo@example.com")
    assert buyer.change_address("right@example.com") == 200
    buyer.confirm(keys_mailed_to("right@example.com")[-1])
    for job in waiting:
        task_named(job.task_name)(**job.args)
    for key in keys_mailed_to("typo@example.com"):
        buyer.confirm(key)
    assert list(User.objects.values_list("email", flat=True)) == ["right@example.com"]


def test_a_change_of_address_that_an_earlier_version_enqueued_is_not_mailed() -> None:
    signed_up(OWNER)
    account_mails.enqueue_mail("email_change", ATTACKER, User.objects.get().pk)
    assert keys_mailed_to(ATTACKER) == []


def take_jobs_to(email: str) -> list[ProcrastinateJob]:
    """Take the waiting mails to an address out of the queue, as a worker does whose mail server refuses them."""
    jobs = [job for job in ProcrastinateJob.objects.filter(status="todo") if job.args.get("email") == email]
    assert jobs
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE id = ANY(%s)", [[job.id for job in jobs]])
    return jobs


def test_who_confirms_another_address_has_left_the_first_to_its_owner() -> None:
    attacker = signed_up(OWNER)
    attacker.change_address(ATTACKER)
    attacker.reauthenticate()
    assert attacker.change_address(ATTACKER) == 200
    attacker.confirm(keys_mailed_to(ATTACKER)[-1])
    assert list(User.objects.values_list("email", flat=True)) == [ATTACKER]
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [(ATTACKER, True, True)]
    owner = signed_up(OWNER)
    assert owner.opens_the_api()
    assert User.objects.count() == 2


def test_no_session_and_no_token_survives_the_owners_reset() -> None:
    attacker = signed_up(OWNER)
    assert attacker.opens_the_api()
    owner = reset_by_the_owner()
    assert not attacker.opens_the_api()
    assert attacker.ask("POST", "tokens/refresh", {"refresh_token": attacker.refresh})[0] != 200
    assert attacker.ask("GET", "auth/session")[0] != 200
    assert owner.opens_the_api()


def test_a_reset_that_was_requested_early_is_not_mailed_to_an_address_that_is_none_of_the_accounts() -> None:
    """The job of a mail waits for a mail server; the account has changed its address meanwhile."""
    attacker = signed_up(ATTACKER)
    attacker.request_reset(ATTACKER)
    User.objects.update(email=OWNER)
    keys_mailed_to(ATTACKER)
    assert not [m for m in mail.outbox if m.to == [ATTACKER] and "reset-password/?key" in str(m.body)]


def test_an_address_that_staff_replaced_opens_nothing() -> None:
    """Whoever takes over a lost account by staff has one address, not the old one besides."""
    attacker = signed_up(ATTACKER)
    attacker.confirm(keys_mailed_to(ATTACKER)[-1])
    user = User.objects.get()
    user.email = OWNER
    user.save()
    before = len(keys_mailed_to(ATTACKER))
    attacker.request_reset(ATTACKER)
    assert len(keys_mailed_to(ATTACKER)) == before
    assert Visitor().sign_in(ATTACKER) == 400
    assert Visitor().sign_in(OWNER) == 200
    assert not EmailAddress.objects.filter(email=ATTACKER).exists()


def test_a_link_mailed_to_an_address_that_was_replaced_confirms_nothing() -> None:
    signed_up(ATTACKER)
    key = keys_mailed_to(ATTACKER)[-1]
    User.objects.update(email=OWNER)
    Visitor().sign_in(OWNER)
    Visitor().confirm(key)
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_a_strangers_address_is_not_claimed_by_wishing_for_it() -> None:
    """An address that is not confirmed keeps its owner from nothing, and leads the owner to no other's account."""
    attacker = signed_up(ATTACKER)
    attacker.reauthenticate()
    attacker.change_address(OWNER)
    keys = keys_mailed_to(OWNER)
    assert Visitor().sign_in(OWNER) != 200, "the attacker signs in by an address that is not the attacker's"
    stranger = Visitor("203.0.113.9")
    stranger.request_reset(OWNER)
    assert [key for key in keys_mailed_to(OWNER) if key not in keys] == []
    assert stranger.sign_up(OWNER) == 200
    for key in keys:
        assert stranger.confirm(key) < 500
    assert sorted(User.objects.values_list("email", flat=True)) == [ATTACKER, OWNER]
    assert stranger.opens_the_api()


def test_two_who_wish_for_one_address_get_it_once() -> None:
    first, second = signed_up(ATTACKER), signed_up("second@example.com")
    for visitor in (first, second):
        visitor.reauthenticate()
        assert visitor.change_address(OWNER) == 200
    keys = keys_mailed_to(OWNER)
    Visitor().confirm(keys[0])
    for key in keys[1:]:
        assert Visitor().confirm(key) == 400
    assert sorted(User.objects.values_list("email", flat=True)) == [OWNER, "second@example.com"]


def test_the_owner_of_the_old_address_hears_of_each_change() -> None:
    buyer = signed_up(OWNER)
    buyer.confirm(keys_mailed_to(OWNER)[-1])
    buyer.reauthenticate()
    assert buyer.change_address("elsewhere@example.com") == 200
    buyer.confirm(keys_mailed_to("elsewhere@example.com")[-1])
    assert "[Estuary] Your e-mail address was changed" in subjects_mailed_to(OWNER)
    [notice] = [m for m in mail.outbox if m.to == [OWNER] and "was changed" in m.subject]
    assert "elsewhere@example.com" in str(notice.body)
    assert User.objects.get().email == "elsewhere@example.com"


def test_the_owner_hears_of_a_new_password() -> None:
    buyer = signed_up(OWNER)
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert buyer.ask("POST", "account/password/change", body)[0] == 200
    reset_by_the_owner()
    assert [s for s in subjects_mailed_to(OWNER) if "password was" in s] == [
        "[Estuary] Your password was changed",
        "[Estuary] Your password was reset",
    ]
