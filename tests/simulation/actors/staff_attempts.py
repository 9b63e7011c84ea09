"""What staff try at both doors, and which permissions open each: written down apart from the product's own rule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.forms.models import model_to_dict
from django.urls import reverse

from estuary.accounts.models import User
from estuary.catalog.models import Service

VIEW_ORDERS, CHANGE_ORDERS = "orders.view_order", "orders.change_order"
REFUND = (VIEW_ORDERS, "payments.add_refund")
CANCEL_BOOKINGS = (VIEW_ORDERS, "bookings.change_booking")
GIVE_CREDITS = ("credits.view_creditaccount", "credits.add_credittransaction")
# A hit of an order names its buyer; who may view people finds their addresses, and no order.
SEARCH = ((VIEW_ORDERS, ".*"), ("accounts.view_user", ".+@.+"))
NOBODY = ("nobody",)  # a permission that there is not: the door opens to the owner alone


@dataclass(frozen=True)
class Target:
    """An order of somebody, its booking (0 if it has none), and a word that names what is written."""

    order_id: str
    order_pk: int
    booking_pk: int
    buyer: User
    service: Service
    slot: str
    word: str


@dataclass(frozen=True)
class Attempt:
    """One request and what it takes. ``shows`` is on the page; ``trail`` is in the audit trail afterwards.

    Without ``reveals`` no answer may name an order or a buyer. A search answers each with what they may view: ``finds``
    has a permission, and the pattern of the names that it opens.
    """

    title: str
    needs: tuple[str, ...]
    method: str
    path: str
    body: dict[str, Any] | None = None
    shows: str = ""
    trail: str = ""
    reveals: tuple[str, ...] = ()
    finds: tuple[tuple[str, str], ...] = ()
    counted: bool = False  # who asks too often is counted, whatever it is about

    @property
    def at_admin(self) -> bool:
        return self.path.startswith("/admin/")


def attempts_at(target: Target) -> list[Attempt]:
    """Return everything that can be tried about an order, its booking, its buyer and a service."""
    makers: Sequence[Callable[[Target], list[Attempt]]] = (
        _orders_by_api,
        _own_by_api,
        _orders_by_admin,
        _lists_by_admin,
        _changes_by_admin,
    )
    return [attempt for make in makers for attempt in make(target)]


def _orders_by_api(target: Target) -> list[Attempt]:
    order = f"/api/v1/orders/{target.order_id}/"
    refund = {"amount": "0.50", "reason": target.word}
    return [
        Attempt("read an order", (VIEW_ORDERS,), "get", order, shows=target.order_id),
        Attempt("read refunds", (VIEW_ORDERS,), "get", f"{order}refunds/"),
        Attempt("refund", REFUND, "post", f"{order}refunds/", refund, trail=target.word),
        Attempt("refund", REFUND, "post", f"{order}refunds/", refund, trail=target.word),
    ]


def _own_by_api(target: Target) -> list[Attempt]:
    """No permission opens these: staff are as any other account."""
    order, booking = f"/api/v1/orders/{target.order_id}/", f"/api/v1/bookings/{target.booking_pk}/"
    return [
        Attempt("cancel as its buyer", NOBODY, "post", f"{order}cancel/"),
        Attempt("sync as its buyer", NOBODY, "post", f"{order}sync/", counted=True),
        Attempt("cancel a booking as its buyer", NOBODY, "post", f"{booking}cancel/"),
        Attempt("move", NOBODY, "post", f"{booking}move/", {"start_datetime": target.slot}),
        Attempt("schedule", NOBODY, "post", f"{booking}schedule/", {"start_datetime": target.slot}),
    ]


def _orders_by_admin(target: Target) -> list[Attempt]:
    def at(name: str) -> str:
        return reverse(f"admin:orders_order_{name}", args=[target.order_pk])

    booking = reverse("admin:orders_order_cancel_booking", args=[target.order_pk, target.booking_pk or 1])
    return [
        Attempt("read its page", (VIEW_ORDERS,), "get", at("change"), shows=target.order_id),
        Attempt("open the form of a refund", REFUND, "get", at("refund"), shows=target.order_id),
        Attempt(
            "refund by a stale form",
            REFUND,
            "post",
            at("refund"),
            {"extent": "part", "amount": "1", "as_shown": "stale"},
        ),
        Attempt("cancel as staff", (CHANGE_ORDERS,), "post", at("cancel_unpaid"), trail="Cancel order"),
        Attempt("ask Stripe", (CHANGE_ORDERS,), "post", at("ask_stripe"), trail="Ask Stripe now"),
        *([Attempt("cancel a booking as staff", CANCEL_BOOKINGS, "post", booking)] * bool(target.booking_pk)),
    ]


def _lists_by_admin(target: Target) -> list[Attempt]:
    def of(model: str) -> str:
        return reverse(f"admin:{model}_changelist")

    search = reverse("admin:search")
    return [
        Attempt("open the overview", (), "get", reverse("admin:index"), reveals=(VIEW_ORDERS,)),
        Attempt("search for a buyer", (), "get", f"{search}?s={target.buyer.last_name}", finds=SEARCH),
        Attempt("search for an order", (), "get", f"{search}?s={target.order_id[4:]}", finds=SEARCH),
        Attempt("list orders", (VIEW_ORDERS,), "get", of("orders_order"), shows=target.order_id),
        Attempt("list bookings", ("bookings.view_booking",), "get", of("bookings_booking")),
        Attempt("list refunds", ("payments.view_refund",), "get", of("payments_refund")),
        Attempt("list cards", ("payments.view_paymentmethod",), "get", of("payments_paymentmethod")),
        Attempt("list people", ("accounts.view_user",), "get", of("accounts_user"), shows="@"),
        Attempt(
            "read the audit trail", ("accounts.view_auditlogentry",), "get", of("accounts_auditlogentry")
        ),
    ]


def _changes_by_admin(target: Target) -> list[Attempt]:
    service = reverse("admin:catalog_service_change", args=[target.service.pk])
    person = reverse("admin:accounts_user_change", args=[target.buyer.pk])
    address = f"{target.word}.{target.buyer.pk}@example.com"
    credits = {
        "email": target.buyer.email,
        "currency": "usd",
        "amount": "5.00",
        "note": target.word,
        "token": f"adj_{target.word:0>20}",
    }
    return [
        Attempt("read a service", ("catalog.view_service",), "get", service, shows=target.service.slug),
        Attempt(
            "change a service", ("catalog.change_service",), "post", service,
            _form_of(target.service) | {"summary": target.word}, trail=target.word,
        ),
        Attempt("read a person", ("accounts.view_user",), "get", person, shows="@"),
        Attempt(
            "change an address", ("accounts.change_user",), "post", person,
            {"email": address, "first_name": "Ada", "last_name": "Berg"}, trail=target.word,
        ),
        Attempt(
            "give credits", GIVE_CREDITS, "post", reverse("admin:credits_creditaccount_give"), credits,
            trail=target.word,
        ),
    ]  # fmt: skip


def _form_of(service: Service) -> dict[str, Any]:
    """Return what a browser sends when the form of a service is saved as it is."""
    fields = model_to_dict(service).items()
    return {name: "on" if value is True else value for name, value in fields if value not in (None, False)}
