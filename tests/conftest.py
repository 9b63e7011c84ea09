"""What every test stands on: PostgreSQL, the product's own settings, and a Stripe sandbox in the same process."""

import threading
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.core.mail import EmailMessage
from django.core.signals import request_finished, request_started
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from estuary.config.health import readiness
from estuary.payments.client import API_VERSION
from stripe_sandbox import Sandbox
from tests.database_cleanup import quick_cleanup
from tests.sandbox_bridge import SECRET, estuary_talks_to
from tests.shared_middleware import shared_middleware
from tests.template_database import MIGRATED, ensure_template

# How long an example takes is the machine's affair, and no test's.
hypothesis.settings.register_profile("exhaustive", deadline=None)
hypothesis.settings.register_profile("each time", deadline=None, max_examples=40)


def pytest_configure(config: pytest.Config) -> None:
    """Draw fewer examples where the exhaustive tests are left out, as ``make test`` does."""
    each_time = config.option.markexpr == "not exhaustive"
    hypothesis.settings.load_profile("each time" if each_time else "exhaustive")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Clone the database of each worker from one that is migrated already."""
    with django_db_blocker.unblock():
        ensure_template()
    test: dict[str, object] = dict(django_settings.DATABASES["default"].get("TEST") or {})
    django_settings.DATABASES["default"]["TEST"] = test | {"TEMPLATE": MIGRATED, "MIGRATE": False}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database of the tests, one for each worker; a test that commits is cleaned up after quickly."""
    with django_db_blocker.unblock(), quick_cleanup():
        yield
        readiness.close()  # or the database could not be dropped


@pytest.fixture(scope="session", autouse=True)
def one_middleware() -> Iterator[None]:
    with shared_middleware():
        yield


@pytest.fixture
def stripe() -> Iterator[Sandbox]:
    """A fresh Stripe that the product talks to; its events wait to be taken and delivered by the test."""
    sandbox = Sandbox(
        webhook_url="http://testserver/api/v1/payments/webhook/",
        webhook_secret=SECRET,
        webhook_api_version=API_VERSION,  # as an endpoint for us is set up: an event alone says all
    )
    with estuary_talks_to(sandbox):
        yield sandbox


@pytest.fixture(autouse=True)
def no_mail_within_a_request(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuse every mail that a request sends itself: with its mail server down, the request would fail."""
    requests = threading.local()
    sending = EmailMessage.send

    def started(**kwargs: Any) -> None:
        requests.under_way = True

    def finished(**kwargs: Any) -> None:
        requests.under_way = False

    def send(mail: EmailMessage, *args: Any, **more: Any) -> int:
        assert not getattr(requests, "under_way", False), f"“{mail.subject}” was sent within a request"
        return sending(mail, *args, **more)

    monkeypatch.setattr(EmailMessage, "send", send)
    request_started.connect(started, weak=False)
    request_finished.connect(finished, weak=False)
    yield
    request_started.disconnect(started)
    request_finished.disconnect(finished)


@pytest.fixture(scope="session", autouse=True)
def quick_sign_in() -> Iterator[None]:
    """Hash passwords cheaply and sign in as often as there are tests.

    It is set once: whenever a setting changes, the middleware is loaded anew.
    """
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ACCOUNT_RATE_LIMITS=False,
        WHITENOISE_AUTOREFRESH=True,  # else each new client walks through all static files first
    ):
        yield
