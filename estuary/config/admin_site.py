"""The admin's title, colours and sidebar. The sidebar lists only what the person may view."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _list(title: str, icon: str, model: str) -> dict[str, Any]:
    """Return a sidebar entry: the list of a model such as ``orders.order``."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": lambda request: request.user.has_perm(f"{app}.view_{name}"),
    }


def _page(title: str, icon: str, name: str, *permissions: str) -> dict[str, Any]:
    """Return a sidebar entry: a page of its own, for those with one of ``permissions``."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(name),
        "permission": lambda request: any(request.user.has_perm(permission) for permission in permissions),
    }


def _section(title: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": True, "items": list(items)}


def notice(request: HttpRequest) -> list[str] | None:
    """Return the text and colour of the notice on top of each admin page."""
    if settings.MAIL_SERVER_NAMED:
        return None
    return ["No mail server: mails wait (EMAIL_URL)", "warning"]


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Estuary",
    "SITE_HEADER": "Estuary",
    "SITE_SUBHEADER": "Payments and bookings",
    "SITE_SYMBOL": "water",
    "DASHBOARD_CALLBACK": "estuary.payments.admin.dashboard.figures",
    "ENVIRONMENT": "estuary.config.admin_site.notice",
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda _: static("staff/forms.css")],
    "SCRIPTS": [lambda _: static("staff/labels.js")],
    "COMMAND": {"search_callback": "estuary.payments.admin.search.search"},
    "COLORS": {
        "primary": {
            "50": "oklch(98.4% .014 180.72)",
            "100": "oklch(95.3% .051 180.801)",
            "200": "oklch(91% .096 180.426)",
            "300": "oklch(85.5% .138 181.071)",
            "400": "oklch(77.7% .152 181.912)",
            "500": "oklch(60% .118 184.704)",
            "600": "oklch(51.1% .096 186.391)",
            "700": "oklch(43.7% .078 188.216)",
            "800": "oklch(38.6% .063 188.416)",
            "900": "oklch(32% .055 188.5)",
            "950": "oklch(27.7% .046 192.524)",
        }
    },
    "SIDEBAR": {
        "show_search": True,
        "navigation": [
            {"items": [{"title": "Overview", "icon": "dashboard", "link": reverse_lazy("admin:index")}]},
            _section(
                "Orders",
                _list("Orders", "shopping_bag", "orders.order"),
                _list("Receipts", "receipt_long", "documents.receipt"),
                _list("Credit notes", "receipt", "documents.creditnote"),
            ),
            _section(
                "Bookings",
                _list("Bookings", "event_available", "bookings.booking"),
                _page("Attendees", "groups", "admin-attendees", "bookings.view_booking"),
                _list("Changed dates", "event_busy", "payments.datechange"),
                _list("Messages to guests", "forum", "payments.guestmessage"),
                _list("Calendar feeds", "rss_feed", "bookings.rosterfeed"),
            ),
            _section(
                "Credits",
                _list("Accounts", "account_balance_wallet", "credits.creditaccount"),
                _list("Ledger", "list_alt", "credits.credittransaction"),
            ),
            _section(
                "Catalogue",
                _list("Services", "spa", "catalog.service"),
                _list("Practitioners", "self_improvement", "accounts.practitioner"),
                _list("Venues", "location_on", "catalog.venue"),
            ),
            _section(
                "Payments",
                _list("Refunds", "undo", "payments.refund"),
                _list("Disputes", "gavel", "payments.dispute"),
                _list("Fraud warnings", "gpp_maybe", "payments.fraudnotice"),
                _list("Saved cards", "credit_card", "payments.paymentmethod"),
                _list("Customers", "contacts", "payments.stripecustomer"),
                _list("Inbox", "inbox", "payments.webhookevent"),
                _page("Mails", "mail", "admin-mails", "orders.view_order"),
                _page("Checkup", "monitor_heart", "admin-checkup", "payments.view_webhookevent"),
                _page(
                    "Exports",
                    "download",
                    "admin-exports",
                    "orders.view_order",
                    "payments.view_refund",
                    "credits.view_credittransaction",
                    "bookings.view_booking",
                ),
            ),
            _section(
                "People",
                _list("People", "group", "accounts.user"),
                _list("Groups", "shield_person", "auth.group"),
                _list("Audit trail", "history", "accounts.auditlogentry"),
            ),
        ],
    },
}
