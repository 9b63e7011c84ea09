"""Payments in the admin: orders with their details, refunds, disputes, cards, the inbox, and an overview."""

from django.contrib import admin

from estuary.payments.admin import disputes, inbox, orders, readonly

__all__ = ["disputes", "inbox", "orders", "readonly"]

admin.site.index_template = "payments/overview.html"
