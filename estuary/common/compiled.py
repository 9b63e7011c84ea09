"""Queries that Django puts together once in each process: to do so each time takes longer than to ask PostgreSQL."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Expression, QuerySet


class Given(Expression):
    """A value in a query that is known when it is asked."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)


class Compiled:
    """A query of columns (``values_list``), made when it is first asked; they come as the driver has them."""

    def __init__(self, make: Callable[[], QuerySet[Any, Any]]) -> None:
        self._make = make

    @cached_property
    def _statement(self) -> tuple[str, tuple[Any, ...]]:
        return self._make().query.sql_with_params()

    def first(self, **given: Any) -> tuple[Any, ...] | None:
        """Return the first row, or None."""
        statement, values = self._statement
        with connection.cursor() as cursor:
            cursor.execute(
                statement, [given[value.name] if isinstance(value, Given) else value for value in values]
            )
            found: tuple[Any, ...] | None = cursor.fetchone()
        return found
