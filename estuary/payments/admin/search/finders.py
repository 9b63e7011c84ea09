"""What a search term finds: the keys of rows, by index, a few of each kind."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.contrib import messages
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from estuary.accounts.staff import search
from estuary.accounts.staff.search import IndexedSearchMixin
from estuary.bookings.models import Booking
from estuary.catalog.models import Service
from estuary.common.admin.pagination import key_before_newest
from estuary.common.admin.search_terms import read_search_term
from estuary.orders.models import Order
from estuary.payments.admin.search import ids
from estuary.payments.admin.search.ids import IdKind
from estuary.payments.customers.used_cards import cards_ending_in
from estuary.payments.models import PaymentMethod, WebhookEvent
from estuary.payments.models.events import OBJECT_ID, SUBJECT

# Rows of one kind that a search reads, and one more, which shows that there are more.
LIMIT = 20
LAST4 = 4
# Rows of whose ids any part is searched, without an index; and its least characters.
NEWEST_ORDERS, NEWEST_EVENTS, MIN_MIDDLE = 20_000, 20_000, 6
# Finders of orders by what apps above payments know of them, such as a receipt's number.
MORE_ORDER_FINDERS: list[Callable[[str], Iterable[int]]] = []
# People of one name whose orders are shown, and their orders that are read.
BUYERS, ORDERS_OF_BUYERS = 5, 200
MAX_KEY = 2**63 - 1


class PartSearchMixin(IndexedSearchMixin):
    """A list that also finds rows by a part of an id, or whatever else ``find_keys`` knows."""

    find_keys: Callable[[str], Iterable[int]]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = read_search_term(search_term)
        keys = set(type(self).find_keys(term)) if term else set()
        if not keys:
            return super().get_search_results(request, queryset, term)
        if len(keys) > LIMIT:
            warning = f"More than {LIMIT} rows fit, and not all are shown. Type more of the id."
            messages.warning(request, warning)
        return queryset.filter(pk__in=keys), False


def _keys(rows: QuerySet[Any] | None, key: str = "pk") -> list[int]:
    """Return the keys of a few rows, in no order: to sort them PostgreSQL would read all rows from the newest on."""
    return [] if rows is None else list(rows.order_by().values_list(key, flat=True)[: LIMIT + 1])


def by_ids(*kinds: IdKind, key: str = "pk") -> Callable[[str], Iterator[int]]:
    """Return a finder of the rows that have such an id, or a part of one; or of what ``key`` names."""

    def find(term: str) -> Iterator[int]:
        for kind in kinds:
            yield from _keys(kind.find(term), key)

    return find


def _is_last4(term: str) -> bool:
    return len(term) == LAST4 and term.isascii() and term.isdecimal()


def find_people(term: str) -> list[int]:
    """Return people by name or address, or by the id of their customer at Stripe."""
    named = search.find_people(term)[: search.MAX_PEOPLE]
    return [*by_ids(ids.CUSTOMERS, key="user_id")(term), *named]


def find_orders_by_id(term: str) -> list[int]:
    """Return orders by an id of the order, its payment, refunds or disputes, or by the last digits of the card.

    Other apps add a finder each, as documents do by the number of a receipt or a credit note.
    The middle of an id, and the beginning of a charge's, have no index: they are looked for only when nothing else is
    found, among the newest.
    """
    return list(_find_orders_by_index(term)) or _find_newest_orders(term)


def _find_newest_orders(term: str) -> list[int]:
    part = term.partition("_")[2] or term
    if len(part) < MIN_MIDDLE or not ids.is_part_of_id(part):
        return []
    newest = Order.objects.filter(pk__gt=key_before_newest(Order.objects.all(), NEWEST_ORDERS))
    inside = (
        Q(public_id__contains=term)
        | Q(stripe_payment_intent_id__contains=term)
        | Q(stripe_checkout_session_id__contains=term)
    )
    return _keys(newest.filter(inside)) or _keys(_paid_by(_intents_of(_newest_charges(term))))


def _newest_charges(term: str) -> QuerySet[WebhookEvent]:
    after = key_before_newest(WebhookEvent.objects.all(), NEWEST_EVENTS)
    newest: QuerySet[WebhookEvent] = ids.CHARGES.rows().filter(pk__gt=after)
    return newest.alias(charge=OBJECT_ID).filter(charge__contains=term)


def _intents_of(charges: QuerySet[WebhookEvent]) -> list[str]:
    """Return the PaymentIntents of a few charges, from the events that report them."""
    about = charges.annotate(about=SUBJECT).order_by().values_list("about", flat=True)
    return list(about[: LIMIT + 1])


def _paid_by(intent_ids: Iterable[str]) -> QuerySet[Order]:
    present = [intent_id for intent_id in intent_ids if intent_id]
    return Order.objects.filter(stripe_payment_intent_id__in=present, stripe_payment_intent_id__gt="")


def _find_orders_by_index(term: str) -> Iterator[int]:
    yield from by_ids(ids.ORDERS, ids.INTENTS, ids.CHECKOUT_SESSIONS)(term)
    yield from by_ids(ids.REFUNDS, ids.STRIPE_REFUNDS, ids.DISPUTES, ids.FRAUD_NOTICES, key="order_id")(term)
    for find in MORE_ORDER_FINDERS:
        yield from find(term)
    paid_by: list[str] = []
    if (charges := ids.CHARGES.find(term)) is not None:
        paid_by += _intents_of(charges)
    if _is_last4(term):
        paid_by += [card.intent_id for card in cards_ending_in(term, LIMIT + 1)]
    if paid_by:
        yield from _keys(_paid_by(paid_by))


def find_orders(term: str) -> Iterator[int]:
    """Return orders by id, or the newest orders of the people of that name."""
    yield from find_orders_by_id(term)
    if buyers := find_people(term)[:BUYERS]:
        of_buyers = Order.objects.filter(user_id__in=buyers).order_by()
        yield from of_buyers.values_list("pk", flat=True)[:ORDERS_OF_BUYERS]


def find_cards(term: str) -> Iterator[int]:
    """Return saved cards by id or by their last four digits."""
    yield from by_ids(ids.CARDS)(term)
    if _is_last4(term):
        saved = PaymentMethod.objects.filter(last4=term).order_by("-id")
        yield from saved.values_list("pk", flat=True)[: LIMIT + 1]


def find_events(term: str) -> Iterator[int]:
    """Return events by id; by a part of one, with or without its prefix, only among the newest."""
    exact = _keys(ids.EVENTS.find(term))
    yield from exact
    part_of_id = term.removeprefix("evt_")
    if not exact and (term.startswith("evt_") or ids.is_part_of_id(term)):
        newest = WebhookEvent.objects.filter(pk__gt=key_before_newest(WebhookEvent.objects.all()))
        part = Q(stripe_event_id__startswith=f"evt_{part_of_id}") | Q(stripe_event_id__endswith=part_of_id)
        yield from _keys(newest.filter(part))


def find_bookings(term: str) -> list[int]:
    is_number = term.isascii() and term.isdecimal() and int(term) <= MAX_KEY
    return _keys(Booking.objects.filter(pk=int(term))) if is_number else []


def find_services(term: str) -> list[int]:
    """Return the services of whose name each word of the term begins a word."""
    words = "".join(sign if sign.isalnum() else " " for sign in term).split()
    if not words:
        return []
    query = SearchQuery(" & ".join(f"'{word}':*" for word in words), search_type="raw", config="simple")
    named = Service.objects.alias(words=SearchVector("name", config="simple")).filter(words=query)
    return _keys(named)
