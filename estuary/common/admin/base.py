"""Base classes of the admin: read-only history, money as decimals, and confirmation pages with one button."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, ClassVar, cast
from urllib.parse import quote, urlencode

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin import ActionLocation
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import PAGE_VAR
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from estuary.common.admin.field_names import with_named_fields
from estuary.common.admin.fields import WholeNumberField, WholeNumberWidget
from estuary.common.admin.pagination import BoundedChangeList, BoundedPaginator, IndexedFilters
from estuary.common.admin.times import exact_time
from estuary.common.ids import parse_primary_key
from estuary.common.livemode import is_live
from estuary.common.money import display as display_money
from estuary.common.observability.redaction import redact

# Of the statuses on every page; other words are grey.
_STATUSES_BY_COLOUR = {
    "info": "pending processing requested held warning_under_review under_review appeal_under_review",
    "success": "completed confirmed succeeded done won",
    "warning": "paid partially_refunded warning_needs_response",
    "primary": "refunded",
    "danger": "needs_response appeal_needs_response lost failed dead",
}
COLOURS = {status: colour for colour, statuses in _STATUSES_BY_COLOUR.items() for status in statuses.split()}
NOTHING = "–"
MAX_VALUE_LENGTH = 80
MAX_PAGE_DIGITS = 10  # of the number of a page that there may be
WHOLE_NUMBERS: Any = {
    field: {"form_class": WholeNumberField, "widget": WholeNumberWidget}
    for field in (models.IntegerField, models.BigIntegerField)
}


# Not typed by staff: these change while a page is open, and saving it puts none of them back.
NEVER_TYPED = frozenset({"taken", "last_login"})
OUTDATED = (
    "This was changed since you opened the page, and nothing is saved yet. {change}Your entries are still here: open "
    "the page once more beside it to compare. To replace what stands there now, save again."
)


class StaffAdmin(ModelAdmin):
    """A list and a page of rows. Bulk deletion is off, because sales may refer to any row.

    A page that was opened before somebody else's change is not saved over it: its hidden field says what it showed.
    """

    show_full_result_count = False
    change_form_before_template: Any = "admin/as_shown.html"
    formfield_overrides = WHOLE_NUMBERS
    indexed_filters: ClassVar[IndexedFilters] = {}

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form_class = with_named_fields(super().get_form(request, obj, change=change, **kwargs))
        refusal = getattr(request, "_refusal", "")
        return _with_refusal(form_class, refusal) if refusal else form_class

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if object_id is None or not self.has_change_permission(request):
            return super().changeform_view(request, object_id, form_url, extra_context)
        with transaction.atomic():
            row = self._editable_row(request, object_id)
            if row is None:
                return super().changeform_view(request, object_id, form_url, extra_context)
            stamp = self._stamp(request, row)
            if request.POST.get("as_shown", stamp) != stamp:
                request._refusal = OUTDATED.format(change=_describe_last_change(row))  # type: ignore[attr-defined]
            return super().changeform_view(
                request, object_id, form_url, {**(extra_context or {}), "as_shown": stamp}
            )

    def _editable_row(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row of a page that may be saved, and lock it until it is; None for any other page."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_change_permission(request, row):
            return None
        if request.method == "POST":
            return self.model._base_manager.select_for_update(no_key=True).filter(pk=row.pk).first()
        return row

    def _stamp(self, request: HttpRequest, row: Model) -> str:
        """Return a digest of a row and of the rows in its inlines, as they stand now."""
        shown: list[Any] = [_values(row)]
        for inline in self.get_inline_instances(request, row):
            link = cast(Any, inline.get_formset(request, row)).fk.name
            shown += map(_values, inline.model._base_manager.filter(**{link: row}).order_by("pk"))
        return hashlib.sha256(repr(shown).encode()).hexdigest()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:
        return BoundedChangeList

    def get_paginator(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        per_page: int,
        orphans: int = 0,
        allow_empty_first_page: bool = True,
    ) -> BoundedPaginator:
        page_text = request.GET.get(PAGE_VAR, "")
        page = int(page_text) if page_text.isdecimal() and len(page_text) < MAX_PAGE_DIGITS else 1
        return BoundedPaginator(queryset, per_page, orphans, allow_empty_first_page, page=page)

    def construct_change_message(
        self, request: HttpRequest, form: forms.Form, formsets: Any, add: bool = False
    ) -> list[dict[str, Any]]:
        """Record the old and the new value of each field in the audit trail."""
        entries: list[dict[str, Any]] = super().construct_change_message(request, form, formsets, add)
        changed_forms = [] if add or not form.changed_data else [form]
        for formset in formsets or ():
            form_of = {id(changed_form.instance): changed_form for changed_form in formset.forms}
            changed_forms += [form_of[id(row)] for row, _ in formset.changed_objects]
        changes = [entry["changed"] for entry in entries if "changed" in entry]
        for change, changed_form in zip(changes, changed_forms, strict=True):
            change["fields"] = [_describe_change(changed_form, name) for name in changed_form.changed_data]
        return entries

    def get_actions(
        self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        actions = super().get_actions(request, action_location)
        return {name: action for name, action in actions.items() if name != "delete_selected"}

    def get_action_choices(
        self,
        request: HttpRequest,
        default_choices: list[tuple[str, str]] | None = None,
        action_location: ActionLocation = ActionLocation.CHANGE_LIST,
    ) -> Any:
        """Replace unfold's method, which lacks Django's ``action_location`` parameter."""
        choices = [("", "Select action")]
        return admin.ModelAdmin.get_action_choices(self, request, choices, action_location=action_location)


def _with_refusal(form_class: type[Any], refusal: str) -> type[Any]:
    """Return the form's class with an error of the whole form, so that it is shown as it was filled in."""

    class Refused(form_class):  # type: ignore[misc] # a class that only the admin knows
        def clean(self) -> Any:
            data = super().clean()
            self.add_error(None, refusal)
            return data

    Refused.__name__ = form_class.__name__
    return Refused


def _values(row: Model) -> list[Any]:
    fields = [field for field in row._meta.concrete_fields if field.name not in NEVER_TYPED]
    linked = [
        sorted(getattr(row, field.name).values_list("pk", flat=True)) for field in row._meta.many_to_many
    ]
    return [[str(field.value_from_object(row)) for field in fields], linked]


def _describe_last_change(row: Model) -> str:
    """Return who changed a row last and what, as the audit trail has it; empty where it has nothing."""
    entry = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk)
    ).first()
    return f"{entry.user} at {exact_time(entry.action_time)}: {entry.get_change_message()} " if entry else ""


def _describe_change(form: forms.Form, name: str) -> str:
    # A password or a link to join opens a door, and the audit trail is for many eyes and for ever.
    if "password" in name or "join_url" in name:
        return name
    title = form.fields[name].label or name.replace("_", " ")
    before, after = form.get_initial_for_field(form.fields[name], name), form.cleaned_data.get(name)
    return f"{title}: {_describe_value(before)} → {_describe_value(after)}"


def _describe_value(value: Any) -> str:
    if isinstance(value, list | tuple | set | QuerySet):
        text = ", ".join(sorted(str(item) for item in value))
    else:
        text = "" if value is None else str(value)
    return Truncator(redact(text)).chars(MAX_VALUE_LENGTH)


def column(title: str, show: Callable[[Any], Any], *, ordering: str | None = None) -> Callable[..., Any]:
    """Return a column that shows what ``show`` returns for a row."""

    @display(description=title, ordering=ordering)
    def shown(self: ModelAdmin, row: Any) -> Any:
        return show(row)

    return cast(Callable[..., Any], shown)


class StaffInline(TabularInline):
    """Rows that belong to the row of the page."""

    extra = 0
    show_title = False
    formfield_overrides = WHOLE_NUMBERS  # type: ignore[misc] # of unfold's bases

    def get_formset(self, request: HttpRequest, obj: Model | None = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form = with_named_fields(formset.form, in_table=True)
        return formset


class ReadOnlyMixin:
    """History rows, which nobody can change here."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


class ReadOnlyInline(ReadOnlyMixin, StaffInline):
    """History rows that belong to the row of the page."""


class ReadOnlyAdmin(ReadOnlyMixin, StaffAdmin):
    """A list and pages of history rows."""

    list_per_page = 50
    status_label = column("Status", lambda row: label(row.status), ordering="status")


def money(minor: int, currency: str) -> SafeString:
    """Return an amount that does not wrap between number and currency."""
    return format_html('<span style="white-space: nowrap">{}</span>', display_money(minor, currency))


def label(word: str, text: str = "") -> SafeString:
    context = {"text": text or word.replace("_", " "), "type": COLOURS.get(word, "default")}
    return mark_safe(render_to_string("unfold/helpers/label.html", context))  # noqa: S308 a template escaped it


def moment(at: datetime | None) -> SafeString | str:
    """Return a datetime in the time zone of the settings, which is named beside it.

    It is on one line, but where ``--moment-wrap: normal`` is set, as in a narrow card, on two: the day and the time.
    """
    if at is None:
        return NOTHING
    day, _, time = exact_time(at).partition(", ")
    whole, part = "white-space: var(--moment-wrap, nowrap)", "white-space: nowrap"
    html = '<span style="{}"><span style="{}">{},</span> <span style="{}">{}</span></span>'
    return format_html(html, whole, part, day, part, time)


def moment_column(field: str, title: str) -> Callable[..., Any]:
    """Return a column that shows a datetime without wrapping it."""
    return column(title, lambda row: moment(getattr(row, field)), ordering=field)


def money_column(field: str, title: str, *, currency: str = "currency") -> Callable[..., SafeString]:
    """Return a column that shows the minor units in ``field`` as a decimal with its currency."""
    currency_of = attrgetter(currency.replace("__", "."))
    return column(title, lambda row: money(getattr(row, field), currency_of(row)), ordering=field)


def link(row: Model | None, text: str = "") -> SafeString | str:
    """Return a link to a row's own page in the admin."""
    if row is None:
        return NOTHING
    return external_link(change_url(row), text or str(row), new_tab=False)


def external_link(url: str, text: str, *, new_tab: bool = True) -> SafeString:
    """Return a link; an external one opens in a new tab."""
    more = mark_safe(' target="_blank" rel="noopener"') if new_tab else ""
    classes = "text-primary-600 dark:text-primary-500"
    return format_html('<a class="{}" href="{}"{}>{}</a>', classes, url, more, text)


def stripe_link(kind: str, stripe_id: str) -> SafeString | str:
    """Return a Stripe id, linked to Stripe's dashboard. The sandbox has no dashboard: there it is plain text."""
    if not stripe_id:
        return NOTHING
    if settings.SANDBOX:
        return stripe_id
    mode = "" if is_live() else "test/"
    return external_link(f"https://dashboard.stripe.com/{mode}{kind}/{quote(stripe_id)}", stripe_id)


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """A page that describes an action and has one button for it; with ``asks_reason`` also a field for the reason."""

    title: str
    text: str
    button: str
    back: str
    facts: tuple[tuple[str, Any], ...] = ()
    danger: bool = False
    asks_reason: bool = False


def render_confirm_page(
    model_admin: ModelAdmin,
    request: HttpRequest,
    page: ConfirmPage,
    form: forms.Form,
    *,
    template: str = "staff/act.html",
    more: dict[str, Any] | None = None,
) -> TemplateResponse:
    """Render the page; the caller has handled a valid POST. ``more`` is for a template that extends the usual one."""
    context: dict[str, Any] = {
        **model_admin.admin_site.each_context(request),
        "title": page.title,
        "opts": model_admin.model._meta,
        "act": page,
        "form": form,
        "media": model_admin.media + form.media,
        **(more or {}),
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, template, context)


def row_or_404[M: Model](rows: QuerySet[M], object_id: str) -> M:
    """Return the row with this id; raises Http404 if there is none, or if the id is no number."""
    if parse_primary_key(object_id) is None:
        raise Http404
    return get_object_or_404(rows, pk=object_id)


def list_url(model: type[Model] | Model, **query: str) -> str:
    """Return the address of a model's list, with a search (``q``) or filters, encoded: an address may have a plus."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{urlencode(query)}" if query else url


def change_url(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
