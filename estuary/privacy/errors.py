"""Why a person can't be erased yet."""


class ErasureRefused(Exception):
    """Something is still under way; the text says what, and what to do first."""
