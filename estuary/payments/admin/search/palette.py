"""The command palette (Ctrl+K) and the search field of the sidebar: a few hits of each kind, each with its page.

- Nobody finds what they may not view: each kind needs the permission to view its rows.
- Each query uses an index and reads a few rows. A time limit ends what takes too long all the same.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

from estuary.accounts.models import User
from estuary.bookings.models import Booking
from estuary.catalog.models import Service
from estuary.common.admin.base import change_url, list_url
from estuary.common.admin.search_terms import read_search_term
from estuary.common.money import display
from estuary.common.postgresql.timeouts import is_timeout
from estuary.orders.models import Order
from estuary.payments.admin.search import finders, ids
from estuary.payments.models import Dispute, FraudNotice, PaymentMethod, Refund, StripeCustomer, WebhookEvent

# Hits of each kind. The list of the kind has the others.
SHOWN = 6
TIME_LIMIT_MS = 2_000
# Where the planner does not know yet how many rows fit, it would read a table whole, in hope of a first hit.
LIMITS = f"SET LOCAL statement_timeout = {TIME_LIMIT_MS}; SET LOCAL enable_seqscan = off"


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows that a search finds, for those with ``permission``; ``describe`` returns a hit's second half."""

    model: type[Any]
    permission: str
    icon: str
    find: Callable[[str], Iterable[int]]
    title: Callable[[Any], str]
    describe: Callable[[Any], str]
    related: tuple[str, ...] = ()
    url: Callable[[Any], str] = change_url


def search(request: HttpRequest, term: str) -> list[SearchResult]:
    """Return the hits of each kind that this member of staff may view."""
    term = read_search_term(term)
    kinds = [kind for kind in KINDS if request.user.has_perm(kind.permission)]
    hits: list[SearchResult] = []
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(LIMITS)
            for kind in kinds:
                hits.extend(_hits(kind, term))
    except OperationalError as error:
        if not is_timeout(error):
            raise
        hits.append(
            SearchResult(
                title="This search took too long",
                description="Type more of the name, or the whole id. Other hits are missing.",
                link=reverse("admin:index"),
                icon="timer",
            )
        )
    return hits


def _hits(kind: Kind, term: str) -> Iterator[SearchResult]:
    keys = sorted(set(kind.find(term)), reverse=True)
    if not keys:
        return
    manager = kind.model._default_manager
    rows = (manager.select_related(*kind.related) if kind.related else manager).in_bulk(keys[:SHOWN])
    for key in keys[:SHOWN]:
        if row := rows.get(key):
            yield SearchResult(
                title=kind.title(row), description=kind.describe(row), link=kind.url(row), icon=kind.icon
            )
    if len(keys) > SHOWN:
        title = f"More {kind.model._meta.verbose_name_plural}"
        url = list_url(kind.model, q=term)
        yield SearchResult(title=title, description="in their list", link=url, icon="list")


def _buyer_url(user: User) -> str:
    return reverse("admin-buyer", args=[user.pk])


def _amount(row: Any) -> str:
    return display(row.amount_minor, row.currency)


KINDS: list[Kind] = [
    Kind(
        User, "accounts.view_user", "person", finders.find_people,
        str, lambda user: f"person · {user.email}", url=_buyer_url,
    ),
    Kind(
        Order, "orders.view_order", "receipt_long", finders.find_orders, str,
        lambda order: (
            f"{order.title} · {display(order.total_minor, order.currency)} · "
            f"{order.get_status_display().lower()} · {order.user.email}"
        ),
        ("user",),
    ),
    Kind(
        Refund, "payments.view_refund", "undo", finders.by_ids(ids.REFUNDS, ids.STRIPE_REFUNDS), str,
        lambda refund: f"refund of {_amount(refund)} · {refund.status} · {refund.order}",
        ("order",),
    ),
    Kind(
        Dispute, "payments.view_dispute", "gavel", finders.by_ids(ids.DISPUTES), str,
        lambda dispute: f"dispute of {_amount(dispute)} · {dispute.get_status_display()} · {dispute.order}",
        ("order",),
    ),
    Kind(
        FraudNotice, "payments.view_fraudnotice", "gpp_maybe", finders.by_ids(ids.FRAUD_NOTICES), str,
        lambda notice: f"{notice.get_kind_display()} · {notice.order}",
        ("order",),
    ),
    Kind(
        PaymentMethod, "payments.view_paymentmethod", "credit_card", finders.find_cards, str,
        lambda card: f"saved card of {card.user.email} · {card.stripe_payment_method_id}",
        ("user",),
    ),
    Kind(
        StripeCustomer, "payments.view_stripecustomer", "contacts", finders.by_ids(ids.CUSTOMERS), str,
        lambda customer: f"customer at Stripe · {customer.user.email}",
        ("user",),
    ),
    Kind(
        WebhookEvent, "payments.view_webhookevent", "inbox", finders.find_events,
        lambda event: event.stripe_event_id, lambda event: f"event · {event.type} · {event.status}",
    ),
    Kind(
        Booking, "bookings.view_booking", "event_available", finders.find_bookings,
        lambda booking: f"Booking {booking.pk}",
        lambda booking: f"{booking.service_name} · {booking.get_status_display().lower()} · {booking.user.email}",
        ("user",),
    ),
    Kind(
        Service, "catalog.view_service", "spa", finders.find_services, str,
        lambda service: f"{service.type} · {service.practitioner}",
        ("practitioner",),
    ),
]  # fmt: skip
