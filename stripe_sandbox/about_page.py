"""The page that says what the sandbox models: endpoints, cards, controls and faults, read from the code itself."""

import inspect
from collections.abc import Iterable
from html import escape
from itertools import pairwise
from urllib.parse import urlsplit

from stripe_sandbox import auth, cards, routes, versions
from stripe_sandbox.base import BaseSandbox
from stripe_sandbox.control import BankControls, BuyerControls, DashboardControls, NetworkControls
from stripe_sandbox.faults import API_FAULTS, EVENT_FAULTS
from stripe_sandbox.http import Response
from stripe_sandbox.pages import Html, page
from stripe_sandbox.parameters import EXPAND, TABLES
from stripe_sandbox.parameters.refusal import treatment
from stripe_sandbox.schema.validate import schemas

ACTORS = {
    "the buyer": BuyerControls,
    "the bank": BankControls,
    "the dashboard": DashboardControls,
    "the network": NetworkControls,
}
AUTHENTICATION = {
    "unless_set_up": "asks for 3-D Secure, unless it was saved for later",
    "off_session_ok": "asks for 3-D Secure while the buyer is there; pays without the buyer",
    "always": "asks for 3-D Secure each time",
}
REFUNDS = {"pends": "its refunds stay pending at first", "fails_later": "its refunds succeed, then fail"}


def about_page(sandbox: BaseSandbox) -> Response:
    """Return the page, with this sandbox's own address in its examples."""
    address = urlsplit(sandbox.url)
    return page(
        "about",
        "What the Stripe sandbox models",
        url=sandbox.url,
        scheme=address.scheme,
        host=address.hostname or "",
        port=str(address.port or {"https": 443}.get(address.scheme, 80)),
        key=auth.OWN_SECRET_KEY,
        publishable=sandbox.settings.publishable_key or auth.OWN_PUBLISHABLE_KEY,
        version=sandbox.settings.default_version,
        latest=versions.LATEST,
        endpoints=_endpoint_rows(),
        cards=_table_rows(_card_rows()),
        controls=_table_rows(_control_rows()),
        api_faults=_table_rows((_code(kind), _marked(does)) for kind, does in API_FAULTS.items()),
        event_faults=_table_rows((_code(kind), _marked(does)) for kind, does in EVENT_FAULTS.items()),
    )


def _endpoint_rows() -> Html:
    """Return one row a resource: each of its endpoints, which unfolds into its parameters."""
    resources: dict[str, list[str]] = {}
    for endpoint in sorted(routes.ROUTES, key=lambda endpoint: endpoint.split(" ")[::-1]):
        resources.setdefault(endpoint.split("/")[2], []).append(_endpoint(endpoint))
    return _table_rows((escape(name), "".join(endpoints)) for name, endpoints in resources.items())


def _endpoint(endpoint: str) -> str:
    """Return an endpoint with the parameters it obeys and echoes, and the number of those it refuses by name."""
    method, path = endpoint.split(" ")
    names: dict[str, list[str]] = {"obeyed": [], "echoed": []}
    refused = 0
    schema = schemas().get(endpoint, {"fields": {}})
    for name, modeled in treatment(TABLES.get(endpoint, EXPAND), schema):
        if modeled is None or modeled.how == "default":
            refused += 1
        else:
            names[modeled.how].append(name)
    counts = [f"{how} {len(group)}" for how, group in names.items()] + [f"refused {refused}"]
    lists = [f"<p>{how}: {_code(*group)}</p>" for how, group in names.items() if group]
    summary = f'{_code(path)} {method} <span class="note">{", ".join(counts)}</span>'
    return f"<details><summary>{summary}</summary>{''.join(lists)}</details>"


def _card_rows() -> Iterable[tuple[str, ...]]:
    for card in cards.CARDS.values():
        yield _code(_grouped(card.number)), _code(*_names(card)), _behaviour(card)


def _grouped(number: str) -> str:
    """Return a card number as it stands on a card."""
    at = (4, 10) if len(number) in (14, 15) else (4, 8, 12)
    return " ".join(number[start:end] for start, end in pairwise((0, *at, len(number))))


def _names(card: cards.TestCard) -> list[str]:
    return [f"pm_card_{name}" for name, number in cards.NAMES.items() if number == card.number]


def _behaviour(card: cards.TestCard) -> str:
    """Return what happens to a payment with this card."""
    effects = []
    if card.authentication != "none":
        effects.append(AUTHENTICATION[card.authentication])
    for name in ("cvc", "postal_code", "line1"):
        check = getattr(card, f"{name}_check")
        if check != "pass":
            effects.append(f"{name}_check: {check}")
    if card.risk != "normal":
        effects.append(f"risk_level: {card.risk}")
    if card.decline:
        when = "can be saved, and is declined when charged" if card.attachable else "declined"
        effects.append(f"{when}: {card.decline.decline_code}")
    if card.dispute:
        one = "an inquiry follows" if card.inquiry else "a dispute follows"
        effects.append(f"{one if card.disputes == 1 else f'{card.disputes} disputes follow'}: {card.dispute}")
    if card.refund != "succeeds":
        effects.append(REFUNDS[card.refund])
    about = f"{card.brand}, {card.funding}, {card.country}"
    return escape(f"{'; '.join(effects) or 'pays'} ({about})")


def _control_rows() -> Iterable[tuple[str, ...]]:
    for actor, controls in ACTORS.items():
        for verb, function in vars(controls).items():
            if inspect.isfunction(function) and not verb.startswith("_"):
                takes = [name for name in inspect.signature(function).parameters if name != "self"]
                sentence = inspect.cleandoc(function.__doc__ or "").split("\n")[0]
                yield escape(actor), _code(verb), _code(*takes), _marked(sentence)


def _table_rows(rows: Iterable[tuple[str, ...]]) -> Html:
    return Html("".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows))


def _code(*words: str) -> str:
    return " ".join(f"<code>{escape(word)}</code>" for word in words)


def _marked(sentence: str) -> str:
    """Return a sentence as HTML; what stands in backticks becomes code."""
    parts = sentence.split("`")
    return "".join(_code(part) if at % 2 else escape(part) for at, part in enumerate(parts))
