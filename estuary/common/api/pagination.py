"""Cursor pagination of lists: page ten thousand costs as much as page one."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, Model
from django.utils import timezone
from rest_framework.exceptions import NotFound
from rest_framework.exceptions import ValidationError as Invalid
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from estuary.common.ids import parse_primary_key


class NewestFirst(CursorPagination):
    """Pages of 20 (``page_size`` up to 100), newest first, by id."""

    ordering = "-id"
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100
    invalid_cursor_message = (
        "This cursor does not belong to this list. Begin without one, and follow `next` from there."
    )

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        self._model: type[Model] = queryset.model
        return super().paginate_queryset(queryset, request, view)

    def get_page_size(self, request: Request) -> int | None:
        """Return the page size; raises ValidationError for an invalid one."""
        text = request.query_params.get(self.page_size_query_param)
        if text is None:
            return self.page_size
        size = parse_primary_key(text)
        if size is None or not 1 <= size <= self.max_page_size:
            raise Invalid({self.page_size_query_param: [f"Send a number from 1 to {self.max_page_size}."]})
        return size

    @classmethod
    def bounds(cls) -> dict[str, int]:
        """Return the limits of ``page_size`` for the OpenAPI document."""
        return {"minimum": 1, "maximum": cls.max_page_size, "default": cls.page_size}

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] |= self.bounds()
        return parameters

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor of a request, or None; raises NotFound for a cursor that this list never issues."""
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and not self._is_position(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor

    def _is_position(self, text: str) -> bool:
        """Return whether a position is a valid value of the first ordering field, which it is compared with."""
        field = self._model._meta.get_field(self.ordering[0].lstrip("-"))
        try:
            value: Any = field.to_python(text)  # type: ignore[union-attr]
            # A naive datetime can't be compared with the limits of its field.
            if value is None or (isinstance(field, DateTimeField) and not _is_comparable_datetime(value)):
                return False
            field.run_validators(value)  # type: ignore[union-attr]
        except (ValidationError, ValueError, OverflowError):
            return False
        return True


def _is_comparable_datetime(value: datetime) -> bool:
    return timezone.is_aware(value) and 1 < value.year < 9999


class OldestFirst(NewestFirst):
    """Pages of 20, oldest first, by id."""

    ordering = "id"
