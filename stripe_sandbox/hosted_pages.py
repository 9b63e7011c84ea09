"""The hosted pages, which need no JavaScript: Checkout, the bank's 3-D Secure page, receipts."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from stripe_sandbox import checkout, confirmation, money, payment_methods, setup_intents
from stripe_sandbox.errors import CardError, InvalidParameter, StripeError
from stripe_sandbox.http import Response, json_response
from stripe_sandbox.pages import Html, page, redirect, text
from stripe_sandbox.public_view import client_view, public
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj

METHOD_LABELS = {
    "us_bank_account": "US bank account (takes days)",
    "sepa_debit": "SEPA direct debit (takes days)",
}
# What the button says: https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-submit_type
SUBMIT_LABELS = {"book": "Book", "donate": "Donate", "subscribe": "Subscribe"}
# Before the key of a custom field, in the form.
FIELD = "field_"
NOT_FOUND = "There is nothing at this address. The sandbox forgets everything when it restarts."


def answer(
    state: SandboxState, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> Response:
    """Answer a request under `/c/`."""
    _, _, kind, object_id, *_ = [*path.split("/"), "", ""]
    form = dict(parse_qsl(query, keep_blank_values=True))
    if method == "POST":
        form |= dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    if kind == "pay":
        return _checkout(state, method, state.store.checkout_sessions.get(object_id), form)
    if kind == "authenticate":
        as_json = "application/json" in headers.get("accept", "")
        return _challenge(state, method, state.store.find(object_id), form, as_json)
    if kind == "receipt":
        return _receipt(state, state.store.charges.get(object_id))
    return _not_found()


def _checkout(state: SandboxState, method: str, session: Obj | None, form: dict[str, str]) -> Response:
    if session is None:
        return _not_found()
    if session["status"] == "expired":
        text_ = "This payment page has expired. Nothing was charged."
        return _message("This page has expired", text_, session["cancel_url"], "Back to the shop", 410)
    if session["status"] == "complete":
        return _message("All done", "This order is already paid for.", _success_url(session), "Continue")
    if method != "POST":
        failed = confirmation.AUTHENTICATION_FAILED if form.get("failed") else ""
        return _checkout_page(state, session, form, failed)
    try:
        payment_method, buyer = _read_form(state, session, form)
        checkout.pay(state, session, payment_method, buyer)
    except CardError as declined:
        return _checkout_page(state, session, form, declined.message, 402, declined.param)
    except StripeError as error:
        return _checkout_page(state, session, form, error.message, 400, error.param)
    if session["status"] == "complete":
        return redirect(_success_url(session))
    intent = _intent_of(state, session)
    return redirect(f"/c/authenticate/{intent['id']}?{urlencode({'client_secret': intent['client_secret']})}")


def _read_form(state: SandboxState, session: Obj, form: dict[str, str]) -> tuple[Obj, dict[str, Any]]:
    session_email = (session["customer_details"] or {}).get("email")
    email = session_email or form.get("email", "").strip()
    if "@" not in email:
        raise InvalidParameter("Enter an email address, so that the receipt can reach you.", param="email")
    buyer = {
        "email": email,
        "name": form.get("name") or None,
        "save": form.get("save") == "on",
        "phone": form.get("phone", "").strip() or None,
        "custom_fields": {name.removeprefix(FIELD): form[name] for name in form if name.startswith(FIELD)},
    }
    choice = form.get("choice", "new")
    billing = {
        "email": email,
        "name": form.get("name", ""),
        "address": {"postal_code": form.get("postal_code", "")},
    }
    if choice.startswith("pm_"):
        saved = state.store.payment_methods.get(choice)
        if saved is None or saved["customer"] is None or saved["customer"] != session["customer"]:
            raise InvalidParameter("That card is no longer there. Choose another.", param="choice")
        return saved, buyer
    if choice in METHOD_LABELS:
        return payment_methods.make(state, {"type": choice, choice: {}, "billing_details": billing}), buyer
    month, year = _expiry(form.get("expiry", ""))
    card = {
        "number": form.get("number", ""),
        "exp_month": month,
        "exp_year": year,
        "cvc": form.get("cvc", "").strip(),
    }
    if not card["cvc"]:
        raise CardError("Your card's security code is incomplete.", code="invalid_cvc", param="cvc")
    return payment_methods.make(state, {"type": "card", "card": card, "billing_details": billing}), buyer


def _expiry(entered: str) -> tuple[int, int]:
    month, _, year = entered.replace(" ", "").partition("/")
    if not year and len(month) == 4:
        month, year = month[:2], month[2:]
    if not (month.isdigit() and year.isdigit()):
        raise CardError("Enter the expiry date as MM / YY.", code="invalid_expiry_month", param="exp_month")
    return int(month), int(year)


def _checkout_page(
    state: SandboxState,
    session: Obj,
    form: dict[str, str],
    alert: str = "",
    status: int = 200,
    param: str | None = None,
) -> Response:
    setup = session["mode"] == "setup"
    total = "" if setup else money.display(session["amount_total"], session["currency"])
    session_email = (session["customer_details"] or {}).get("email")
    merchant = state.settings.account_name
    values = {
        "back": _link(session["cancel_url"], "← Back") if session["cancel_url"] else Html(""),
        "merchant": merchant,
        "heading": "Save a card for later" if setup else f"Pay {merchant}",
        "total": total or "Nothing is charged now",
        "lines": Html("".join(_line(line) for line in session["_lines"])),
        "alert": Html(f'<p class="alert" role="alert">{text(alert)}</p>') if alert else Html(""),
        "email": session_email or form.get("email", ""),
        "fields": Html("".join(_fields(session, form, param))),
        "email_locked": Html("readonly") if session_email else Html(""),
        "choices": Html("".join(_choices(state, session, form.get("choice", "")))),
        "error_number": Html('aria-invalid="true"') if param == "number" else Html(""),
        "name": form.get("name", ""),
        "save": _save_notice(session),
        "notice": _submit_notice(session),
        "button": "Save card" if setup else f"{SUBMIT_LABELS.get(session['submit_type'], 'Pay')} {total}",
    }
    return page("checkout", f"{values['heading']} · Checkout", status, **values)


def _fields(session: Obj, form: dict[str, str], invalid: str | None) -> Iterator[str]:
    """Yield the inputs of what the shop asks besides the payment."""
    if session["phone_number_collection"]["enabled"]:
        yield _input("phone", "Phone number", form.get("phone", ""), 'type="tel" autocomplete="tel" required')
    for field in session["custom_fields"]:
        name, kind, key = FIELD + field["key"], field["type"], field["key"]
        label = field["label"]["custom"] + (" (optional)" if field["optional"] else "")
        entered = form.get(name, field[kind]["default_value"] or "")
        marks = ("" if field["optional"] else " required") + (
            ' aria-invalid="true"' if invalid == key else ""
        )
        if kind == "dropdown":
            yield _select(name, label, entered, field[kind]["options"], marks)
        else:
            yield _input(name, label, entered, ('inputmode="numeric"' if kind == "numeric" else "") + marks)


def _input(name: str, label: str, value: str, marks: str) -> str:
    return (
        f'<label for="{text(name)}">{text(label)}</label>'
        f'<input id="{text(name)}" name="{text(name)}" value="{text(value)}" maxlength="255" {marks}>'
    )


def _select(name: str, label: str, chosen: str, options: list[Obj], marks: str) -> str:
    rows = "".join(
        f'<option value="{text(option["value"])}"{" selected" if option["value"] == chosen else ""}>'
        f"{text(option['label'])}</option>"
        for option in [{"value": "", "label": "Choose"}, *options]
    )
    return (
        f'<label for="{text(name)}">{text(label)}</label>'
        f'<select id="{text(name)}" name="{text(name)}" {marks}>{rows}</select>'
    )


def _choices(state: SandboxState, session: Obj, chosen: str) -> list[str]:
    rows: list[tuple[str, str]] = []
    shown = session["saved_payment_method_options"]["allow_redisplay_filters"]
    if session["customer"] and session["mode"] == "payment":
        for method in state.store.payment_methods:
            if (
                method["customer"] == session["customer"]
                and method["allow_redisplay"] in shown
                and "card" in method
            ):
                card = method["card"]
                expiry = f"{card['exp_month']}/{card['exp_year']}"
                label = f"{card['brand'].title()} •••• {card['last4']}, expires {expiry}"
                rows.append((method["id"], label))
    rows.append(("new", "New card" if rows else "Card"))
    if session["mode"] == "payment":
        rows += [
            (kind, METHOD_LABELS[kind]) for kind in session["payment_method_types"] if kind in METHOD_LABELS
        ]
    selected = chosen if chosen in dict(rows) else rows[0][0]
    return [
        f'<label class="choice"><input type="radio" name="choice" value="{value}"'
        f"{' checked' if value == selected else ''}> {text(label)}</label>"
        for value, label in rows
    ]


def _save_notice(session: Obj) -> Html:
    if session["mode"] == "setup" or session["_payment_intent_data"].get("setup_future_usage"):
        notice = "Your card will be saved for your next purchases. You can remove it at any time."
        return Html(f'<p class="note">{notice}</p>')
    if session["customer"] and session["saved_payment_method_options"]["payment_method_save"] == "enabled":
        label = "Save this card for my next purchases"
        return Html(f'<label class="choice"><input type="checkbox" name="save"> {label}</label>')
    return Html("")


def _submit_notice(session: Obj) -> Html:
    custom = session["custom_text"]["submit"]
    return Html(f'<p class="note">{text(custom["message"])}</p>') if custom else Html("")


def _challenge(
    state: SandboxState, method: str, intent: Obj | None, form: dict[str, str], as_json: bool
) -> Response:
    if intent is None or form.get("client_secret") != intent.get("client_secret"):
        return json_response(404, {"error": {"message": NOT_FOUND}}) if as_json else _not_found()
    waiting = intent["status"] == "requires_action"
    if method == "POST" and waiting:
        _end_challenge(state, intent, form.get("outcome") == "complete")
    if as_json:
        return json_response(200, client_view(public(intent)))
    if method != "POST" and waiting:
        return _challenge_page(state, intent, form["client_secret"])
    return _after_challenge(state, intent)


def _end_challenge(state: SandboxState, intent: Obj, passed: bool) -> None:
    payment_method = state.store.payment_methods.get(intent["payment_method"])
    assert payment_method is not None
    flow = confirmation if intent["object"] == "payment_intent" else setup_intents
    if not passed:
        flow.fail_challenge(state, intent, payment_method)
        return
    try:
        flow.pass_challenge(state, intent, payment_method)
    except CardError:
        # The intent shows the decline to the buyer's browser.
        return


def _challenge_page(state: SandboxState, intent: Obj, client_secret: str) -> Response:
    payment_method = state.store.payment_methods.get(intent["payment_method"])
    assert payment_method is not None
    amount = (
        money.display(intent["amount"], intent["currency"])
        if "amount" in intent
        else "leave to save your card"
    )
    return page(
        "challenge",
        "3-D Secure",
        merchant=state.settings.account_name,
        amount=amount,
        last4=payment_method["card"]["last4"],
        client_secret=client_secret,
    )


def _after_challenge(state: SandboxState, intent: Obj) -> Response:
    session = state.store.checkout_sessions.get(intent.get("_session"))
    if session is not None:
        done = session["status"] == "complete"
        return redirect(_success_url(session) if done else f"/c/pay/{session['id']}?failed=authentication")
    options = intent.get("_confirm_options")
    # Stripe.js shows this page in a dialog and comes back by itself.
    if options and options.return_url and not options.use_stripe_sdk:
        return redirect(_return_url(options.return_url, intent))
    paid = intent["status"] in ("succeeded", "requires_capture", "requires_confirmation", "processing")
    heading = "Confirmed" if paid else "Not confirmed"
    message = json.dumps({"type": "stripe_sandbox.challenge", "id": intent["id"], "status": intent["status"]})
    script = Html(
        f"<script>if (window.parent !== window) window.parent.postMessage({message}, '*');</script>"
    )
    return page("message", heading, heading=heading, text="You can close this page.", link="", script=script)


def _return_url(url: str, intent: Obj) -> str:
    name = intent["object"]
    failed = intent["status"] in ("requires_payment_method", "canceled")
    params = {
        name: intent["id"],
        f"{name}_client_secret": intent["client_secret"],
        "redirect_status": "failed" if failed else "succeeded",
    }
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(params)}"


def _receipt(state: SandboxState, charge: Obj | None) -> Response:
    if charge is None:
        return _not_found()
    amount = money.display(charge["amount_captured"], charge["currency"])
    refunded_minor = charge["amount_refunded"]
    refunded = (
        f" Refunded so far: {money.display(refunded_minor, charge['currency'])}." if refunded_minor else ""
    )
    return _message(f"Receipt from {state.settings.account_name}", f"Paid: {amount}.{refunded}", None, "")


def _intent_of(state: SandboxState, session: Obj) -> Obj:
    intent = state.store.find(session["payment_intent"] or session["setup_intent"])
    assert intent is not None
    return intent


def _success_url(session: Obj) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _line(line: Obj) -> str:
    amount = money.display(line["amount_total"], line["currency"])
    many = f" × {line['quantity']}" if line["quantity"] > 1 else ""
    return f"<li><span>{text(line['description'] or 'Item')}{many}</span><span>{text(amount)}</span></li>"


def _link(url: str | None, label: str) -> Html:
    return Html(f'<a href="{text(url)}">{text(label)}</a>') if url else Html("")


def _message(heading: str, words: str, url: str | None, label: str, status: int = 200) -> Response:
    return page(
        "message", heading, status, heading=heading, text=words, link=_link(url, label), script=Html("")
    )


def _not_found() -> Response:
    return _message("Nothing here", NOT_FOUND, None, "", 404)
