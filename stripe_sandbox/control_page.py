"""The index page: recent payments, sessions, refunds, disputes and events, with a button for each control."""

import time
from typing import Any

from stripe_sandbox import money
from stripe_sandbox.base import BaseSandbox
from stripe_sandbox.http import Response
from stripe_sandbox.pages import Html, page, text
from stripe_sandbox.store import Obj, Table

PREFIX = "/_sandbox/"
ROWS = 25
GOOD, BAD = {"succeeded", "complete", "won"}, {"canceled", "failed", "lost", "expired"}


def index_page(sandbox: BaseSandbox, failed: str) -> Response:
    """Return the page; `failed` is the message of the control that was tried last."""
    with sandbox.lock:
        store = sandbox.state.store
        counts = f"{len(store.payment_intents)} payments, {len(store.events)} events, "
        counts += f"{len(sandbox.requests)} requests"
        return page(
            "index",
            "Stripe sandbox",
            merchant=sandbox.settings.account_name,
            version=sandbox.settings.default_version,
            time=f"{_time(sandbox.state.now)} UTC",
            counts=counts,
            alert=Html(f'<p class="alert" role="alert">{text(failed)}</p>') if failed else Html(""),
            payments=_rows(store.payment_intents, _payment_actions),
            sessions=_rows(store.checkout_sessions, _session_actions),
            refunds=_rows(store.refunds, _refund_actions),
            disputes=_rows(store.disputes, _dispute_actions),
            events=_event_rows(store.events),
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
        label,
        f'<span class="nowrap">{text(shown)}</span>',
        _created(obj),
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
        verb, label = ("close_review", "Approve") if intent["review"] else ("open_review", "Review")
        return [
            ("refund", "Refund", {}),
            ("dispute", "Dispute", {}),
            ("warn_of_fraud", "Warn", {}),
            (verb, label, {}),
        ]
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
            f"<code>{text(event['id'])}</code>", text(event["type"]), _waiting(event["pending_webhooks"]),
            _created(event), _buttons(event, [("resend", "Send again", {})]),
        ]  # fmt: skip
        rows.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return Html("".join(rows) or '<tr><td colspan="5" class="note">None yet.</td></tr>')


def _waiting(endpoints: int) -> str:
    return (
        f'<span class="badge">{endpoints} to deliver</span>' if endpoints else '<span class="none">–</span>'
    )


def _created(obj: Obj) -> str:
    return f"<time>{_time(obj['created'])}</time>"


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
