"""Stripe keys: what each kind looks like, and what is wrong with a value (swapped, cut short, pasted with more).

No returned text repeats any part of a key: the value may be a secret, whatever its variable is called.
Source: https://docs.stripe.com/keys
"""

import re
import unicodedata

# Stripe's shortest key has 32 characters, 24 of them after the prefix. No key has more than 255.
ISSUED_BODY_MIN, LONG_BODY_MIN, KEY_MAX = 24, 60, 255
# A shorter value was cut, or typed by hand.
BODY_MIN = 16
SECRET, PUBLISHABLE, SIGNING = "secret", "publishable", "signing"
KINDS = {
    "sk_org_": "the key of a Stripe organization",
    "sk_": "a secret key",
    "rk_": "a restricted key, which is secret",
    "pk_": "a publishable key",
    "whsec_": "the signing secret of a webhook endpoint",
    "ek_": "an ephemeral key",
    "we_": "the id of a webhook endpoint",
    "acct_": "the id of an account",
    "pi_": "the id of a payment",
}
PREFIXES = {SECRET: ("sk_", "rk_"), PUBLISHABLE: ("pk_",), SIGNING: ("whsec_",)}
REMEDIES = {
    SECRET: "copy the secret key, sk_live_… or sk_test_…, from the Stripe dashboard",
    PUBLISHABLE: "copy the publishable key, pk_live_… or pk_test_…, from the Stripe dashboard",
    SIGNING: "copy the signing secret, whsec_…, of the webhook endpoint (several: separate them by commas)",
}
MODE_PATTERN = re.compile(r"[srp]k_(live|test)_", re.ASCII)
# Matches anywhere in a text.
SECRET_PATTERN = re.compile(r"(?:[sr]k_(?:live|test)_|whsec_)[A-Za-z0-9]", re.ASCII)
ROLL_HINT = "and roll the secret in the dashboard if this ever ran: this variable is published"
ELLIPSIS = re.compile(r"…|\.\.\.|•|\*\*")
# Compared with whole words between underscores: a real key may contain these letters by chance.
_PLACEHOLDERS = (
    "your yours key here change changeme replace replaceme insert paste todo placeholder dummy fake redacted xxx xxxx "
    "yourkey yoursecret yourkeyhere apikey"
)
PLACEHOLDERS = frozenset(_PLACEHOLDERS.split())
# One character repeated: real keys are random.
REPEATED = re.compile(r"(.)\1*|.*[xX]{8}.*")


def find_prefix(value: str) -> str:
    """Return the prefix of KINDS at the start of a value, ignoring pasted quotes and spaces; empty for none."""
    bare = "".join(char for char in value if char.isascii() and (char.isalnum() or char == "_"))
    return next((prefix for prefix in KINDS if bare.lower().startswith(prefix)), "")


def find_mode(value: str) -> str:
    """Return ``live`` or ``test``, or an empty string for a key without a mode."""
    match = MODE_PATTERN.match(value)
    return match[1] if match else ""


def find_problem(value: str, expected_kind: str, *, exact: bool = True) -> str:
    """Return what is wrong with a key and how to fix it; empty if it may be Stripe's.

    ``exact`` checks the length and placeholder words too. The sandbox accepts any.
    """
    kind = find_prefix(value)
    if expected_kind == PUBLISHABLE and (kind in {"sk_", "rk_", "whsec_"} or SECRET_PATTERN.search(value)):
        subject = "holds a secret: it " if kind == "pk_" else _describe_kind(kind)
        return f"{subject}must begin with pk_: {REMEDIES[expected_kind]}, {ROLL_HINT}"
    prefixes = " or ".join(PREFIXES[expected_kind])
    if kind not in PREFIXES[expected_kind]:
        return f"{_describe_kind(kind)}must begin with {prefixes}: {REMEDIES[expected_kind]}"
    if ELLIPSIS.search(value):
        return f"holds an ellipsis, so it is not whole: {REMEDIES[expected_kind]}"
    if invalid := _describe_invalid_characters(value, expected_kind):
        return f"holds {invalid}, which no key has: {REMEDIES[expected_kind]}"
    if not value.startswith(kind):
        return f"must begin with {prefixes}, in lower case: {REMEDIES[expected_kind]}"
    if expected_kind != SIGNING and not find_mode(value):
        return f"says neither _live_ nor _test_ behind its first two letters: {REMEDIES[expected_kind]}"
    return _find_length_problem(value, expected_kind) if exact or expected_kind == SIGNING else ""


def find_mismatch(secret: str, publishable: str) -> str:
    """Return a text if one key is live and the other is a test key; empty if not, or if one is missing."""
    modes = find_mode(secret), find_mode(publishable)
    if not all(modes) or modes[0] == modes[1]:
        return ""
    return (
        f"NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY is a {modes[1]} key and STRIPE_SECRET_KEY is a {modes[0]} key: "
        "both must be of one mode and one account"
    )


def find_account(key: str) -> str:
    """Return the part of a key that is the same in all keys of one account; empty for the short keys of before.

    A key of today is ``sk_test_51`` and the account's own characters, and is about a hundred characters long.
    """
    body = _body(key) if find_mode(key) else ""
    return body[2:16] if body.startswith("51") and len(body) >= LONG_BODY_MIN else ""


def is_shorter_than_issued(key: str) -> bool:
    """Return whether a key is shorter than any that Stripe has issued."""
    return bool(find_mode(key)) and len(_body(key)) < ISSUED_BODY_MIN


def _find_length_problem(value: str, expected_kind: str) -> str:
    body = _body(value)
    if len(body) >= 3 and (REPEATED.fullmatch(body) or set(body.lower().split("_")) & PLACEHOLDERS):
        return f"is a placeholder: {REMEDIES[expected_kind]}"
    if len(body) < BODY_MIN:
        where = f"at least {BODY_MIN} characters follow {value[: len(value) - len(body)]}"
        return f"is cut short: {where}; {REMEDIES[expected_kind]}"
    if len(value) > KEY_MAX:
        return (
            f"is longer than {KEY_MAX} characters, so more than one key was pasted: {REMEDIES[expected_kind]}"
        )
    return ""


def _body(value: str) -> str:
    match = MODE_PATTERN.match(value)
    return value[match.end() :] if match else value.removeprefix("whsec_")


def _describe_kind(kind: str) -> str:
    return f"is {KINDS[kind]}: it " if kind else ""


def _describe_invalid_characters(value: str, expected_kind: str) -> str:
    """Describe the characters of a value that no key may have, without repeating them."""
    allowed = "_+/=-" if expected_kind == SIGNING else "_"
    kinds = {
        _describe_character(char)
        for char in value
        if not (char.isascii() and (char.isalnum() or char in allowed))
    }
    return " and ".join(sorted(kinds))


def _describe_character(char: str) -> str:
    if char in "\r\n\v\f\x85\u2028\u2029":
        return "a line break"
    if char.isspace():
        return "a space"
    if unicodedata.category(char) in {"Cf", "Cc", "Cs", "Co", "Cn"}:
        return "an invisible character"
    if unicodedata.category(char) in {"Pi", "Pf"} or char in "\"'`":
        return "a quotation mark"
    return "a letter of another alphabet" if char.isalpha() else "a sign"
