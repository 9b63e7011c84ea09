"""Slips in what staff may see and do by their permissions, at the API, at the admin, and in the one rule of both."""

from typing import Any

from django.contrib import admin

from estuary.accounts import rights
from estuary.accounts.models import User
from estuary.catalog.models import Service
from estuary.common.admin.base import ReadOnlyAdmin
from estuary.credits.models import CreditAccount
from estuary.orders.models import Order
from estuary.payments.admin import dashboard
from estuary.payments.admin.search import palette
from estuary.payments.order_api import views as order_views
from tests.simulation.mutants.patching import breaks, instead_of, rebind

CLOSED = "without the permission nothing is shown and nothing changes"
OPEN = "a permission opens what it names"


def _is_staff(user: Any, *_: Any) -> bool:
    return bool(user.is_active and user.is_staff)


def _anybody(*_: Any, **__: Any) -> bool:
    return True


@breaks("S11", CLOSED, scenarios="permissions")
def the_rule_asks_only_who_is_of_staff() -> None:
    instead_of(rights.may, _is_staff)


@breaks("S11", CLOSED, scenarios="permissions")
def one_of_several_permissions_is_enough() -> None:
    def may(user: Any, right: rights.Right) -> bool:
        return _is_staff(user) and any(user.has_perm(permission) for permission in right.value)

    instead_of(rights.may, may)


@breaks("S11", CLOSED, scenarios="permissions")
def permissions_outlive_a_place_in_staff() -> None:
    instead_of(rights.may, lambda user, right: user.is_active and user.has_perms(right.value))


@breaks("S11", OPEN, scenarios="permissions")
def permissions_open_nothing() -> None:
    instead_of(rights.may, lambda user, right: bool(user.is_superuser))


@breaks("S11", CLOSED, scenarios="permissions")
def the_api_refunds_for_whoever_is_of_staff() -> None:
    view: Any = order_views.MayRefund
    rebind(view, "has_permission", lambda _, request, __: _is_staff(request.user))


@breaks("S11", CLOSED, scenarios="permissions")
def the_api_shows_orders_to_whoever_is_of_staff() -> None:
    instead_of(
        order_views._visible_orders,
        lambda user: Order.objects.all() if _is_staff(user) else Order.objects.filter(user=user),
    )


@breaks("S11", CLOSED, scenarios="permissions")
def the_admin_refunds_for_whoever_is_of_staff() -> None:
    """The API asks for the permission, and the form of the admin does not."""
    rebind(_page(Order), "has_refund_permission", _anybody)


@breaks("S11", CLOSED, scenarios="permissions")
def the_admin_acts_for_whoever_views_orders() -> None:
    page = _page(Order)
    rebind(page, "has_act_permission", _views_orders)
    rebind(page, "has_cancel_booking_permission", _views_orders)


@breaks("S11", CLOSED, scenarios="permissions")
def every_list_of_the_admin_is_open_to_staff() -> None:
    pages: Any = ReadOnlyAdmin
    rebind(pages, "has_view_permission", _anybody)


@breaks("S11", CLOSED, scenarios="permissions")
def the_overview_shows_everything_to_everybody() -> None:
    figures = dashboard.figures
    rebind(dashboard, "figures", lambda request, context: figures(_RequestOfChief(), context))  # type: ignore[arg-type]


@breaks("S11", CLOSED, scenarios="permissions")
def the_search_finds_everything_for_everybody() -> None:
    search = palette.search
    instead_of(search, lambda request, term: search(_RequestOfChief(), term))  # type: ignore[arg-type]


@breaks("S11", CLOSED, scenarios="permissions")
def whoever_looks_at_services_and_people_changes_them() -> None:
    for model in (Service, User):
        page = _page(model)
        page.has_change_permission = lambda request, obj=None, page=page: page.has_view_permission(request)


@breaks("S11", CLOSED, scenarios="permissions")
def credits_are_given_by_whoever_sees_the_accounts() -> None:
    rebind(_page(CreditAccount), "has_adjust_permission", _anybody)


class _RequestOfChief:
    class user:  # noqa: N801 an attribute of a request
        has_perm = staticmethod(_anybody)


def _page(model: Any) -> Any:
    return admin.site.get_model_admin(model)


def _views_orders(request: Any, *_: Any, **__: Any) -> bool:
    return bool(request.user.has_perm("orders.view_order"))
