"""Payments in the admin: orders with their details, refunds, disputes, cards, the inbox, and an overview."""

from django.contrib import admin

from estuary.payments.admin import disputes, inbox, orders, readonly
from estuary.payments.admin.dates import changes

__all__ = ["changes", "disputes", "inbox", "orders", "readonly"]

admin.site.index_template = "payments/overview.html"
