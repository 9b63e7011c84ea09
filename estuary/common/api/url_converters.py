"""URL converters: what an id of ours or of Stripe's may contain."""

from django.urls.converters import StringConverter


class ReferenceConverter(StringConverter):
    """``<ref:…>``: letters, digits and underscores. A URL with anything else is a 404."""

    regex = "[A-Za-z0-9_]{1,80}"
