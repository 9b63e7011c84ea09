"""Stripe's search query language: https://docs.stripe.com/search#search-query-language."""

import re
from dataclasses import dataclass
from typing import Literal

from stripe_sandbox.errors import InvalidState, StripeError

Operator = Literal[":", "~", ">", "<", ">=", "<="]
CLAUSE = re.compile(
    r"""
    (?P<negated>-)?
    (?P<field>[A-Za-z_][\w.]*)
    (?:\[\s*(?P<quote>['"])(?P<key>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\s*\])?
    \s*(?P<operator>>=|<=|[:~<>])\s*
    (?:
      "(?P<double>(?:\\.|[^"\\])*)"
      | '(?P<single>(?:\\.|[^'\\])*)'
      | (?P<bare>[^\s"']+)
    )
    """,
    re.VERBOSE,
)
CONNECTOR = re.compile(r"\s+(?:(and|or)\s+)?", re.IGNORECASE)
UNREADABLE = (
    'We were unable to parse your search query. Try using the format `metadata["key"]:"value"` to query for '
    'metadata or key:"value" to query for other fields.'
)


@dataclass(frozen=True)
class Clause:
    """One condition; `value` is None for `null`, which matches what is not set."""

    field: str
    operator: Operator
    value: str | None
    key: str | None = None
    is_negated: bool = False
    is_quoted: bool = False


@dataclass(frozen=True)
class Query:
    """Clauses of which all must match, or any with `OR`."""

    clauses: list[Clause]
    needs_all: bool


def parse(text: str) -> Query:
    """Return the query; raises a StripeError when it is none."""
    text = text.strip()
    clauses: list[Clause] = []
    connectors: set[str] = set()
    position = 0
    while True:
        match = CLAUSE.match(text, position)
        if match is None:
            raise _refusal(UNREADABLE)
        clauses.append(_clause(match))
        position = match.end()
        if position == len(text):
            break
        joint = CONNECTOR.match(text, position)
        if joint is None:
            raise _refusal(UNREADABLE)
        connectors.add((joint.group(1) or "and").lower())
        position = joint.end()
    if len(connectors) > 1:
        raise _refusal("A search query can combine its clauses with AND or with OR, not with both.")
    return Query(clauses, connectors != {"or"})


def _clause(match: re.Match[str]) -> Clause:
    quoted = match["double"] if match["double"] is not None else match["single"]
    value = match["bare"] if quoted is None else _unescaped(quoted)
    is_null = quoted is None and value.lower() == "null"
    operator: Operator = match["operator"]  # type: ignore[assignment]
    if is_null and operator != ":":
        raise _refusal(UNREADABLE)
    key = match["key"]
    return Clause(
        match["field"],
        operator,
        None if is_null else value,
        None if key is None else _unescaped(key),
        is_negated=match["negated"] is not None,
        is_quoted=quoted is not None,
    )


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _refusal(message: str) -> StripeError:
    return InvalidState(message)
