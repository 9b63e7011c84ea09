"""Primary keys as others send them: in addresses, bodies and Stripe's labels."""


def primary_key_in(text: str) -> int | None:
    """Return the primary key that a text names, or None: int() also takes signs, spaces and what no bigint can hold."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
