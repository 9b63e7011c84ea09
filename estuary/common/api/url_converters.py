"""URL converters: what an id of ours or of Stripe's may contain, and dates. Importing this module registers them."""

from datetime import date

from django.urls import register_converter
from django.urls.converters import StringConverter


class ReferenceConverter(StringConverter):
    """``<ref:…>``: letters, digits and underscores. A URL with anything else is a 404."""

    regex = "[A-Za-z0-9_]{1,80}"


class DayConverter:
    """``<day:…>``: a date such as 2026-01-31. A URL with anything else is a 404."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, text: str) -> date:
        return date.fromisoformat(text)

    def to_url(self, day: date | str) -> str:
        return str(day)


register_converter(ReferenceConverter, "ref")
register_converter(DayConverter, "day")
