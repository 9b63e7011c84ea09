"""Payments as staff see them: orders with all that belongs to them, refunds, cards, the inbox, an overview."""

from django.contrib import admin

from estuary.payments.admin import inbox, orders, records

__all__ = ["inbox", "orders", "records"]

admin.site.index_template = "payments/overview.html"
