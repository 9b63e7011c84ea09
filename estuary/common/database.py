"""Small things about PostgreSQL that Django leaves to us."""

from django.db import IntegrityError


def violated(error: IntegrityError) -> str:
    """Return the name of the constraint that an IntegrityError broke, or an empty string."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None) or ""
