"""What staff paste into a search: a whole URL, an id in quotes, a client secret, an id that a page cut short."""

import re

# What stands around an id in a log, a JSON document, a mail or a table; an ellipsis where a page cut it short.
AROUND = " \t\r\n\f\v\u00a0\u200b\u200c\u200d\u2060\ufeff'\"`“”‘’«»<>()[]{},;…"
ID = re.compile(r"(?<![A-Za-z0-9_])[a-z]{2,6}_[A-Za-z0-9_]{4,}")
# Stripe’s dashboard names the account before the object; a client secret begins with the payment’s id.
ACCOUNT = "acct_"
BEHIND_ID = "_secret"


def read_search_term(text: str) -> str:
    """Return the term that ``text`` means: the id in it where it is a URL or a client secret, else the text itself.

    ``https://dashboard.stripe.com/acct_1A/test/payments/pi_3Q?from=search`` is ``pi_3Q``, and so is
    ``pi_3Q_secret_x``.
    """
    inside = text.strip(AROUND).removeprefix("...").removesuffix("...").strip(AROUND)
    # A lone quote is no empty term, which would find everything.
    term = inside or text.strip()
    if "@" in term and "/" not in term:
        return term
    ids = [text for text in ID.findall(term) if not text.startswith(ACCOUNT)]
    if not ids or not _is_more_than_an_id(term):
        return term
    stripe_id: str = ids[-1]
    return stripe_id.partition(BEHIND_ID)[0]


def _is_more_than_an_id(term: str) -> bool:
    return BEHIND_ID in term or any(sign in term for sign in "/:=?#&\"' \n\t")
