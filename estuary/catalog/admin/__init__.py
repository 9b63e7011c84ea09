"""The catalogue as staff edit it."""

from estuary.catalog.admin import practitioners, services

__all__ = ["practitioners", "services"]
