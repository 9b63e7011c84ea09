"""Values that staff type into services past the forms, and how services get their first values back."""

from collections.abc import Iterable

from estuary.catalog.models import Service

# As far as the forms go, and far beyond; on each field something that is taken and something that is not.
TYPED = {
    "validity_days": [3660, 9_000_000, 2_147_483_647],
    "free_cancel_hours": [0, 8784, 200_000_000],
    "bundle_bonus": [0, 20_000_000],
}


def undo(services: Iterable[Service]) -> None:
    """Put services back to what the world began with."""
    for service in services:
        typed = {field: getattr(service, field) for field in (*TYPED, "summary")}
        Service.objects.filter(pk=service.pk).exclude(**typed).update(**typed)
