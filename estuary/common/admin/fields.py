"""Form fields of the admin."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextInputWidget

from estuary.common.money import CURRENCIES


class CurrencyField(forms.CharField):
    """A currency that Stripe accepts, as three letters in any case."""

    widget = UnfoldAdminTextInputWidget

    def clean(self, value: Any) -> str:
        currency = str(super().clean(value)).lower()
        if not re.fullmatch("[a-z]{3}", currency):
            raise ValidationError("Write the currency as its three letters, such as USD.")
        if currency not in CURRENCIES:
            raise ValidationError(
                f"Stripe does not take {currency.upper()}, so nothing could be bought with it."
            )
        return currency
