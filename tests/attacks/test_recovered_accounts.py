"""What an attacker left open in somebody else's account is shut when the owner takes the account back."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import IntegrityError
from django.test import RequestFactory
from django.urls import resolve
from procrastinate.contrib.django.models import ProcrastinateJob

from estuary.accounts import urls
from estuary.accounts.models import User
from estuary.accounts.recovery import recover_account
from estuary.common import clock
from tests.attacks.visitor import Visitor, keys_mailed_to
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)

OWNER = "owner@example.com"


def test_payments_that_others_began_are_ended() -> None:
    """A page at Stripe that the attacker keeps open would offer the cards that the owner saves."""
    assert Visitor().sign_up(OWNER) == 200
    owner = Visitor("203.0.113.9")
    owner.request_reset(OWNER)
    key = keys_mailed_to(OWNER)[-1]
    assert owner.reset(key, "owners-new-password-3") in {200, 401}
    [job] = ProcrastinateJob.objects.filter(task_name="payments.end_open_payments")
    assert job.args == {"user_id": User.objects.get().pk, "cause": "the password was reset"}


def test_one_key_resets_once() -> None:
    assert Visitor().sign_up(OWNER) == 200
    Visitor().request_reset(OWNER)
    key = keys_mailed_to(OWNER)[-1]
    assert Visitor().reset(key, "owners-new-password-3") in {200, 401}
    assert Visitor().reset(key, "attackers-password-4") == 400
    assert User.objects.get().check_password("owners-new-password-3")


def test_second_factors_from_before_the_address_was_verified_are_dropped() -> None:
    factors: Any = import_module("allauth.mfa.models").Authenticator.objects
    user = make_user("Maya")
    user.email_verified_at = clock.now()
    user.save()
    for days, kind in ((-1, "totp"), (1, "webauthn")):
        factors.create(user=user, type=kind, data={}, created_at=clock.now() + timedelta(days=days))
    recover_account(user)
    assert [factor.type for factor in factors.all()] == ["webauthn"]
    User.objects.update(email_verified_at=None)
    EmailAddress.objects.update(verified=False)
    factors.update(created_at=clock.now() - timedelta(days=1))
    recover_account(User.objects.get())
    assert factors.count() == 0


def test_a_sign_in_that_waits_for_a_second_factor_ends_with_the_password_it_began_with() -> None:
    user, adapter = make_user("Maya"), get_adapter()
    request: Any = RequestFactory().post("/")
    request.session = SessionStore()
    hooks: Any = dict.fromkeys(("email_verification", "signal_kwargs", "email", "redirect_url"))
    assert adapter.pre_login(request, user, signup=False, **hooks) is None
    adapter.set_password(user, "owners-new-password-3")
    with pytest.raises(ImmediateHttpResponse) as refused:
        adapter.login(request, User.objects.get())
    assert refused.value.response.status_code == 401
    assert "_auth_user_id" not in request.session


def test_the_database_keeps_no_second_address() -> None:
    user = make_user("Maya")
    EmailAddress.objects.create(user=user, email=user.email)
    with pytest.raises(IntegrityError, match="one_address_per_account"):
        EmailAddress.objects.create(user=user, email="another@example.com")


def test_every_client_of_allauth_is_answered_by_our_views() -> None:
    for client in settings.HEADLESS_CLIENTS:
        for address, view in urls.VIEWS.items():
            function: Any = resolve(f"/_allauth/{client}/v1/{address}").func
            while hasattr(function, "__wrapped__"):
                function = function.__wrapped__
            assert function.view_class is view, (client, address)
