"""The only file that talks to Stripe: one function a call, our own small dataclasses out, our own errors raised.

No database transaction may be open across a call, and the connection goes back to the pool before it: a Stripe that
takes seconds then costs no lock and no connection.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

import stripe
import structlog
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from estuary.payments.errors import (
    BadSignature,
    CardDeclined,
    NotAtStripe,
    PermissionMissing,
    StripeBusy,
    StripeRefused,
    StripeUnavailable,
    UnexpectedState,
    WrongAccount,
)
from estuary.payments.gateway import account_binding, instrumentation, owner_product, ownership
from estuary.payments.gateway.http import Session
from estuary.payments.stripe_objects import (
    Card,
    Charge,
    CheckoutSession,
    Customer,
    Intent,
    OtherPaymentMethod,
    Setup,
    StripeDispute,
    StripeRefund,
    parse_decline,
    parse_payment_method,
)

API_VERSION = str(stripe.api_version)
SIGNATURE_TOLERANCE_S = 300
LATEST_CHARGE = "payment_intent.latest_charge"

log = structlog.get_logger(__name__)


class _RequestIdRecorder(stripe.HTTPClient):
    """Another HTTP client, whose answers' Request-Id is taken down."""

    name = "estuary"

    def __init__(self, inner: stripe.HTTPClient) -> None:
        super().__init__()
        self._inner = inner

    def request(self, *args: Any, **options: Any) -> tuple[str, int, Mapping[str, str]]:
        response = self._inner.request(*args, **options)
        instrumentation.record_request_id(response[2].get("Request-Id", ""))
        return response

    def close(self) -> None:
        self._inner.close()  # type: ignore[no-untyped-call]


@functools.cache
def _client() -> stripe.StripeClient:
    """Return the SDK's client, pinned to its own API version; retries are ours, with the same key."""
    replacement = settings.STRIPE_HTTP_CLIENT
    http_client = (
        import_string(replacement)() if replacement else stripe.RequestsClient(session=cast(Any, Session()))
    )
    bases: Any = {"api": settings.STRIPE_API_BASE} if settings.STRIPE_API_BASE else {}
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        http_client=_RequestIdRecorder(http_client),
        base_addresses=bases,
        max_network_retries=0,
    )


@contextmanager
def _call(name: str, key: str = "") -> Iterator[Any]:
    """Make one call to the account that is ours; the first call of a process asks whose the key is.

    A call that writes has a ``key``, and only the owner may make it (ownership.py): raises NotOwner for others. Raises
    WrongAccount for another account's key, with nothing asked of it; and for what is missing, when the key may not say
    whose it is: only the account that we know is believed that something is gone.
    """
    is_account_confirmed = _is_account_confirmed(_client())
    if key:
        _ownership_guard(_client(), ownership.current_home()).refuse_write(name, key)
    try:
        with _guard(name) as v1:
            yield v1
    except NotAtStripe as error:
        if is_account_confirmed:
            raise
        log.critical("stripe_key_hides_its_account", call=name, missing=error.extra["param"])
        raise WrongAccount(
            account_binding.UNAVAILABLE_NOW, retry_after_s=account_binding.RETRY_AFTER_S
        ) from None


@functools.lru_cache(maxsize=1)
def _is_account_confirmed(api: stripe.StripeClient) -> bool:
    """Tell whether the key is known to be our account's: once for each client; a refusal is not remembered."""
    return account_binding.check_account(fetch_account_id=account_id, customer_exists=_customer_exists)


def account_id() -> str:
    """Return the id of the account that STRIPE_SECRET_KEY is of, or nothing for a restricted key that may not say."""
    with _guard("accounts.retrieve_current") as v1:
        try:
            return str(v1.accounts.retrieve_current().id)
        except stripe.PermissionError:
            return ""


def _customer_exists(customer_id: str) -> bool:
    try:
        with _guard("customers.retrieve") as v1:
            v1.customers.retrieve(customer_id)
    except NotAtStripe:
        return False
    return True


def owner_product_client() -> ownership.OwnerProductClient:
    """Return how the owner is asked about; the first call of a process asks whose the key is."""
    _is_account_confirmed(_client())
    return owner_product.owner_product_client(_guard, _post)


@functools.lru_cache(maxsize=1)
def _ownership_guard(api: stripe.StripeClient, home: str) -> ownership.OwnershipGuard:
    """Return how we stand as the owner: once for each client and address."""
    return ownership.OwnershipGuard(owner_product_client())


@contextmanager
def _guard(name: str, *, dispensable: bool = False) -> Iterator[Any]:
    """Guard one call: no transaction is open, the connection is back in its pool, and every error becomes ours.

    What is ``dispensable`` raises PermissionMissing where the key lacks the permission, and nobody is told.
    """
    if connection.in_atomic_block:
        raise RuntimeError(f"Stripe ({name}) was called inside a database transaction")
    connection.close()
    with instrumentation.observe_call(name):
        try:
            yield _client().v1
        except stripe.CardError as error:
            raise CardDeclined(parse_decline(_error_body(error)), _intent_from_error(error)) from None
        except stripe.RateLimitError as error:
            log.warning("stripe_rate_limited", call=name, stripe_request_id=error.request_id)
            raise StripeBusy(instrumentation.BUSY) from None
        except stripe.APIConnectionError:
            log.warning("stripe_unreachable", call=name)
            raise StripeUnavailable(instrumentation.UNANSWERED) from None
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            if dispensable and isinstance(error, stripe.PermissionError):
                raise PermissionMissing(
                    account_binding.UNAVAILABLE_NOW, retry_after_s=account_binding.RETRY_AFTER_S
                ) from None
            account_binding.alert_of_refusal(name, error.request_id or "")
            raise StripeUnavailable(
                account_binding.UNAVAILABLE_NOW, retry_after_s=account_binding.RETRY_AFTER_S
            ) from None
        except stripe.StripeError as error:
            raise _translate_error(error, name) from None


def _translate_error(error: stripe.StripeError, name: str) -> Exception:
    code = error.code or ""
    if code == "resource_missing":
        return NotAtStripe(instrumentation.GONE, param=getattr(error, "param", None) or "")
    if isinstance(error, stripe.InvalidRequestError):
        log.info("stripe_refused_request", call=name, stripe_code=code, stripe_request_id=error.request_id)
        return UnexpectedState(
            code, error.user_message or "Stripe refused the request.", _intent_from_error(error)
        )
    if error.http_status == 409:
        return StripeBusy(instrumentation.STILL_BUSY)
    log.error("stripe_failed", call=name, status=error.http_status, stripe_request_id=error.request_id)
    return StripeRefused(instrumentation.FAILED)


def _error_body(error: stripe.StripeError) -> Mapping[str, Any]:
    return error.json_body.get("error") or {} if isinstance(error.json_body, dict) else {}


def _intent_from_error(error: stripe.StripeError) -> Intent | None:
    body = _error_body(error).get("payment_intent")
    return Intent.parse(body) if body else None


def _plain_json(obj: stripe.StripeObject) -> dict[str, Any]:
    return obj.to_dict()  # a StripeObject is no dict since SDK 15; what we parse is one


def _post(path: str, params: dict[str, Any], key: str) -> Any:
    """Return what a POST has made as it came: where every buyer passes no objects are built only to be taken apart."""
    return _client().raw_request("post", path, **params, idempotency_key=key).data


# --- Customers ----------------------------------------------------------------------------------------------


def create_customer(*, email: str, name: str, metadata: dict[str, str], key: str) -> str:
    """Create a customer and return its id."""
    params = {"email": email, "metadata": metadata} | ({"name": name} if name else {})
    with _call("customers.create", key):
        return str(_post("/v1/customers", params, key)["id"])


def update_customer(customer_id: str, params: dict[str, Any], *, key: str) -> None:
    """Change a customer; metadata that is not named is left alone."""
    with _call("customers.update", key) as v1:
        v1.customers.update(customer_id, params, {"idempotency_key": key})


def delete_customer(customer_id: str, *, key: str) -> None:
    """Delete a customer for good, with its saved payment methods; its payments stay."""
    with _call("customers.delete", key) as v1:
        v1.customers.delete(customer_id, None, {"idempotency_key": key})


def find_customer(*, email: str, user_id: int) -> str:
    """Return the id of the customer that was made for a user, or nothing."""
    customers = _list_all("customers.list", Customer.parse, lambda v1: v1.customers, {"email": email})
    return next((customer.id for customer in customers if customer.user_ref == str(user_id)), "")


def retrieve_customer(customer_id: str) -> Customer:
    with _call("customers.retrieve") as v1:
        return Customer.parse(_plain_json(v1.customers.retrieve(customer_id)))


def customers_since(moment: datetime) -> list[Customer]:
    """Return every customer of the account that was made since then."""
    return _list_all("customers.list", Customer.parse, lambda v1: v1.customers, _created_since(moment))


# --- Payment intents ----------------------------------------------------------------------------------------


def create_intent(params: dict[str, Any], *, key: str) -> Intent:
    with _call("payment_intents.create", key):
        return Intent.parse(_post("/v1/payment_intents", params, key))


def retrieve_intent(intent_id: str) -> Intent:
    """Return an intent with its charge, which says when a card was charged."""
    with _call("payment_intents.retrieve") as v1:
        return Intent.parse(
            _plain_json(v1.payment_intents.retrieve(intent_id, {"expand": ["latest_charge"]}))
        )


def intents_of(customer_id: str, *, since: datetime) -> list[Intent]:
    """Return a customer's intents that were made since then."""
    params = _created_since(since) | {"customer": customer_id}
    return _list_all("payment_intents.list", Intent.parse, lambda v1: v1.payment_intents, params)


def intents_since(moment: datetime) -> list[Intent]:
    """Return every intent of the account that was made since then."""
    return _list_all(
        "payment_intents.list", Intent.parse, lambda v1: v1.payment_intents, _created_since(moment)
    )


def confirm_intent(intent_id: str, *, payment_method_id: str, key: str) -> Intent:
    """Charge a saved card; raises CardDeclined, which carries the intent as it stands then."""
    with _call("payment_intents.confirm", key) as v1:
        params = {"payment_method": payment_method_id}
        return Intent.parse(
            _plain_json(v1.payment_intents.confirm(intent_id, params, {"idempotency_key": key}))
        )


def cancel_intent(intent_id: str, *, reason: str, key: str) -> Intent:
    """Cancel an intent; raises UnexpectedState when it is too late for that."""
    with _call("payment_intents.cancel", key) as v1:
        why, options = {"cancellation_reason": reason}, {"idempotency_key": key}
        return Intent.parse(_plain_json(v1.payment_intents.cancel(intent_id, why, options)))


# --- Checkout sessions --------------------------------------------------------------------------------------


def create_session(params: dict[str, Any], *, key: str) -> CheckoutSession:
    with _call("checkout.sessions.create", key) as v1:
        return CheckoutSession.parse(
            _plain_json(v1.checkout.sessions.create(params, {"idempotency_key": key}))
        )


def retrieve_session(session_id: str) -> CheckoutSession:
    with _call("checkout.sessions.retrieve") as v1:
        return CheckoutSession.parse(
            _plain_json(v1.checkout.sessions.retrieve(session_id, {"expand": [LATEST_CHARGE]}))
        )


def sessions_of(customer_id: str, *, since: datetime) -> list[CheckoutSession]:
    """Return a customer's hosted pages that were made since then."""
    params = _created_since(since) | {"customer": customer_id}
    return _list_all("checkout.sessions.list", CheckoutSession.parse, lambda v1: v1.checkout.sessions, params)


def sessions_since(moment: datetime) -> list[CheckoutSession]:
    """Return every hosted page of the account that was made since then."""
    parse = CheckoutSession.parse
    return _list_all("checkout.sessions.list", parse, lambda v1: v1.checkout.sessions, _created_since(moment))


def expire_session(session_id: str, *, key: str) -> CheckoutSession:
    """Close a hosted page; raises UnexpectedState when it was completed meanwhile."""
    with _call("checkout.sessions.expire", key) as v1:
        options = {"idempotency_key": key}
        return CheckoutSession.parse(_plain_json(v1.checkout.sessions.expire(session_id, {}, options)))


# --- Refunds ------------------------------------------------------------------------------------------------


def create_refund(params: dict[str, Any], *, key: str) -> StripeRefund:
    with _call("refunds.create", key) as v1:
        return StripeRefund.parse(_plain_json(v1.refunds.create(params, {"idempotency_key": key})))


def retrieve_refund(refund_id: str) -> StripeRefund:
    with _call("refunds.retrieve") as v1:
        return StripeRefund.parse(_plain_json(v1.refunds.retrieve(refund_id)))


def retrieve_charge(charge_id: str) -> Charge:
    with _call("charges.retrieve") as v1:
        return Charge.parse(_plain_json(v1.charges.retrieve(charge_id)))


def refunds_of(intent_id: str) -> list[StripeRefund]:
    """Return every refund of a payment: first those that failed, which made room for what came after them."""
    refunds = _list_all(
        "refunds.list", StripeRefund.parse, lambda v1: v1.refunds, {"payment_intent": intent_id}
    )
    return sorted(refunds, key=lambda refund: refund.status not in {"failed", "canceled"})


def refunds_since(moment: datetime) -> list[StripeRefund]:
    """Return every refund of the account that was made since then, whoever made it."""
    return _list_all("refunds.list", StripeRefund.parse, lambda v1: v1.refunds, _created_since(moment))


# --- Disputes -----------------------------------------------------------------------------------------------


def retrieve_dispute(dispute_id: str) -> StripeDispute:
    with _call("disputes.retrieve") as v1:
        return StripeDispute.parse(_plain_json(v1.disputes.retrieve(dispute_id)))


def disputes_of(intent_id: str) -> list[StripeDispute]:
    """Return every dispute of a payment."""
    return _list_all(
        "disputes.list", StripeDispute.parse, lambda v1: v1.disputes, {"payment_intent": intent_id}
    )


def disputes_since(moment: datetime) -> list[StripeDispute]:
    """Return every dispute of the account that was opened since then."""
    return _list_all("disputes.list", StripeDispute.parse, lambda v1: v1.disputes, _created_since(moment))


# --- Cards --------------------------------------------------------------------------------------------------


def retrieve_method(payment_method_id: str) -> Card | OtherPaymentMethod:
    """Return a payment method as it stands now; raises NotAtStripe."""
    with _call("payment_methods.retrieve") as v1:
        return parse_payment_method(_plain_json(v1.payment_methods.retrieve(payment_method_id)))


def methods_of(customer_id: str) -> list[Card | OtherPaymentMethod]:
    """Return the payment methods that a customer has at Stripe now, cards and others."""
    return _list_all(
        "payment_methods.list", parse_payment_method, lambda v1: v1.payment_methods, {"customer": customer_id}
    )


def detach_card(payment_method_id: str, *, key: str) -> None:
    with _call("payment_methods.detach", key) as v1:
        v1.payment_methods.detach(payment_method_id, {}, {"idempotency_key": key})


def create_setup_intent(params: dict[str, Any], *, key: str) -> tuple[str, str]:
    """Return the id and the client secret of a new SetupIntent."""
    with _call("setup_intents.create", key) as v1:
        setup_intent = v1.setup_intents.create(params, {"idempotency_key": key})
        return str(setup_intent.id), str(setup_intent.client_secret)


def setup_secret(setup_intent_id: str) -> str:
    """Return the client secret of a SetupIntent again."""
    with _call("setup_intents.retrieve") as v1:
        return str(v1.setup_intents.retrieve(setup_intent_id).client_secret)


def retrieve_setup_intent(setup_intent_id: str) -> Setup:
    """Return a SetupIntent as it stands now; raises NotAtStripe."""
    with _call("setup_intents.retrieve") as v1:
        return Setup.parse(_plain_json(v1.setup_intents.retrieve(setup_intent_id)))


def cancel_setup_intent(setup_intent_id: str, *, key: str) -> None:
    """Cancel a SetupIntent; raises UnexpectedState when it is too late for that."""
    with _call("setup_intents.cancel", key) as v1:
        why, options = {"cancellation_reason": "abandoned"}, {"idempotency_key": key}
        v1.setup_intents.cancel(setup_intent_id, why, options)


def setup_intents_of(customer_id: str) -> list[Setup]:
    """Return every SetupIntent of a customer."""
    return _list_all(
        "setup_intents.list", Setup.parse, lambda v1: v1.setup_intents, {"customer": customer_id}
    )


def events_since(moment: datetime, types: Sequence[str]) -> list[dict[str, Any]]:
    """Return the events of these types since then, as Stripe has them; its list reaches back thirty days.

    Source: https://docs.stripe.com/api/events/list
    """
    return _list_all(
        "events.list", dict, lambda v1: v1.events, {**_created_since(moment), "types": list(types)}
    )


def _created_since(moment: datetime) -> dict[str, Any]:
    return {"created": {"gte": int(moment.timestamp())}}


def _list_all[T](
    name: str, parse: Callable[[Mapping[str, Any]], T], service: Callable[[Any], Any], params: dict[str, Any]
) -> list[T]:
    with _call(name) as v1:
        page = service(v1).list({**params, "limit": 100})
        return [parse(_plain_json(item)) for item in page.auto_paging_iter()]


# --- Webhooks -----------------------------------------------------------------------------------------------


def verify_signature(body: bytes, header: str, *, secrets: list[str], at: datetime) -> None:
    """Check that Stripe signed this very body, with any of our secrets; raises BadSignature.

    The SDK refuses timestamps that are too old; those too far in the future are refused here.
    Source: https://docs.stripe.com/webhooks#verify-manually
    """
    if not header.isascii():
        raise BadSignature("The signature header has characters that no signature has.")
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(body, header, secret, SIGNATURE_TOLERANCE_S)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            continue
        _refuse_future(header, at)
        return
    raise BadSignature("The signature does not fit the body. Check STRIPE_WEBHOOK_SECRET.")


def _refuse_future(header: str, at: datetime) -> None:
    signed_at = next(int(part[2:]) for part in header.split(",") if part.startswith("t="))
    if signed_at > at.timestamp() + SIGNATURE_TOLERANCE_S:
        raise BadSignature("The signature is dated in the future. Check the clocks.")
