"""Payments in the admin: orders with their details, refunds, disputes, cards, the inbox, and an overview."""

from django.contrib import admin

from estuary.payments.admin import disputes, inbox, orders, readonly
from estuary.payments.admin.dates import changes
from estuary.payments.admin.mails import messages

__all__ = ["changes", "disputes", "inbox", "messages", "orders", "readonly"]

admin.site.index_template = "payments/overview.html"
