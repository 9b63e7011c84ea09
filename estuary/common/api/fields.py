"""Serializer fields of the API: money, ids, text, booleans and datetimes."""

import re
from datetime import datetime, time
from typing import Any

from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import get_attribute

from estuary.common.ids import parse_primary_key
from estuary.common.money import to_decimal

TIME_OF_DAY = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]")


@extend_schema_field({"type": "string", "format": "decimal", "example": "100.50"})
class MoneyField(serializers.Field[tuple[int, str], None, str, Any]):
    """Show the minor units of ``source`` as a decimal string. ``currency`` is the dotted path of the currency."""

    def __init__(self, *, currency: str = "currency", **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)
        self.currency_path = currency.split(".")

    def get_attribute(self, instance: Any) -> tuple[int, str]:
        minor: Any = super().get_attribute(instance)
        return minor, get_attribute(instance, self.currency_path)

    def to_representation(self, value: tuple[int, str]) -> str:
        return to_decimal(*value)


@extend_schema_field(
    {"oneOf": [{"type": "string", "pattern": "^[0-9]{1,18}$"}, {"type": "integer", "minimum": 0}]}
)
class IdField(serializers.CharField):
    """One of our numeric ids, sent as a string or a number."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if parse_primary_key(text) is None:
            raise serializers.ValidationError("This is not an id.")
        return text


@extend_schema_field({"oneOf": [{"type": "string", "minLength": 1, "maxLength": 80}, {"type": "integer"}]})
class ReferenceField(serializers.CharField):
    """An id of ours, sent as a string or a number, or one of Stripe's."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=80, **kwargs)


class TextField(serializers.CharField):
    """A string; numbers and booleans are rejected, where DRF would convert them."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Send text.")
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """A whole number; text and fractions are rejected, where DRF would convert them."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            raise serializers.ValidationError("Send a whole number.")
        return super().to_internal_value(data)


class FlagField(serializers.BooleanField):
    """JSON's ``true`` or ``false``; DRF also accepts numbers and words, which is too lax for choices about money."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("Send true or false.")
        return data


@extend_schema_field({"type": "string", "format": "date-time"})
class MomentField(serializers.Field[datetime, Any, str, Any]):
    """An ISO 8601 datetime with its UTC offset; without the offset the moment is ambiguous."""

    def to_internal_value(self, data: Any) -> datetime:
        try:
            moment = parse_datetime(data) if isinstance(data, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None or not 2000 <= moment.year <= 2100:
            raise serializers.ValidationError("Send a moment with its offset, like 2026-01-31T10:00:00Z.")
        return moment

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


@extend_schema_field({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "example": "13:30"})
class HourField(serializers.Field[time, Any, str, Any]):
    """A time of day without an offset, as ``13:30``: another field says in which zone."""

    def to_internal_value(self, data: Any) -> time:
        if not isinstance(data, str) or not TIME_OF_DAY.fullmatch(data):
            raise serializers.ValidationError("Send a time of day, like 13:30.")
        return time.fromisoformat(data)

    def to_representation(self, value: time) -> str:
        return f"{value:%H:%M}"
