"""How money looks at the API's edge."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import get_attribute

from estuary.common.money import to_decimal


@extend_schema_field({"type": "string", "format": "decimal", "example": "100.50"})
class MoneyField(serializers.Field[tuple[int, str], None, str, Any]):
    """Minor units out of ``source``, shown as a decimal string of the currency that ``currency`` (dotted) leads to."""

    def __init__(self, *, currency: str = "currency", **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)
        self.currency_path = currency.split(".")

    def get_attribute(self, instance: Any) -> tuple[int, str]:
        minor: Any = super().get_attribute(instance)
        return minor, get_attribute(instance, self.currency_path)

    def to_representation(self, value: tuple[int, str]) -> str:
        return to_decimal(*value)
