"""The admin of services: prices, sessions and contents."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.db import IntegrityError, models
from django.db.models import Exists, OuterRef, QuerySet
from django.forms import Form
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from estuary.catalog.admin.forms import COMPOSITE_TYPES, ItemForm, ItemFormSet, PriceForm, ServiceForm
from estuary.catalog.admin.sessions import OVERLAP, SessionForm, SessionFormSet
from estuary.catalog.bounds import DATES_MAX, ITEMS_MAX
from estuary.catalog.models import PackageItem, Service, ServicePrice, ServiceSession, ServiceType
from estuary.common import clock
from estuary.common.admin.base import NOTHING, StaffAdmin, StaffInline, column, external_link, label
from estuary.common.db.transactions import violated_constraint
from estuary.common.money import display as display_money

# Messages for constraints that fail after the form was valid, because somebody else was faster.
CONSTRAINT_MESSAGES = {
    "calendar_practitioner_never_overlaps": OVERLAP,
    "session_never_oversold": "More seats were sold meanwhile than the new capacity has. Nothing was changed.",
}


class PriceInline(StaffInline):
    model = ServicePrice
    verbose_name, verbose_name_plural = "price", "prices"
    form = PriceForm
    fields = ("currency", "amount")
    min_num = 1


def _change_link(session: ServiceSession) -> Any:
    """Return a link to the page that calls off or moves a date; that page is of a layer above this one."""
    if session.is_called_off:
        return label("called_off")
    if session.pk is None or session.starts_at <= clock.now():
        return NOTHING
    url = reverse("admin:payments_datechange_session", args=[session.pk])
    return external_link(url, "Call off or move", new_tab=False)


class SessionInline(StaffInline):
    model = ServiceSession
    form = SessionForm
    formset: Any = SessionFormSet
    max_num = DATES_MAX
    verbose_name, verbose_name_plural = "date", "dates"
    fields = ("starts_at", "ends_at", "capacity", "join_url", "seats_taken", "change")
    readonly_fields = ("seats_taken", "change")
    seats_taken = column("Seats taken", lambda session: str(session.taken))
    change = column("Call off or move", _change_link)


class ItemInline(StaffInline):
    model = PackageItem
    fk_name = "package"
    form = ItemForm
    formset: Any = ItemFormSet
    max_num = ITEMS_MAX
    verbose_name, verbose_name_plural = "service in the package", "services in the package"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "service":
            kwargs["queryset"] = Service.objects.exclude(type__in=COMPOSITE_TYPES).order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


INLINES: "dict[str, list[type[InlineModelAdmin[Any, Any]]]]" = {
    ServiceType.WORKSHOP: [PriceInline, SessionInline],
    ServiceType.COURSE: [PriceInline, SessionInline],
    ServiceType.PACKAGE: [PriceInline, ItemInline],
}


@admin.register(Service)
class ServiceAdmin(StaffAdmin):
    """Orders keep names and prices in their snapshot, so everything but the type may be edited."""

    form = ServiceForm
    list_display = ("name", "type_label", "practitioner", "price_list", "category", "active")
    list_filter = ("type", "active")
    list_select_related = ("practitioner",)
    search_fields = ("name", "slug", "practitioner__display_name")
    search_help_text = "Name, slug or practitioner"
    ordering = ("name",)
    prepopulated_fields = {
        "slug": ("name",)
    }  # only while it is empty, so that links to services do not break
    fieldsets = (
        (None, {"fields": ("name", "slug", "type", "practitioner", "active")}),
        ("Shown to buyers", {"fields": ("category", "summary", "description")}),
        ("Place", {"fields": (("location", "venue"), "join_url")}),
        ("Time", {"fields": (("duration_min", "slot_step_min"), "validity_days")}),
        (
            "Sale",
            {
                "fields": (
                    ("sale_starts_at", "sale_ends_at"),
                    ("free_cancel_hours", "max_moves"),
                    ("hold_s", "reminder_hours"),
                )
            },
        ),
        ("Bundle", {"fields": ("bundle_of", ("bundle_quantity", "bundle_bonus"))}),
    )
    type_label = column("Type", lambda service: label(service.type), ordering="type")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Service]:
        sold = Service.objects.filter(pk=OuterRef("pk"), orders__isnull=False)
        rows = super().get_queryset(request).annotate(was_sold=Exists(sold)).prefetch_related("prices")
        return cast(QuerySet[Service], rows)

    @display(description="Price")
    def price_list(self, service: Service) -> str:
        prices = (display_money(price.amount_minor, price.currency) for price in service.prices.all())
        return ", ".join(prices) or NOTHING

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Show the bundle's fields only where the service may be a bundle."""
        other = isinstance(obj, Service) and obj.type != ServiceType.BUNDLE
        return [fieldset for fieldset in self.fieldsets if not (other and fieldset[0] == "Bundle")]

    def get_inlines(
        self, request: HttpRequest, obj: models.Model | None
    ) -> list[type["InlineModelAdmin[Any, Any]"]]:
        """Show dates and contents once the type is saved."""
        return INLINES.get(obj.type, [PriceInline]) if isinstance(obj, Service) else [PriceInline]

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        return ("type", "practitioner") if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "bundle_of":
            kwargs["queryset"] = Service.objects.filter(type=ServiceType.SESSION).order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not getattr(obj, "was_sold", False)

    def save_model(self, request: HttpRequest, obj: models.Model, form: Form, change: bool) -> None:
        assert isinstance(obj, Service)
        if not change and obj.active and len(INLINES.get(obj.type, [])) > 1:
            obj.active = False
            contents = "the services in it" if obj.type == ServiceType.PACKAGE else "its dates"
            messages.info(
                request, f"{obj.name} is not on sale yet: add {contents} first, then make it active."
            )
        super().save_model(request, obj, form, change)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Save the form. Where somebody was faster, show it again as it was filled in, with what stands against it."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError as error:
            if violated_constraint(error) not in CONSTRAINT_MESSAGES:
                raise
            request._refusal = CONSTRAINT_MESSAGES[violated_constraint(error)]  # type: ignore[attr-defined]
        return super().changeform_view(request, *args, **kwargs)
