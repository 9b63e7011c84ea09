"""The tables of modeled parameters: their short notation, and reading it."""

import re
from dataclasses import dataclass, field
from typing import Literal

How = Literal["obeyed", "echoed", "default"]

# A name, then a hash's own names in braces, or the values that are taken, apart by bars.
TOKEN = re.compile(r"\s*(?:(?P<name>\w+)(?:=(?P<values>[\w|]+))?|(?P<brace>[{}]))")


@dataclass
class Modeled:
    """One parameter: how it is treated, the values that are taken (None: all), and a hash's own parameters."""

    how: How
    values: frozenset[str] | None = None
    fields: "Table" = field(default_factory=dict)


Table = dict[str, Modeled]


def parameters(*, obeyed: str = "", echoed: str = "", default: str = "") -> Table:
    """Return an endpoint's table. Whatever of Stripe's parameters is not in it is refused by name.

    - ``obeyed`` parameters change what the sandbox does.
    - ``echoed`` ones come back in the answer, which is all that Stripe's test mode does with them.
    - ``default`` ones are taken with the values that change nothing, since Stripe assumes them anyway.

    The notation: ``amount shipping{name address{city}} capture_method=automatic|manual``. A list of hashes is
    written as its hash.
    """
    table: Table = {}
    texts: dict[How, str] = {"obeyed": obeyed, "echoed": echoed, "default": default}
    for how, text in texts.items():
        merge(table, _read(how, text))
    return table


def merge(table: Table, more: Table) -> None:
    """Add the parameters of another table; a parameter that both have must be a hash in both."""
    for name, modeled in more.items():
        if name not in table:
            table[name] = modeled
        elif table[name].fields and modeled.fields:
            merge(table[name].fields, modeled.fields)
        else:
            raise ValueError(f"{name} is in a table twice")


def _read(how: How, text: str) -> Table:
    table: Table = {}
    open_tables, last, position = [table], "", 0
    text = text.strip()
    while position < len(text):
        token = TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"a table of parameters can't be read at: {text[position : position + 40]}")
        position = token.end()
        if token["brace"] == "{":
            open_tables.append(open_tables[-1][last].fields)
        elif token["brace"]:
            open_tables.pop()
        else:
            last = token["name"]
            values = frozenset(token["values"].split("|")) if token["values"] else None
            merge(open_tables[-1], {last: Modeled(how, values)})
    if len(open_tables) != 1:
        raise ValueError(f"a brace is missing in: {text}")
    return table


# Parts that several endpoints share.
PAGE = "limit starting_after ending_before"
SEARCH = "query limit page"
CREATED = "created{gt gte lt lte}"
ADDRESS = "address{city country line1 line2 postal_code state}"
SHIPPING = f"shipping{{name phone carrier tracking_number {ADDRESS}}}"
BILLING_DETAILS = f"billing_details{{name email phone tax_id {ADDRESS}}}"
METHOD_TYPE = "type=card|us_bank_account|sepa_debit"
RAW_METHOD = (
    f"{METHOD_TYPE} card{{number exp_month exp_year cvc token networks{{preferred}}}} sepa_debit{{iban}} "
    "us_bank_account{account_number routing_number account_holder_type account_type}"
)
METHOD_DATA = f"payment_method_data{{{RAW_METHOD} {BILLING_DETAILS} allow_redisplay metadata}}"
MANDATE_DATA = "mandate_data{customer_acceptance{accepted_at online{ip_address user_agent} type}}"
