"""Why a person can't be erased yet."""

from estuary.common.api.errors import Conflict


class ErasureRefused(Conflict):
    """Something is still under way; the text says what, and what to do first."""

    code, title = "erasure_refused", "The person can't be erased yet"
