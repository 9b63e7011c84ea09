"""Stripe is called only here: one function for each call, which returns our dataclasses and raises our own errors.

``retrieve_…`` takes an id, and raises NotAtStripe. ``…_since`` returns every object of the account that was created
since a moment; of events, those of some types.

No database transaction may be open during a call, and the connection goes back to the pool before it. So when Stripe
takes seconds, no lock and no connection is kept.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache, lru_cache, partial
from operator import attrgetter
from typing import Any

import stripe
import structlog
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from estuary.payments.gateway import account_binding, instrumentation, ownership
from estuary.payments.gateway.errors import Failure, Quiet, translate
from estuary.payments.gateway.http import open_http_session
from estuary.payments.gateway.owner_product import OwnerProductClient
from estuary.payments.gateway.probes import Probes
from estuary.payments.refusals import key_permissions, signatures
from estuary.payments.stripe_objects import (
    Card,
    Charge,
    CheckoutSession,
    Customer,
    Intent,
    OtherPaymentMethod,
    Setup,
    StripeDispute,
    StripeFraudNotice,
    StripeRefund,
    UsedMethod,
    parse_payment_method,
)

API_VERSION = str(stripe.api_version)
FAILURES = {
    stripe.CardError: Failure.CARD_DECLINED,
    stripe.RateLimitError: Failure.RATE_LIMITED,
    stripe.APIConnectionError: Failure.UNREACHABLE,
    stripe.AuthenticationError: Failure.KEY_REFUSED,
    stripe.PermissionError: Failure.PERMISSION_MISSING,
    stripe.InvalidRequestError: Failure.INVALID_REQUEST,
}

log = structlog.get_logger(__name__)


class _RequestIdRecorder(stripe.HTTPClient):
    """Wraps an HTTP client of the SDK and records the Request-Id of each response."""

    name = "estuary"

    def __init__(self, inner: stripe.HTTPClient) -> None:
        super().__init__()
        self._inner = inner

    def request(self, *args: Any, **options: Any) -> tuple[str, int, Mapping[str, str]]:
        response = self._inner.request(*args, **options)
        instrumentation.record_response(response[2])
        return response

    def close(self) -> None:
        self._inner.close()  # type: ignore[no-untyped-call]


@cache
def _client() -> stripe.StripeClient:
    """Return the SDK's client, pinned to its own API version. The SDK retries nothing: we do, under the same key."""
    replacement = settings.STRIPE_HTTP_CLIENT
    api_base = settings.STRIPE_API_BASE or stripe.DEFAULT_API_BASE
    http_client = (
        import_string(replacement)()
        if replacement
        else stripe.RequestsClient(session=open_http_session(api_base))
    )
    bases: Any = {"api": api_base}
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        http_client=_RequestIdRecorder(http_client),
        base_addresses=bases,
        max_network_retries=0,
    )


@contextmanager
def _call(name: str, key: str = "") -> Iterator[Any]:
    """Make one call to our own account; the first call of a process checks whose account the key belongs to.

    1. Another account's key raises WrongAccount before anything is sent.
    2. A call that writes has a ``key``. It raises NotOwner in a database that is not the owner (ownership.py).
    3. "Not found" raises WrongAccount when the key may not tell its account: another account knows none of our objects.
    """
    is_account_confirmed = _is_account_confirmed(_client())
    if key:
        refuse_unless_owner(name, key=key)
    with (
        account_binding.distrust_missing(name, is_account_confirmed=is_account_confirmed),
        _guard(name) as v1,
    ):
        yield v1


def refuse_unless_owner(call: str, *, key: str) -> None:
    """Raise NotOwner where this database may not make a call; nothing is sent."""
    _ownership_guard(_client(), ownership.current_site_url()).refuse_write(call, key)


@lru_cache(maxsize=1)
def _is_account_confirmed(api: stripe.StripeClient) -> bool:
    """Check the key's account, once for each client; an exception is not cached."""
    return account_binding.check_account(_guard, fetch_account_id=account_id)


def account_id() -> str:
    """Return the id of the account of STRIPE_SECRET_KEY, or "" for a restricted key that may not read it."""
    with _guard("accounts.retrieve_current") as v1:
        try:
            return str(v1.accounts.retrieve_current().id)
        except stripe.PermissionError:
            return ""


def probes() -> Probes:
    """Return the calls of the checkup. They do not check the key's account: the checkup does."""
    return Probes(_guard)


def owner_product_client() -> OwnerProductClient:
    """Return the calls about the owner's product; the first call of a process checks the key's account."""
    _is_account_confirmed(_client())
    return OwnerProductClient(_guard, _post)


@lru_cache(maxsize=1)
def _ownership_guard(api: stripe.StripeClient, site_url: str) -> ownership.OwnershipGuard:
    """Return the guard that allows only the owner to write; one for each client and address."""
    return ownership.OwnershipGuard(owner_product_client())


@contextmanager
def _guard(name: str, *, quiet: Quiet = Quiet.NEVER) -> Iterator[Any]:
    """Run one call: no transaction is open, the connection is back in its pool, and errors become our own.

    ``quiet`` says of which refusals of our key staff are not alerted.
    """
    if connection.in_atomic_block:
        raise RuntimeError(f"Stripe ({name}) was called inside a database transaction")
    connection.close()
    with instrumentation.observe_call(name):
        try:
            yield _client().v1
        except stripe.StripeError as error:
            failure = next((kind for cls, kind in FAILURES.items() if isinstance(error, cls)), Failure.OTHER)
            raise translate(error, failure, call=name, quiet=quiet) from None
        key_permissions.forget_missing_permission(name)


def _post(path: str, params: dict[str, Any], key: str) -> Any:
    """Send a POST and return its JSON: faster than objects of the SDK, for calls that every buyer makes."""
    return _client().raw_request("post", path, **params, idempotency_key=key).data


def _created_since(moment: datetime) -> dict[str, Any]:
    return {"created": {"gte": int(moment.timestamp())}}


def _write(call: str, *args: Any, key: str) -> dict[str, Any]:
    """Make one call that writes, and return Stripe's JSON; ``call`` is its name in the SDK."""
    with _call(call, key) as v1:
        result: dict[str, Any] = attrgetter(call)(v1)(*args, {"idempotency_key": key}).to_dict()
    return result


def _retrieve[T](name: str, parse: Callable[[Mapping[str, Any]], T], object_id: str, expand: str = "") -> T:
    """Fetch one object as it is now; ``name`` is its service in the SDK, such as checkout.sessions."""
    with _call(f"{name}.retrieve") as v1:
        params = {"expand": [expand]} if expand else {}
        return parse(attrgetter(name)(v1).retrieve(object_id, params).to_dict())


def _list_all[T](name: str, parse: Callable[[Mapping[str, Any]], T], params: dict[str, Any]) -> list[T]:
    with _call(f"{name}.list") as v1:
        page = attrgetter(name)(v1).list({**params, "limit": 100})
        return [parse(item.to_dict()) for item in page.auto_paging_iter()]


def _list_since[T](name: str, parse: Callable[[Mapping[str, Any]], T], moment: datetime) -> list[T]:
    return _list_all(name, parse, _created_since(moment))


# --- Customers ----------------------------------------------------------------------------------------------


def create_customer(*, email: str, name: str, metadata: dict[str, str], key: str) -> str:
    params = {"email": email, "metadata": metadata} | ({"name": name} if name else {})
    with _call("customers.create", key):
        return str(_post("/v1/customers", params, key)["id"])


def update_customer(customer_id: str, params: dict[str, Any], *, key: str) -> None:
    """Update a customer; metadata keys that are not named stay."""
    _write("customers.update", customer_id, params, key=key)


def delete_customer(customer_id: str, *, key: str) -> None:
    """Delete a customer for good, with its saved payment methods; its payments stay."""
    _write("customers.delete", customer_id, None, key=key)


def customers_of(email: str) -> list[Customer]:
    return _list_all("customers", Customer.parse, {"email": email})


retrieve_customer = partial(_retrieve, "customers", Customer.parse)
customers_since = partial(_list_since, "customers", Customer.parse)


# --- Payment intents ----------------------------------------------------------------------------------------


def create_intent(params: dict[str, Any], *, key: str) -> Intent:
    with _call("payment_intents.create", key):
        return Intent.parse(_post("/v1/payment_intents", params, key))


def intents_of(customer_id: str, *, since: datetime) -> list[Intent]:
    return _list_all("payment_intents", Intent.parse, _created_since(since) | {"customer": customer_id})


# With its charge, which has the time of the charge.
retrieve_intent = partial(_retrieve, "payment_intents", Intent.parse, expand="latest_charge")
retrieve_used_method = partial(_retrieve, "payment_intents", UsedMethod.parse, expand="latest_charge")
intents_since = partial(_list_since, "payment_intents", Intent.parse)


def confirm_intent(intent_id: str, *, payment_method_id: str, key: str) -> Intent:
    """Charge a saved card; raises CardDeclined with the intent as it is after the decline."""
    params = {"payment_method": payment_method_id}
    return Intent.parse(_write("payment_intents.confirm", intent_id, params, key=key))


def cancel_intent(intent_id: str, *, reason: str, key: str) -> Intent:
    """Cancel an intent; raises UnexpectedState when it can't be canceled any more."""
    params = {"cancellation_reason": reason}
    return Intent.parse(_write("payment_intents.cancel", intent_id, params, key=key))


# --- Checkout sessions --------------------------------------------------------------------------------------


def create_session(params: dict[str, Any], *, key: str) -> CheckoutSession:
    return CheckoutSession.parse(_write("checkout.sessions.create", params, key=key))


def sessions_of(customer_id: str, *, since: datetime) -> list[CheckoutSession]:
    params = _created_since(since) | {"customer": customer_id}
    return _list_all("checkout.sessions", CheckoutSession.parse, params)


def sessions_of_payment(intent_id: str) -> list[CheckoutSession]:
    """Return the Checkout Session that created an intent; none when the intent was created by itself."""
    return _list_all("checkout.sessions", CheckoutSession.parse, {"payment_intent": intent_id})


retrieve_session = partial(
    _retrieve, "checkout.sessions", CheckoutSession.parse, expand="payment_intent.latest_charge"
)
sessions_since = partial(_list_since, "checkout.sessions", CheckoutSession.parse)


def expire_session(session_id: str, *, key: str) -> CheckoutSession:
    """Expire a Checkout Session; raises UnexpectedState when it is completed."""
    return CheckoutSession.parse(_write("checkout.sessions.expire", session_id, {}, key=key))


# --- Refunds ------------------------------------------------------------------------------------------------


def create_refund(params: dict[str, Any], *, key: str) -> StripeRefund:
    return StripeRefund.parse(_write("refunds.create", params, key=key))


def refunds_of(intent_id: str) -> list[StripeRefund]:
    """Return every refund of a payment, failed ones first: they made room for later refunds."""
    refunds = _list_all("refunds", StripeRefund.parse, {"payment_intent": intent_id})
    return sorted(refunds, key=lambda refund: not refund.has_failed)


retrieve_refund = partial(_retrieve, "refunds", StripeRefund.parse)
retrieve_charge = partial(_retrieve, "charges", Charge.parse)
refunds_since = partial(_list_since, "refunds", StripeRefund.parse)


# --- Disputes -----------------------------------------------------------------------------------------------


def disputes_of(intent_id: str) -> list[StripeDispute]:
    return _list_all("disputes", StripeDispute.parse, {"payment_intent": intent_id})


retrieve_dispute = partial(_retrieve, "disputes", StripeDispute.parse)
disputes_since = partial(_list_since, "disputes", StripeDispute.parse)


def retrieve_fraud_notice(notice_id: str) -> StripeFraudNotice:
    service = "reviews" if notice_id.startswith("prv_") else "radar.early_fraud_warnings"
    return _retrieve(service, StripeFraudNotice.parse, notice_id)


# --- Cards --------------------------------------------------------------------------------------------------


retrieve_method = partial(_retrieve, "payment_methods", parse_payment_method)
retrieve_setup_intent = partial(_retrieve, "setup_intents", Setup.parse)


def methods_of(customer_id: str) -> list[Card | OtherPaymentMethod]:
    """Return the payment methods that a customer has at Stripe now, cards and others."""
    return _list_all("payment_methods", parse_payment_method, {"customer": customer_id})


def detach_card(payment_method_id: str, *, key: str) -> None:
    _write("payment_methods.detach", payment_method_id, {}, key=key)


def create_setup_intent(params: dict[str, Any], *, key: str) -> tuple[str, str]:
    """Return the id and the client secret of a new SetupIntent."""
    setup_intent = _write("setup_intents.create", params, key=key)
    return str(setup_intent["id"]), str(setup_intent["client_secret"])


def setup_secret(setup_intent_id: str) -> str:
    with _call("setup_intents.retrieve") as v1:
        return str(v1.setup_intents.retrieve(setup_intent_id).client_secret)


def cancel_setup_intent(setup_intent_id: str, *, key: str) -> None:
    """Cancel a SetupIntent; raises UnexpectedState when it can't be canceled any more."""
    _write("setup_intents.cancel", setup_intent_id, {"cancellation_reason": "abandoned"}, key=key)


def setup_intents_of(customer_id: str) -> list[Setup]:
    return _list_all("setup_intents", Setup.parse, {"customer": customer_id})


def events_since(moment: datetime, types: Sequence[str]) -> list[dict[str, Any]]:
    """Return the events of these types since then, as Stripe's JSON; Stripe keeps thirty days.

    Source: https://docs.stripe.com/api/events/list
    """
    return _list_all("events", dict, {**_created_since(moment), "types": list(types)})


# --- Webhooks -----------------------------------------------------------------------------------------------


def verify_signature(body: bytes, header: str, *, secrets: list[str], at: datetime) -> None:
    """Check that Stripe signed this body with one of our secrets, just now; raises BadSignature with the reason."""
    signed_at = signatures.read_time(header)
    if not any(_is_signed(body, header, secret) for secret in secrets):
        raise signatures.refuse(signatures.NO_SECRET_FITS)
    signatures.refuse_old(signed_at, at)
    signatures.refuse_future(signed_at, at)


def _is_signed(body: bytes, header: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, header, secret, tolerance=None)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    return True
