"""The admin's search: people, orders by any id or a part of one, cards by their last digits, services by a word."""

from estuary.payments.admin.search.palette import search

__all__ = ["search"]
