"""The error of a refused erasure."""

from estuary.common.errors import Conflict


class ErasureRefused(Conflict):
    """Something is still in progress; the detail says what, and what to do first."""

    code, title = "erasure_refused", "The person can't be erased yet"
