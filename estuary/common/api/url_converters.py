"""What may stand in an address where an id of ours or of Stripe's is meant."""

from django.urls.converters import StringConverter


class ReferenceConverter(StringConverter):
    """``<ref:…>``: letters, digits and underscores; with anything else there is nothing under that address."""

    regex = "[A-Za-z0-9_]{1,80}"
