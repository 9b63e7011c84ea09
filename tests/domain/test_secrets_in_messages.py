"""What is set in the environment is in no message: not when it is refused, and not when it is printed."""

import traceback

import hypothesis
import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import strategies as st
from pydantic import SecretStr

from estuary.common import stripe_keys
from estuary.config.database import database_settings
from estuary.config.environment import Environment
from estuary.config.mail import mailers
from tests.domain.test_environment import PK, REAL, reading

SENTINEL = "S3ntinelOfNobody"

VARIABLES = sorted(
    str(field.validation_alias or name).upper() for name, field in Environment.model_fields.items()
)
# What people paste: the sentinel whole or broken, amid signs that parsers trip over.
PASTED = st.lists(
    st.one_of(
        st.sampled_from(
            [
                SENTINEL,
                "sk_live_",
                "sk_test_",
                "pk_live_",
                "whsec_",
                "postgresql://",
                "smtp://",
                "https://",
                "me:",
                "@",
            ]
        ),
        st.sampled_from(list("/:@#?[]%…,; \n\"'\u200b0")),
    ),
    min_size=1,
    max_size=8,
).map("".join)


def tried(monkeypatch: pytest.MonkeyPatch, **variables: str) -> tuple[Environment | None, str]:
    """Read the environment; returns it, or else all that its refusal says, causes included."""
    try:
        return reading(monkeypatch, **variables), ""
    except ImproperlyConfigured as refused:
        return None, "".join(traceback.format_exception(refused))


def test_a_real_key_is_kept_from_whoever_answers_in_stripes_place(bare: pytest.MonkeyPatch) -> None:
    base = "http://127.0.0.1:12111"
    test = {
        "STRIPE_SECRET_KEY": "sk_test_0123456789abcdef",
        "STRIPE_API_BASE": base,
        PK: "pk_test_0123456789abcdef",
    }
    assert reading(bare, **REAL | test).stripe_api_base == base
    bare.delenv(PK)
    stripes = {"STRIPE_API_BASE": "https://api.stripe.com"}
    assert reading(bare, **REAL | stripes).stripe_api_base == "https://api.stripe.com"


@hypothesis.settings(max_examples=400, deadline=None)
@hypothesis.given(
    st.dictionaries(st.sampled_from(VARIABLES), PASTED.map(lambda text: text + SENTINEL), min_size=1)
)
def test_whatever_is_set_to_whatever_its_value_is_in_no_message(values: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        env, message = tried(patch, **REAL | values)
        assert SENTINEL not in message
        if env is None:
            return
        fields = [getattr(env, name) for name in Environment.model_fields]
        assert not [field for field in fields if isinstance(field, SecretStr) and SENTINEL in repr(field)]
        assert not stripe_keys.SECRET_PATTERN.search(env.stripe_publishable_key)
        # What is read of them later reads them too.
        database_settings(env.database_url.get_secret_value(), pool_size=1)
        mailers(env.email_url.get_secret_value())
        _ = env.return_origins, env.cors_origins, env.allowed_hosts, env.secret_key


def test_no_secret_is_in_any_message_or_representation(bare: pytest.MonkeyPatch) -> None:
    env = reading(bare, **REAL)
    for secret in (REAL["STRIPE_SECRET_KEY"], REAL["STRIPE_WEBHOOK_SECRET"], "secret@db"):
        assert secret not in repr(env)
    with pytest.raises(ImproperlyConfigured) as refused:
        reading(bare, **REAL | {"FRONTEND_URL": "nonsense"})
    assert REAL["STRIPE_SECRET_KEY"] not in str(refused.value)


def test_django_has_a_key_that_is_stable_and_tells_nothing(bare: pytest.MonkeyPatch) -> None:
    env = reading(bare, **REAL)
    assert env.secret_key == reading(bare, **REAL).secret_key
    assert len(env.secret_key) >= 50
    assert REAL["STRIPE_SECRET_KEY"] not in env.secret_key
    assert reading(bare, **REAL, DJANGO_SECRET_KEY="given").secret_key == "given"
