"""Who is still needed is not erased, and the person who asks is told why."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError
from rest_framework.test import APIClient

from estuary.accounts.models import User
from estuary.common import clock
from estuary.credits.models import CreditTransaction
from estuary.privacy.erasure.erase import begin_erasure, may_be_finished
from estuary.privacy.tasks import finish_erasures
from stripe_sandbox import Sandbox
from tests.flows import buying
from tests.flows.privacy.erasing import (
    DISPUTED,
    MARK,
    doctor,
    erase,
    live_a_life,
    where_is,
)
from tests.sandbox_bridge import settle_everything

pytestmark = pytest.mark.django_db(transaction=True)


def test_who_is_still_needed_is_not_erased(stripe: Sandbox, zenobia: User) -> None:
    live_a_life(stripe, zenobia)
    sent = len(stripe.requests)
    with pytest.raises(CommandError, match="Credits are left"):
        erase(zenobia.email)
    assert where_is(zenobia.email)
    assert User.objects.get(pk=zenobia.pk).is_active
    assert len(stripe.requests) == sent


def test_credits_are_forfeited_only_by_name(stripe: Sandbox, zenobia: User) -> None:
    live_a_life(stripe, zenobia)
    erase(zenobia.email, "--forfeit-credits")
    lines = CreditTransaction.objects.filter(account__user=zenobia).order_by("pk")
    assert [(line.kind, line.amount_minor) for line in lines][-1] == ("adjustment", -4100)
    assert lines.last().balance_after_minor == 0  # type: ignore[union-attr]
    erase(zenobia.pk, "--forfeit-credits")
    assert lines.count() == 3
    assert where_is(MARK, zenobia.email) == []
    settle_everything(stripe)
    assert doctor() == doctor("--stripe") == ""


def test_an_unpaid_order_is_canceled_and_an_open_dispute_refuses(
    stripe: Sandbox, zenobia: User, other: APIClient
) -> None:
    client = APIClient()
    client.force_authenticate(zenobia)
    unpaid = buying.credits(client, "25.00")
    erase(zenobia.email)
    assert buying.status_of(unpaid) == "canceled"
    assert where_is(MARK, zenobia.email) == []
    disputed = buying.buy_credits(stripe, other, "30.00", card=DISPUTED)
    user = buying.order_of(disputed).user
    with pytest.raises(CommandError, match="A dispute is open"):
        erase(user.email, "--forfeit-credits")
    assert User.objects.get(pk=user.pk).is_active


def test_an_account_that_staff_open_again_is_not_erased(zenobia: User) -> None:
    """A new request counts anew, also for what the person gave up."""
    first = begin_erasure(zenobia, forfeit_credits=True)
    User.objects.filter(pk=zenobia.pk).update(is_active=True)
    with time_machine.travel(clock.now() + timedelta(hours=1)):
        finish_erasures(0)
        assert User.objects.get(pk=zenobia.pk).email == zenobia.email
        again = begin_erasure(zenobia)
        assert (again.pk, again.forfeit_credits) == (first.pk, False)
        assert again.requested_at > first.requested_at
        assert not may_be_finished(again)
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        finish_erasures(0)
    assert where_is(zenobia.email) == []


def test_nobody_is_erased_by_a_typo(transactional_db: None) -> None:
    with pytest.raises(CommandError, match="no user"):
        erase("nobody@estuary.example")
