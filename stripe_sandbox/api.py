"""The `/v1` API: checks key, version, idempotency key and parameters, calls the endpoint's function, responds."""

import re
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from stripe_sandbox import auth, forms, parameters, routes, versions
from stripe_sandbox.endpoint_call import Call
from stripe_sandbox.errors import (
    AuthenticationError,
    Conflict,
    Forbidden,
    InvalidParameter,
    NotFound,
    RateLimited,
    ServerError,
    StripeError,
)
from stripe_sandbox.faults import Fault
from stripe_sandbox.http import RecordedRequest, Response, json_response
from stripe_sandbox.idempotency import REMEMBERED_S, Entry, IdempotencyKeys
from stripe_sandbox.public_view import client_view
from stripe_sandbox.render import Renderer, expand_tree
from stripe_sandbox.schema.api import check_expansions
from stripe_sandbox.schema.validate import validate
from stripe_sandbox.state import Cause, SandboxState

CARD_NUMBER = re.compile(r"\d{12,19}")
# Fields that Stripe.js sends about the page and the browser, besides the parameters.
_TELEMETRY = (
    "_stripe_account _stripe_version key payment_user_agent guid muid sid referrer time_on_page "
    "pasted_fields expected_payment_method_type client_attribution_metadata link_mode"
)
TELEMETRY = frozenset(_TELEMETRY.split())
BROWSER_FIELDS = {
    "client_secret": "str",
    "use_stripe_sdk": "bool",
    "client_context": {"fields": {"mode": "str", "currency": "str", "setup_future_usage": "str"}},
    "set_as_default_payment_method": "bool",
}
# Endpoints that took `payment_method_types` before endive; since then intents refuse it by name.
METHOD_TYPES_ENDPOINTS = frozenset(
    f"POST /v1/{kind}{rest}"
    for kind in ("payment_intents", "setup_intents")
    for rest in ("", "/{id}", "/{id}/confirm")
)
SERVER_FAILED = (
    "An error occurred with our connection to Stripe's servers. We have been notified of the problem. "
    "(The sandbox was configured to fail.)"
)


@dataclass(frozen=True)
class DecodedRequest:
    """One request, decoded."""

    method: str
    path: str
    headers: dict[str, str]
    raw: dict[str, Any]
    request_id: str

    @property
    def idempotency_key(self) -> str | None:
        return self.headers.get("idempotency-key") if self.method == "POST" else None


class Api:
    """Answers requests with one sandbox's state."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._keys = IdempotencyKeys()
        self._account_keys = auth.Keys(state.settings.publishable_key)

    def answer(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> tuple[Response, RecordedRequest]:
        """Answer one request, with the faults that match it."""
        fault = self._state.faults.for_request(method, path)
        request_id = self._state.ids.new("req", 14)
        recorded = RecordedRequest(method, path, {}, _safe_headers(headers), request_id=request_id)
        try:
            text = body.decode() if method == "POST" else query
            incoming = DecodedRequest(method, path, headers, forms.decode(text), request_id)
            recorded.params = _safe_params(incoming.raw)
            response = self._with_fault(incoming, fault)
        except (StripeError, UnicodeDecodeError) as error:
            if isinstance(error, UnicodeDecodeError):
                error = InvalidParameter("Invalid request: the body is not UTF-8.")
            response = self._error(error, request_id)
        response.headers |= self._standing_headers(headers, request_id)
        recorded.status = response.status
        recorded.replayed = "Idempotent-Replayed" in response.headers
        return response, recorded

    def _with_fault(self, incoming: DecodedRequest, fault: Fault | None) -> Response:
        if fault is None:
            return self._authenticated(incoming)
        if fault.kind == "timeout_before":
            return Response(504, broken="timeout")
        if fault.kind == "revoked_key":
            key = auth.key_from(incoming.headers, incoming.raw)
            raise AuthenticationError(f"Expired API Key provided: {auth.mask(key)}", code="api_key_expired")
        if fault.kind == "forbidden":
            key, needed = (
                auth.key_from(incoming.headers, incoming.raw),
                auth.permission_for(incoming.method, incoming.path),
            )
            raise auth.forbidden(key, needed, self._state.settings.account_id)
        if fault.kind == "rate_limit":
            raise _rate_limited(fault.options)
        if fault.kind == "lock_timeout":
            raise Conflict(
                "This object cannot be accessed right now because another API request or Stripe process is "
                "currently accessing it. If you see this error intermittently, retry the request.",
                code="lock_timeout",
            )
        if fault.kind == "error_before":
            raise ServerError(SERVER_FAILED, saved=False)
        if fault.kind == "refuse":
            raise _refusal(fault.options)
        return self._answered_with_fault(incoming, fault)

    def _answered_with_fault(self, incoming: DecodedRequest, fault: Fault) -> Response:
        if fault.kind == "error_saved":
            return self._fail_and_remember(incoming, bool(fault.options.get("effect")))
        delay_s = float(fault.options.get("seconds", 10)) if fault.kind == "slow" else 0.0
        try:
            response = self._authenticated(incoming, busy_s=delay_s)
        except StripeError as error:
            response = self._error(error, incoming.request_id)
        response.delay_s = delay_s
        if fault.kind == "timeout_after":
            response.broken = "timeout"
        if fault.kind == "cut":
            response.broken = "cut"
        return response

    def _fail_and_remember(self, incoming: DecodedRequest, effect: bool) -> Response:
        if replayed := self._replayed(incoming):
            return replayed
        if effect:
            self._execute(incoming, *self._identify(incoming))
        response = self._error(ServerError(SERVER_FAILED), incoming.request_id)
        self._remember(incoming, response, 0.0)
        return response

    def _authenticated(self, incoming: DecodedRequest, busy_s: float = 0.0) -> Response:
        kind, version = self._identify(incoming)
        if replayed := self._replayed(incoming):
            return replayed
        try:
            response = self._execute(incoming, kind, version)
        except StripeError as error:
            response = self._error(error, incoming.request_id, kind)
            if not error.saved:
                return response
        self._remember(incoming, response, busy_s)
        return response

    def _replayed(self, incoming: DecodedRequest) -> Response | None:
        """Return the saved response to a key's first request; raises when that request had another body."""
        state, key = self._state, incoming.idempotency_key
        if not key:
            return None
        account = state.settings.account_id
        entry = self._keys.lookup(account, key, incoming.path, incoming.raw, state.clock.now())
        if entry is None:
            return None
        headers = {"Idempotent-Replayed": "true", "Original-Request": entry.request_id}
        return Response(entry.status, {"Content-Type": "application/json"} | headers, entry.body)

    def _identify(self, incoming: DecodedRequest) -> tuple[auth.KeyKind, str]:
        key = auth.key_from(incoming.headers, incoming.raw)
        kind = auth.kind_of(key, self._state.settings.revoked_keys)
        self._account_keys.check(key, kind)
        self._check_account(key, incoming)
        settings = self._state.settings
        needed = auth.permission_for(incoming.method, incoming.path)
        auth.check_permission(key, settings.permissions.get(key), needed, settings.account_id)
        version = incoming.headers.get("stripe-version") or incoming.raw.get("_stripe_version")
        return kind, versions.check(version) if version else self._state.settings.default_version

    def _check_account(self, key: str, incoming: DecodedRequest) -> None:
        """Refuse a request in the name of another account: this one has no connected accounts."""
        names = (incoming.headers.get(name) for name in ("stripe-account", "stripe-context"))
        for account in (*names, incoming.raw.get("_stripe_account")):
            if account and account != self._state.settings.account_id:
                raise Forbidden(
                    f"The provided key '{auth.mask(key)}' does not have access to account '{account}' (or that "
                    "account does not exist). Application access may have been revoked.",
                    code="account_invalid",
                )

    def _execute(self, incoming: DecodedRequest, kind: auth.KeyKind, version: str) -> Response:
        call, tree = self._call(incoming, kind, version)
        self._state.cause = Cause(incoming.request_id, incoming.idempotency_key)
        try:
            result = routes.ROUTES[call.endpoint](call)
        finally:
            self._state.cause = Cause()
        rendered = Renderer(self._state, tree)(result)
        return json_response(200, client_view(rendered) if kind == "publishable" else rendered)

    def _call(
        self, incoming: DecodedRequest, kind: auth.KeyKind, version: str
    ) -> tuple[Call, dict[str, Any]]:
        match = routes.find(incoming.method, incoming.path)
        if match is None:
            where = f"{incoming.method}: {incoming.path}"
            message = f"Unrecognized request URL ({where}). Please see https://stripe.com/docs"
            raise NotFound(f"{message} or we can help at https://support.stripe.com/.")
        endpoint, ids = match
        raw = incoming.raw
        if kind == "publishable":
            if endpoint not in routes.PUBLISHABLE:
                raise AuthenticationError(auth.SECRET_ONLY, code="secret_key_required")
            raw = _without_telemetry(raw)
        params = validate(endpoint, raw, extra_fields(endpoint, version, kind))
        params = parameters.keep_modeled(endpoint, params)
        paths = params.pop("expand", [])
        check_expansions(endpoint, paths)
        tree = expand_tree(paths)
        return Call(self._state, endpoint, incoming.path, ids, params, version, kind), tree

    def _error(self, error: StripeError, request_id: str, kind: auth.KeyKind = "secret") -> Response:
        body = error.body(f"{self._state.settings.public_url}/_sandbox/requests/{request_id}")
        for name in ("payment_intent", "setup_intent"):
            attached = body["error"].get(name)
            if isinstance(attached, dict) and kind == "publishable":
                body["error"][name] = client_view(attached)
        headers = dict(error.headers)
        if error.status in (402, 409) or error.status >= 500:
            headers.setdefault("Stripe-Should-Retry", "false" if error.saved else "true")
        return json_response(error.status, body, headers)

    def _remember(self, incoming: DecodedRequest, response: Response, busy_s: float) -> None:
        key = incoming.idempotency_key
        if not key:
            return
        now = self._state.clock.now()
        entry = Entry(
            incoming.path, incoming.raw, incoming.request_id, now + REMEMBERED_S, response.status,
            response.body, now + busy_s,
        )  # fmt: skip
        self._keys.save(self._state.settings.account_id, key, entry)
        response.headers["Original-Request"] = incoming.request_id

    def _standing_headers(self, headers: dict[str, str], request_id: str) -> dict[str, str]:
        standing = {
            "Date": formatdate(self._state.clock.now(), usegmt=True),
            "Request-Id": request_id,
            "Stripe-Version": headers.get("stripe-version", self._state.settings.default_version),
        }
        if "idempotency-key" in headers:
            standing["Idempotency-Key"] = headers["idempotency-key"]
        return standing


def extra_fields(endpoint: str, version: str, kind: auth.KeyKind) -> dict[str, Any]:
    """Return the parameters that the SDK does not name: of other API versions, of browsers and of hosted pages."""
    sessions = endpoint == "POST /v1/checkout/sessions" and not versions.is_endive(version)
    is_typed = endpoint in METHOD_TYPES_ENDPOINTS or sessions
    fields = {"payment_method_types": versions.METHOD_TYPES} if is_typed else {}
    fields |= routes.UNDOCUMENTED_FIELDS.get(endpoint, {})
    in_browser = kind == "publishable" and endpoint.endswith("/confirm")
    return fields | (BROWSER_FIELDS if in_browser else {})


def _without_telemetry(raw: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in raw.items() if name not in TELEMETRY}
    data = kept.get("payment_method_data")
    if isinstance(data, dict):
        kept["payment_method_data"] = {name: value for name, value in data.items() if name not in TELEMETRY}
    return kept


def _rate_limited(options: dict[str, Any]) -> StripeError:
    headers = {"Stripe-Rate-Limited-Reason": "global-rate"}
    if options.get("retry_after") is not None:
        headers["Retry-After"] = str(options["retry_after"])
    if options.get("should_retry") is not None:
        headers["Stripe-Should-Retry"] = "true" if options["should_retry"] else "false"
    message = (
        "Too many requests hit the API too quickly. We recommend an exponential backoff of your requests."
    )
    return RateLimited(message, code="rate_limit", headers=headers)


def _refusal(options: dict[str, Any]) -> StripeError:
    message = options.get("message") or "Your account cannot currently make live charges."
    return InvalidParameter(message, code=options.get("code"))


def _safe_headers(headers: dict[str, str]) -> dict[str, str]:
    shown = {name.title(): value for name, value in headers.items()}
    if "Authorization" in shown:
        scheme, _, key = shown["Authorization"].partition(" ")
        shown["Authorization"] = f"{scheme} {auth.mask(key)}"
    return shown


def _safe_params(raw: dict[str, Any]) -> dict[str, Any]:
    """Mask card numbers and remove security codes, at any depth."""
    safe: dict[str, Any] = {}
    for name, value in raw.items():
        if isinstance(value, dict):
            safe[name] = _safe_params(value)
        elif name == "number" and CARD_NUMBER.search(value.replace(" ", "")):
            safe[name] = "•••• " + value[-4:]
        elif name not in ("cvc", "key"):
            safe[name] = value
    return safe
