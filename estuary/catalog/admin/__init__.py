"""The admin of the catalogue."""

from estuary.catalog.admin import practitioners, services, venues

__all__ = ["practitioners", "services", "venues"]
