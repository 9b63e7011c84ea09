"""Payments as staff see them: orders with all that belongs to them, refunds, disputes, cards, inbox, an overview."""

from django.contrib import admin

from estuary.payments.admin import disputes, inbox, orders, readonly

__all__ = ["disputes", "inbox", "orders", "readonly"]

admin.site.index_template = "payments/overview.html"
