"""The page of a buyer: orders, bookings, credits, cards, mails and acts of staff, one query each, the newest first.

To show something else, append a ``Part`` to PARTS; apps above payments do so too.
"""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.html import format_html

from estuary.accounts.models import User
from estuary.accounts.staff.audit import entries_about
from estuary.bookings.models import Booking
from estuary.common.admin.base import NOTHING, label, link, list_url, moment, money
from estuary.credits.models import CreditAccount, CreditTransaction
from estuary.orders.models import Order
from estuary.payments.admin.order_detail import Section
from estuary.payments.admin.people.history import CONSENTS, DATE_CHANGES, MAILS, MOVES
from estuary.payments.admin.people.part import SHOWN, Part
from estuary.payments.customers.used_cards import used_cards
from estuary.payments.models import PaymentMethod, StripeCustomer

# Either lets staff open the page; each part needs its own permission besides.
OPENS = ("accounts.view_user", "orders.view_order")


def buyer_page(request: HttpRequest, pk: int) -> TemplateResponse:
    """Show a buyer to staff who may view people or orders."""
    if not any(request.user.has_perm(permission) for permission in OPENS):
        raise PermissionDenied
    user = get_object_or_404(User, pk=pk)
    context = {
        **admin.site.each_context(request),
        "title": user.get_full_name() or user.email,
        "cards": [("Person", _facts(user, request))],
        "sections": [_section(part, user) for part in PARTS if request.user.has_perm(part.permission)],
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "payments/buyer.html", context)


def _facts(user: User, request: HttpRequest) -> list[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = [
        ("Name", user.get_full_name() or NOTHING),
        ("E-mail", user.email),
        ("Address confirmed", moment(user.email_verified_at) if user.email_verified_at else "not yet"),
        ("Joined", moment(user.date_joined)),
        ("Last sign-in", moment(user.last_login)),
        ("Account", label("succeeded", "active") if user.is_active else label("failed", "closed")),
    ]
    if request.user.has_perm("payments.view_stripecustomer"):
        customer = StripeCustomer.objects.filter(user=user).first()
        facts.append(("Customer at Stripe", link(customer)))
    if request.user.has_perm("accounts.view_user"):
        facts.append(("Account page", link(user, "Open")))
    return facts


def _section(part: Part, user: User) -> Section:
    rows = part.rows(user)
    title = f"{part.title}, the newest {SHOWN}" if len(rows) > SHOWN else part.title
    return Section(title, part.headers, rows[:SHOWN], part.empty, _list_url(part, user))


def _list_url(part: Part, user: User) -> str:
    return list_url(apps.get_model(part.all_at.replace("_", ".")), q=user.email) if part.all_at else ""


def _orders(user: User) -> list[Sequence[Any]]:
    orders = list(Order.objects.filter(user=user).order_by("-id")[: SHOWN + 1])
    cards = {
        card.intent_id: card for card in used_cards([order.stripe_payment_intent_id for order in orders])
    }
    return [
        (
            link(order),
            order.title,
            money(order.total_minor, order.currency),
            money(order.refunded_minor, order.currency) if order.refunded_minor else NOTHING,
            cards[order.stripe_payment_intent_id].brand_and_last4
            if order.stripe_payment_intent_id in cards
            else NOTHING,
            label("failed", "disputed") if order.disputed else label(order.status),
            moment(order.created_at),
        )
        for order in orders
    ]


def _bookings(user: User) -> list[Sequence[Any]]:
    bookings = Booking.objects.filter(user=user).select_related("order", "practitioner").order_by("-id")
    return [
        (
            link(booking, booking.service_name),
            booking.practitioner.display_name,
            moment(booking.starts_at) if booking.starts_at else "to be scheduled",
            label(booking.status),
            link(booking.order),
        )
        for booking in bookings[: SHOWN + 1]
    ]


def _credits(user: User) -> list[Sequence[Any]]:
    accounts = CreditAccount.objects.filter(user=user).order_by("currency")
    return [
        (
            link(account, account.currency.upper()),
            money(account.balance_minor, account.currency),
            money(account.frozen_minor, account.currency),
        )
        for account in accounts
    ]


def _movements(user: User) -> list[Sequence[Any]]:
    # By the keys of the accounts, which are few: each has an index of its movements.
    accounts = CreditAccount.objects.filter(user=user)
    movements = CreditTransaction.objects.filter(account__in=list(accounts.values_list("pk", flat=True)))
    rows = movements.select_related("account", "order").order_by("-id")[: SHOWN + 1]
    return [
        (
            moment(row.created_at),
            label(row.kind),
            money(row.amount_minor, row.account.currency),
            money(row.balance_after_minor, row.account.currency),
            link(row.order),
            row.note or NOTHING,
        )
        for row in rows
    ]


def _cards(user: User) -> list[Sequence[Any]]:
    return [
        (
            link(card),
            f"{card.exp_month:02}/{card.exp_year}",
            "yes" if card.is_default else "no",
            format_html("removed {}", moment(card.detached_at)) if card.detached_at else "saved",
            card.stripe_payment_method_id,
        )
        for card in PaymentMethod.objects.filter(user=user).order_by("-is_default", "-id")[: SHOWN + 1]
    ]


def _acts(user: User) -> list[Sequence[Any]]:
    return [
        (moment(act.action_time), str(act.user), act.get_change_message() or NOTHING)
        for act in entries_about(user).reverse()[: SHOWN + 1]
    ]


PARTS: list[Part] = [
    Part(
        "Orders", "orders.view_order",
        ("Order", "What", "Total", "Refunded", "Paid with", "Status", "Placed"),
        _orders, "Nothing was ordered.", "orders_order",
    ),
    Part(
        "Bookings", "bookings.view_booking", ("Booking", "Practitioner", "Starts", "Status", "Order"),
        _bookings, "Nothing is booked.", "bookings_booking",
    ),
    MOVES,
    DATE_CHANGES,
    Part(
        "Credits", "credits.view_creditaccount", ("Account", "Balance", "Frozen by disputes"),
        _credits, "No credits.",
    ),
    Part(
        "Movements of credits", "credits.view_credittransaction",
        ("When", "Kind", "Amount", "Balance after", "Order", "Note"),
        _movements, "No credits have moved.", "credits_credittransaction",
    ),
    Part(
        "Cards", "payments.view_paymentmethod", ("Card", "Expires", "Default", "Kept", "Id"),
        _cards, "No card was saved.", "payments_paymentmethod",
    ),
    CONSENTS,
    MAILS,
    Part(
        "What staff did to the account", "accounts.view_auditlogentry", ("When", "Who", "What"),
        _acts, "Staff have changed nothing of this account.",
    ),
]  # fmt: skip
