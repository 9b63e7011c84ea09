"""Queries that the ORM writes once, to be asked again with other values.

To write a query of forty columns takes the ORM longer than PostgreSQL takes to answer it, so that where a few rows are
read by many queries, again and again, writing them is most of what they cost.
"""

from collections.abc import Callable, Iterable
from functools import cache, cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Expression, Model, QuerySet, TextField
from django.db.models.base import ModelState
from psycopg import sql

from estuary.common.db.transactions import execute_prepared


class Param(Expression):
    """A gap in a query, by name: its value is given whenever the query is asked."""

    def __init__(self, name: str) -> None:
        super().__init__(output_field=TextField())  # of which nothing is asked: what fills the gap has a type
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", (self,)


class _Statement:
    """What a query, called for at its first use, has become."""

    def __init__(self, query: Callable[[], QuerySet[Any, Any]]) -> None:
        self._query = query

    @cached_property
    def _queryset(self) -> QuerySet[Any, Any]:
        return self._query()

    @cached_property
    def _written(self) -> tuple[str, list[str]]:
        """Return the statement, with what never changes in it for partial indexes to match, and its gaps' names."""
        written, params = self._queryset.query.sql_with_params()
        said = ["%s" if isinstance(param, Param) else _literal(param) for param in params]
        return written.replace("%%", "%%%%") % tuple(said), [
            param.name for param in params if isinstance(param, Param)
        ]

    def _execute(self, values: dict[str, Any]) -> Any:
        """Send it, and return the cursor that its rows are fetched from."""
        statement, gaps = self._written
        return execute_prepared(statement, [_to_driver_value(values[gap]) for gap in gaps])


class PreparedValuesQuery(_Statement):
    """A query of columns (``values_list``), with a ``Param`` for each value; they come as the driver has them."""

    def first(self, **values: Any) -> tuple[Any, ...] | None:
        """Return the first row, or None."""
        with self._execute(values) as cursor:
            row: tuple[Any, ...] | None = cursor.fetchone()
        return row

    def send(self, **values: Any) -> Callable[[], list[tuple[Any, ...]]]:
        """Send the query, and return what fetches its rows, as ``PreparedQuery`` does."""
        sent_cursor = self._execute(values)

        def fetch() -> list[tuple[Any, ...]]:
            with sent_cursor as cursor:
                return list(cursor.fetchall())

        return fetch


class PreparedQuery[R: Model](_Statement):
    """A query for whole rows of one model, with a ``Param`` for each value. Nothing is prefetched."""

    def __init__(self, query: Callable[[], QuerySet[R]]) -> None:
        super().__init__(query)

    def fetch(self, **values: Any) -> list[R]:
        return self.send(**values)()

    def send(self, **values: Any) -> Callable[[], list[R]]:
        """Send the query, and return what fetches its rows: in a pipeline many are sent before the first is awaited."""
        sent_cursor = self._execute(values)

        def fetch() -> list[R]:
            with sent_cursor as cursor:
                rows: Iterable[Any] = cursor.fetchall()
            names, converters = self._columns
            if converters:
                rows = self._compiler().apply_converters(rows, converters)
            return [instance_from_row(self._queryset.model, names, row) for row in rows]

        return fetch

    def _compiler(self) -> Any:
        return self._queryset.query.get_compiler(connection=connection)

    @cached_property
    def _columns(self) -> tuple[list[str], dict[int, Any]]:
        """Return the names of the columns, and how those are read, by place, that the driver leaves to Django."""
        compiler = self._compiler()
        compiler.as_sql()
        columns = [column for column, _, _ in compiler.select]
        return [column.target.attname for column in columns], compiler.get_converters(columns)


def _to_driver_value(value: Any) -> Any:
    """Return a value as the driver gets it: a list, of text or of numbers, as PostgreSQL writes one.

    The driver does that item by item, in a type that depends on the items; so its type is the column's.
    Source: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
    """
    if not isinstance(value, list):
        return value
    items = (str(item).replace("\\", "\\\\").replace('"', '\\"') for item in value)
    return '{"' + '","'.join(items) + '"}' if value else "{}"


def _literal(value: Any) -> str:
    return sql.quote(value).replace("%", "%%")


def instance_from_row[R: Model](model: type[R], columns: Iterable[str], values: Iterable[Any]) -> R:
    """Return the instance that a row of the database is, as ``Model.from_db`` does."""
    instance = model.__new__(model)
    instance._state = state = ModelState()
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    vars(instance).update(zip(columns, values, strict=True))
    return instance


def build_instance[R: Model](model: type[R], **columns: Any) -> R:
    """Return an instance to be inserted, of columns by their names: a relation by its key (``order_id``).

    The others take their defaults. Raises TypeError for what is no column.
    """
    defaults, factories = _defaults(model)
    if not columns.keys() <= defaults.keys():
        raise TypeError(
            f"{model.__name__} has no column {', '.join(sorted(columns.keys() - defaults.keys()))}"
        )
    instance = model.__new__(model)
    instance._state = ModelState()
    vars(instance).update(defaults, **columns)
    for name, make in factories:
        if name not in columns:
            setattr(instance, name, make())
    return instance


@cache
def _defaults(model: type[Model]) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """Return what each column holds when nobody says, and which are made anew for each instance."""
    fields = model._meta.concrete_fields
    callable_fields = [field for field in fields if field.has_default() and callable(field.default)]
    defaults = {field.attname: None if field in callable_fields else field.get_default() for field in fields}
    return defaults, [(field.attname, field.get_default) for field in callable_fields]
