"""The admin of the catalogue."""

from estuary.catalog.admin import practitioners, services

__all__ = ["practitioners", "services"]
