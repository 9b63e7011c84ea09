"""The controls over HTTP, as JSON; forms of the index page are answered with a redirect back to it."""

import inspect
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from stripe_sandbox.about_page import about_page
from stripe_sandbox.base import BaseSandbox
from stripe_sandbox.control_page import PREFIX, index_page
from stripe_sandbox.errors import StripeError
from stripe_sandbox.http import Response, json_response
from stripe_sandbox.pages import redirect
from stripe_sandbox.webhook_queue import Delivery

NUMBERS = ("amount", "exp_month", "exp_year", "seconds")
SEND_JSON = "Send a JSON object, with the header Content-Type: application/json."


def answer(
    sandbox: BaseSandbox, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> Response:
    """Answer a request under `/_sandbox/`."""
    verb = path.removeprefix(PREFIX.rstrip("/")).strip("/")
    form = "x-www-form-urlencoded" in headers.get("content-type", "")
    try:
        arguments = _arguments(body, form)
        if method == "GET" and verb == "":
            return index_page(sandbox, dict(parse_qsl(query)).get("failed", ""))
        if method == "GET" and verb == "about":
            return about_page(sandbox)
        resource = _resource(sandbox, method, verb, arguments)
        result = _run_control(sandbox, verb, arguments) if resource is None else resource[0]
    except StripeError as error:
        message = error.body()["error"]["message"]
        return (
            redirect(f"{PREFIX}?{urlencode({'failed': message})}")
            if form
            else json_response(error.status, error.body())
        )
    except LookupError as error:
        return json_response(404, {"error": {"message": str(error), "type": "invalid_request_error"}})
    except ValueError as error:
        return json_response(400, {"error": {"message": str(error), "type": "invalid_request_error"}})
    return redirect(PREFIX) if form else json_response(200, result)


def verbs(sandbox: BaseSandbox) -> list[str]:
    """Return the names of all controls."""
    members = inspect.getmembers(sandbox.control, inspect.ismethod)
    return [name for name, _ in members if not name.startswith("_")]


def _arguments(body: bytes, form: bool) -> dict[str, Any]:
    if not body:
        return {}
    if form and not body.lstrip().startswith((b"{", b"[")):
        return dict(parse_qsl(body.decode()))
    try:
        # Clients such as curl send JSON under a form's content type unless a header says otherwise.
        arguments = None if form else json.loads(body)
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise ValueError(SEND_JSON)
    return arguments


def _resource(sandbox: BaseSandbox, method: str, verb: str, arguments: dict[str, Any]) -> tuple[Any] | None:
    """Return the result for paths that are no control: faults, requests, deliveries, endpoints, reset."""
    if verb == "faults":
        if method == "POST":
            _call_with(verb, sandbox.faults.add, arguments)
        elif method == "DELETE":
            sandbox.faults.clear()
        return ([vars(fault) for fault in sandbox.faults.list()],)
    if verb == "requests" and method == "GET":
        return ([vars(request) for request in sandbox.requests],)
    if verb.startswith("requests/") and method == "GET":
        request_id = verb.removeprefix("requests/")
        return ([vars(request) for request in sandbox.requests if request.request_id == request_id],)
    if verb == "reset" and method == "POST":
        sandbox.reset()
        return ({"reset": True},)
    if verb == "endpoints" and method == "POST":
        return (_call_with(verb, sandbox.add_endpoint, arguments),)
    if verb == "deliveries" and method == "POST":
        return ([_delivery(delivery) for delivery in sandbox.take_deliveries()],)
    return None


def _delivery(delivery: Delivery) -> dict[str, Any]:
    shown = {name: getattr(delivery, name) for name in ("event_id", "type", "url", "headers")}
    return shown | {"body": delivery.body.decode()}


def _run_control(sandbox: BaseSandbox, verb: str, arguments: dict[str, Any]) -> Any:
    if verb not in verbs(sandbox):
        raise LookupError(f"no such verb {verb!r}; there are: {', '.join(verbs(sandbox))}")
    function = getattr(sandbox.control, verb)
    arguments = dict(arguments)
    named = "id" in arguments and next(iter(inspect.signature(function).parameters), None)
    if named:
        arguments[named] = arguments.pop("id")
    for name in NUMBERS:
        arguments |= {name: _number(name, arguments[name])} if name in arguments else {}
    result = _call_with(verb, function, arguments)
    return result if isinstance(result, dict) else {"result": result}


def _number(name: str, value: Any) -> Any:
    """Return the number in a form's text."""
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        return int(value)
    if value is not None and not isinstance(value, (int, float)):
        raise ValueError(f"{name} is a number, not {value!r}")
    return value


def _call_with(verb: str, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call a function; a ValueError names its parameters when the arguments do not fit."""
    signature = inspect.signature(function)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise ValueError(f"{verb} takes {', '.join(signature.parameters)}: {error}") from None
    try:
        return function(**arguments)
    except TypeError as error:
        raise ValueError(f"These are no values that {verb} can use: {error}") from None
