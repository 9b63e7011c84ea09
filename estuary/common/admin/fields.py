"""Form fields of the admin."""

import re
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextInputWidget

from estuary.common.errors import InvalidAmount
from estuary.common.money import CURRENCIES, exponent, to_minor

MINUS_SIGNS = ("-", "−")
THOUSAND_DIGITS = 3


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


class AmountWidget(UnfoldAdminTextInputWidget):
    """A field of text: a field for numbers would drop the comma of 30,5 in silence, and send 305.

    A phone offers its keys for decimals, which have no minus sign, unless the amount ``is_signed``.
    """

    def __init__(self, *, is_signed: bool = False) -> None:
        super().__init__(attrs={} if is_signed else {"inputmode": "decimal"})


class AmountField(forms.DecimalField):
    """An amount as people write it, with a point or a comma: 30.5 and 30,5; or as the page does: 1,575.00.

    ``read_minor`` turns it into minor units when the currency is known too.
    """

    default_error_messages: ClassVar = {"invalid": "Write an amount such as 30.00 or 30,00."}

    def __init__(self, *, is_signed: bool = False, **options: Any) -> None:
        super().__init__(widget=AmountWidget(is_signed=is_signed), **options)

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override] # django-stubs take it for an int
        text = str(value or "").strip()
        sign = "-" if text.startswith(MINUS_SIGNS) else ""
        number = text[len(sign) :]
        if _has_thousands_marks(number):
            return super().to_python(sign + number.replace(",", ""))
        # 1,000 is a thousand to some and one to others, so it is not guessed.
        whole, comma, cents = number.partition(",")
        if comma and not (whole.isdecimal() and cents.isdecimal() and len(cents) < THOUSAND_DIGITS):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(sign + number.replace(",", "."))


def _has_thousands_marks(text: str) -> bool:
    """Return whether an amount is written as the pages of the admin write it: ``1,575.00``."""
    whole, point, cents = text.rpartition(".")
    first, *groups = whole.split(",")
    return bool(
        point
        and cents.isdecimal()
        and groups
        and first.isdecimal()
        and len(first) <= THOUSAND_DIGITS
        and all(group.isdecimal() and len(group) == THOUSAND_DIGITS for group in groups)
    )


def read_minor(amount: Decimal, currency: str) -> int:
    """Turn the amount of an AmountField into minor units.

    Raises InvalidAmount as ``to_minor`` does, and for 1.000, which is a thousand to some, and one to others.
    """
    decimals = exponent(currency)
    if decimals < THOUSAND_DIGITS and amount.as_tuple().exponent == -THOUSAND_DIGITS:
        raise InvalidAmount(
            f"Amounts in {currency.upper()} have at most {decimals} decimal places. Write a thousand as 1000."
        )
    return to_minor(amount, currency)


class WholeNumberWidget(UnfoldAdminTextInputWidget):
    """A field of text, for the reason of AmountWidget."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs={"inputmode": "numeric", **(attrs or {})})


class WholeNumberField(forms.IntegerField):
    """A whole number. Django's own field takes 1.000 for one, which is a thousand to some."""

    re_decimal = re.compile(r"\.0{0,2}\s*$")
