"""Forms of the catalogue's admin: they explain errors before a database constraint rejects the row."""

from datetime import time
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from unfold.widgets import UnfoldAdminSingleTimeWidget

from estuary.catalog.bounds import BUNDLE_MAX, FREE_CANCEL_MAX_HOURS, MOVES_MAX, VALIDITY_MAX_DAYS
from estuary.catalog.hours.windows import Window
from estuary.catalog.models import (
    MIDNIGHT,
    Availability,
    AvailabilityException,
    PackageItem,
    Service,
    ServicePrice,
    ServiceType,
)
from estuary.common.admin.fields import AmountField, CurrencyField, read_minor
from estuary.common.errors import InvalidAmount
from estuary.common.money import min_charge_minor, to_decimal

COMPOSITE_TYPES = frozenset({ServiceType.PACKAGE, ServiceType.BUNDLE})


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A service; its contents and sessions are inlines."""

    class Meta:
        model = Service
        exclude: tuple[str, ...] = ()
        labels = {
            "duration_min": "Duration (minutes)",
            "slot_step_min": "A slot every (minutes)",
            "join_url": "Link to join",
            "validity_days": "Valid for (days)",
            "sale_starts_at": "Sale starts (UTC)",
            "sale_ends_at": "Sale ends (UTC)",
            "free_cancel_hours": "Free to cancel (hours before)",
            "max_moves": "Moves per booking",
            "reminder_hours": "Remind (hours before)",
            "hold_s": "Hold for (seconds)",
            "bundle_quantity": "How many are paid for",
            "bundle_bonus": "How many more are given",
        }
        help_texts = {
            "free_cancel_hours": f"A buyer who cancels earlier is refunded. At most {FREE_CANCEL_MAX_HOURS} (a year).",
            "max_moves": f"How often a buyer may move a booking, while cancelling is free. At most {MOVES_MAX}.",
            "validity_days": f"Packages and bundles. At most {VALIDITY_MAX_DAYS} (ten years).",
            "bundle_quantity": f"At most {BUNDLE_MAX}.",
            "bundle_bonus": f"On top, at no price. At most {BUNDLE_MAX}.",
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        is_bundle = (data.get("type") or self.instance.type) == ServiceType.BUNDLE
        if is_bundle and "bundle_of" in data:
            self._check_bundle(data)
        elif not is_bundle and any(
            data.get(name) for name in ("bundle_of", "bundle_quantity", "bundle_bonus")
        ):
            self.add_error(
                "bundle_of", "Only a bundle holds several of one service: empty these three fields."
            )
        self._check_place(data)
        begins, ends = data.get("sale_starts_at"), data.get("sale_ends_at")
        if begins and ends and ends <= begins:
            self.add_error("sale_ends_at", "The sale must end after it begins.")
        return data

    def _check_place(self, data: dict[str, Any]) -> None:
        """A set has no place of its own; a venue is the practitioner's or everybody's."""
        venue, practitioner = data.get("venue"), data.get("practitioner")
        owner_id = practitioner.pk if practitioner else self.instance.practitioner_id
        if (data.get("type") or self.instance.type) in COMPOSITE_TYPES:
            for name in ("venue", "join_url"):
                if data.get(name):
                    self.add_error(name, "The services inside have their own: leave this empty.")
        elif venue:
            if venue.practitioner_id not in {None, owner_id}:
                self.add_error("venue", f"This place belongs to {venue.practitioner}: choose another.")
            if data.get("location") in {"", "Online"}:
                data["location"] = venue.name

    def _check_bundle(self, data: dict[str, Any]) -> None:
        inside = data["bundle_of"]
        if inside is None or inside.type != ServiceType.SESSION:
            self.add_error(
                "bundle_of", "A bundle holds several of one 1-on-1 session: choose a session service."
            )
        if not data.get("bundle_quantity"):
            self.add_error("bundle_quantity", "Say how many sessions the buyer pays for: at least 1.")


class PriceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A price as people write it, such as 49.90."""

    currency = CurrencyField(label="Currency", max_length=3)
    amount = AmountField(label="Price")

    class Meta:
        model = ServicePrice
        fields = ("currency",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["currency"] = self.instance.currency.upper()
            self.initial["amount"] = Decimal(to_decimal(self.instance.amount_minor, self.instance.currency))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "amount" in data and "currency" in data:
            self._take_amount(data["amount"], data["currency"])
        return data

    def _take_amount(self, amount: Decimal, currency: str) -> None:
        try:
            self.instance.amount_minor = read_minor(amount, currency)
        except InvalidAmount as error:
            self.add_error("amount", error.detail)
            return
        min_minor = min_charge_minor(currency)
        if self.instance.amount_minor < min_minor:
            smallest = f"{to_decimal(min_minor, currency)} {currency.upper()}"
            self.add_error("amount", f"A card can't be charged less than {smallest}.")


class ItemForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = PackageItem
        fields = ("service", "position")

    def clean_service(self) -> Service:
        service: Service = self.cleaned_data["service"]
        if service.type in COMPOSITE_TYPES:
            raise ValidationError("A package holds no packages and no bundles.")
        return service


class ItemFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        remaining = [form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        if self.instance.type == ServiceType.PACKAGE and self.instance.active and not remaining:
            raise ValidationError(
                "A package that is on sale needs something in it: add a service, or make it inactive."
            )


class EndWidget(UnfoldAdminSingleTimeWidget):
    """Shows midnight as 24:00."""

    def format_value(self, value: Any) -> str | None:
        return "24:00" if value == MIDNIGHT else super().format_value(value)


class EndField(forms.TimeField):
    """When a window ends: 24:00, or 00:00, is midnight, the end of the day."""

    widget = EndWidget

    def to_python(self, value: Any) -> time | None:
        if isinstance(value, str) and value.strip() in {"24:00", "24:00:00"}:
            return MIDNIGHT
        moment: time | None = super().to_python(value)
        return moment


class WindowForm(forms.ModelForm):  # type: ignore[type-arg]
    ends = EndField(help_text="24:00 is midnight, the end of the day.")

    class Meta:
        model = Availability
        fields: tuple[str, ...] = ("weekday", "starts", "ends")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        window = _window(data)
        if window and not window.is_forward:
            self.add_error(
                "ends",
                "The window must end after it begins. Write one that passes midnight as two: "
                "until 24:00, and from 00:00 of the next day.",
            )
        return data


class ExceptionForm(WindowForm):
    """A window of one date; without times, the date is closed."""

    ends = EndField(required=False, help_text="24:00 is midnight, the end of the day.")

    class Meta:
        model = AvailabilityException
        fields = ("day", "starts", "ends")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not self.errors and (data.get("starts") is None) != (data.get("ends") is None):
            self.add_error("ends", "Write both times, or none: without times the day is closed.")
        return data


class WindowFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """The hours of a practitioner: the windows of a day must not overlap."""

    day_field = "weekday"

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        earlier_windows: list[tuple[Any, Window | None]] = []
        for form in self.forms:
            data = form.cleaned_data
            if not data or data.get("DELETE"):
                continue
            day, window = data[self.day_field], _window(data)
            same_day = [other for other_day, other in earlier_windows if other_day == day]
            if any(window is None or other is None for other in same_day):
                form.add_error(self.day_field, "A closed day has no other row: delete one of them.")
            elif any(window and other and window.overlaps(other) for other in same_day):
                form.add_error("starts", "This overlaps another window of the same day.")
            earlier_windows.append((day, window))


class ExceptionFormSet(WindowFormSet):
    """The dates of a practitioner with other hours."""

    day_field = "day"


def _window(data: dict[str, Any]) -> Window | None:
    starts, ends = data.get("starts"), data.get("ends")
    return None if starts is None or ends is None else Window(starts, ends)
