"""The controls over HTTP: JSON for programs, an index with buttons for people."""

import inspect
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from stripe_sandbox import money
from stripe_sandbox.errors import StripeError
from stripe_sandbox.http import Response, json_response
from stripe_sandbox.pages import Html, page, redirect, text
from stripe_sandbox.store import Obj, Table
from stripe_sandbox.webhook_queue import Delivery

if TYPE_CHECKING:
    from stripe_sandbox.sandbox import Sandbox

PREFIX = "/_sandbox/"
ROWS = 25
NUMBERS = ("amount", "exp_month", "exp_year", "seconds")
SEND_JSON = "Send a JSON object, with the header Content-Type: application/json."
GOOD, BAD = {"succeeded", "complete", "won"}, {"canceled", "failed", "lost", "expired"}


def answer(
    sandbox: "Sandbox", method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> Response:
    """Answer a request under `/_sandbox/`."""
    verb = path.removeprefix(PREFIX.rstrip("/")).strip("/")
    form = "x-www-form-urlencoded" in headers.get("content-type", "")
    try:
        given = _arguments(body, form)
        if method == "GET" and verb == "":
            return _index(sandbox, dict(parse_qsl(query)).get("failed", ""))
        found = _resource(sandbox, method, verb, given)
        result = _act(sandbox, verb, given) if found is None else found[0]
    except StripeError as error:
        told = error.body()["error"]["message"]
        return (
            redirect(f"{PREFIX}?{urlencode({'failed': told})}")
            if form
            else json_response(error.status, error.body())
        )
    except LookupError as error:
        return json_response(404, {"error": {"message": str(error), "type": "invalid_request_error"}})
    except ValueError as error:
        return json_response(400, {"error": {"message": str(error), "type": "invalid_request_error"}})
    return redirect(PREFIX) if form else json_response(200, result)


def verbs(sandbox: "Sandbox") -> list[str]:
    """Return what the controls can do."""
    members = inspect.getmembers(sandbox.control, inspect.ismethod)
    return [name for name, _ in members if not name.startswith("_")]


def _arguments(body: bytes, form: bool) -> dict[str, Any]:
    if not body:
        return {}
    if form and not body.lstrip().startswith((b"{", b"[")):
        return dict(parse_qsl(body.decode()))
    try:
        given = (
            None if form else json.loads(body)
        )  # JSON under a form's name: what curl sends unless it is told
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise ValueError(SEND_JSON)
    return given


def _resource(sandbox: "Sandbox", method: str, verb: str, given: dict[str, Any]) -> tuple[Any] | None:
    """Answer what is no verb of the controls: faults, requests, deliveries, reset."""
    if verb == "faults":
        if method == "POST":
            _call(verb, sandbox.faults.add, given)
        elif method == "DELETE":
            sandbox.faults.clear()
        return ([vars(fault) for fault in sandbox.faults.list()],)
    if verb == "requests" and method == "GET":
        return ([vars(request) for request in sandbox.requests],)
    if verb.startswith("requests/") and method == "GET":
        wanted = verb.removeprefix("requests/")
        return ([vars(request) for request in sandbox.requests if request.request_id == wanted],)
    if verb == "reset" and method == "POST":
        sandbox.reset()
        return ({"reset": True},)
    if verb == "endpoints" and method == "POST":
        return (_call(verb, sandbox.add_endpoint, given),)
    if verb == "deliveries" and method == "POST":
        return ([_delivery(delivery) for delivery in sandbox.take_deliveries()],)
    return None


def _delivery(delivery: Delivery) -> dict[str, Any]:
    shown = {name: getattr(delivery, name) for name in ("event_id", "type", "url", "headers")}
    return shown | {"body": delivery.body.decode()}


def _act(sandbox: "Sandbox", verb: str, given: dict[str, Any]) -> Any:
    if verb not in verbs(sandbox):
        raise LookupError(f"no such verb {verb!r}; there are: {', '.join(verbs(sandbox))}")
    function = getattr(sandbox.control, verb)
    arguments = dict(given)
    named = "id" in arguments and next(iter(inspect.signature(function).parameters), None)
    if named:
        arguments[named] = arguments.pop("id")
    for name in NUMBERS:
        arguments |= {name: _number(name, arguments[name])} if name in arguments else {}
    result = _call(verb, function, arguments)
    return result if isinstance(result, dict) else {"result": result}


def _number(name: str, value: Any) -> Any:
    """A form has only text."""
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        return int(value)
    if value is not None and not isinstance(value, (int, float)):
        raise ValueError(f"{name} is a number, not {value!r}")
    return value


def _call(verb: str, function: Callable[..., Any], given: dict[str, Any]) -> Any:
    """Call it; raises ValueError that says what it takes when it can't be called like that."""
    takes = inspect.signature(function)
    try:
        takes.bind(**given)
    except TypeError as error:
        raise ValueError(f"{verb} takes {', '.join(takes.parameters)}: {error}") from None
    try:
        return function(**given)
    except TypeError as error:
        raise ValueError(f"These are no values that {verb} can use: {error}") from None


def _index(sandbox: "Sandbox", failed: str) -> Response:
    with sandbox.lock:
        store = sandbox.state.store
        counts = f"{len(store.payment_intents)} payments, {len(store.events)} events, "
        counts += f"{len(sandbox.requests)} requests"
        return page(
            "index",
            "Stripe sandbox",
            merchant=sandbox.settings.account_name,
            version=sandbox.settings.default_version,
            time=_time(sandbox.state.now),
            counts=counts,
            alert=Html(f'<p class="alert" role="alert">{text(failed)}</p>') if failed else Html(""),
            payments=_rows(store.payment_intents, _payment_actions),
            sessions=_rows(store.checkout_sessions, _session_actions),
            refunds=_rows(store.refunds, _refund_actions),
            disputes=_rows(store.disputes, _dispute_actions),
            events=_event_rows(store.events),
            verbs=", ".join(verbs(sandbox)),
        )


def _rows(table: Table, actions: Any) -> Html:
    rows = [_row(obj, actions(obj)) for obj, _ in zip(table.newest_first(), range(ROWS), strict=False)]
    return Html("".join(rows) or '<tr><td colspan="5" class="note">None yet.</td></tr>')


def _row(obj: Obj, actions: list[tuple[str, str, dict[str, str]]]) -> str:
    amount = obj.get("amount", obj.get("amount_total"))
    shown = money.display(amount, obj["currency"]) if amount is not None else "–"
    status = obj["status"]
    tone = "good" if status in GOOD else "bad" if status in BAD else ""
    label = f'<span class="badge {tone}">{text(status)}</span>'
    cells = [
        f"<code>{text(obj['id'][:40])}</code>",
        text(shown),
        label,
        _time(obj["created"]),
        _buttons(obj, actions),
    ]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _buttons(obj: Obj, actions: list[tuple[str, str, dict[str, str]]]) -> str:
    return "".join(
        f'<form method="post" action="{PREFIX}{verb}">'
        f'<input type="hidden" name="id" value="{text(obj["id"])}">'
        + "".join(
            f'<input type="hidden" name="{name}" value="{text(value)}">' for name, value in more.items()
        )
        + f"<button>{text(label)}</button></form>"
        for verb, label, more in actions
    )


def _payment_actions(intent: Obj) -> list[tuple[str, str, dict[str, str]]]:
    status = intent["status"]
    if status == "requires_action":
        return [("complete_challenge", "Complete challenge", {}), ("fail_challenge", "Fail challenge", {})]
    if status == "processing":
        return [("settle", "Settle", {}), ("fail_settlement", "Fail", {})]
    if status == "succeeded":
        return [("refund", "Refund", {}), ("dispute", "Dispute", {})]
    if status in ("requires_payment_method", "requires_confirmation") and not intent.get("_session"):
        declined = {"card": "4000000000000002"}
        return [("confirm", "Pay", {}), ("confirm", "Decline", declined), ("cancel", "Cancel", {})]
    return []


def _session_actions(session: Obj) -> list[tuple[str, str, dict[str, str]]]:
    return (
        [("pay_checkout", "Pay", {}), ("expire_checkout", "Expire", {})]
        if session["status"] == "open"
        else []
    )


def _refund_actions(refund: Obj) -> list[tuple[str, str, dict[str, str]]]:
    actions: list[tuple[str, str, dict[str, str]]] = []
    if refund["status"] == "pending":
        actions.append(("succeed_refund", "Succeed", {}))
    if refund["status"] in ("pending", "succeeded"):
        actions.append(("fail_refund", "Fail", {}))
    return actions


def _dispute_actions(dispute: Obj) -> list[tuple[str, str, dict[str, str]]]:
    status = dispute["status"]
    if status in ("warning_needs_response", "warning_under_review"):
        closed = {"outcome": "warning_closed"}
        return [("close_dispute", "Close", closed), ("escalate_dispute", "Escalate", {})]
    if status in ("needs_response", "under_review", "appeal_needs_response", "appeal_under_review"):
        return [("close_dispute", "Won", {"outcome": "won"}), ("close_dispute", "Lost", {"outcome": "lost"})]
    if status == "lost":
        return [("appeal_dispute", "Appeal", {})]
    return []


def _event_rows(table: Table) -> Html:
    rows = []
    for event, _ in zip(table.newest_first(), range(ROWS), strict=False):
        cells = [
            f"<code>{text(event['id'])}</code>", text(event["type"]), str(event["pending_webhooks"]),
            _time(event["created"]), _buttons(event, [("resend", "Send again", {})]),
        ]  # fmt: skip
        rows.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return Html("".join(rows) or '<tr><td colspan="5" class="note">None yet.</td></tr>')


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
