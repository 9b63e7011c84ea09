"""ORM queries that are compiled once and executed many times with other values.

Compiling a query of forty columns takes the ORM longer than PostgreSQL takes to answer it. Where many queries read a
few rows each, compiling is most of their cost. See docs/decisions/0018-compiled-queries-and-pipelining.md.
"""

from collections.abc import Callable, Iterable
from functools import cache, cached_property
from typing import Any, cast

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Expression, Model, QuerySet, TextField
from django.db.models.base import ModelState
from django.db.models.query import get_related_populators
from psycopg import sql

from estuary.common.db.transactions import execute_prepared


class Param(Expression):
    """A named parameter of a query; each execution passes its value."""

    def __init__(self, name: str) -> None:
        # The ORM requires an output field; the column gives the value its type.
        super().__init__(output_field=TextField())
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", (self,)


class _Statement:
    """A queryset that is built and compiled at its first use."""

    def __init__(self, query: Callable[[], QuerySet[Any, Any]]) -> None:
        self._query = query

    @cached_property
    def _queryset(self) -> QuerySet[Any, Any]:
        return self._query()

    @cached_property
    def _written(self) -> tuple[str, list[str]]:
        """Return the SQL and the names of its parameters. Constants are in the SQL, so that partial indexes match."""
        written, params = self._queryset.query.sql_with_params()
        fragments = ["%s" if isinstance(param, Param) else _literal(param) for param in params]
        return written.replace("%%", "%%%%") % tuple(fragments), [
            param.name for param in params if isinstance(param, Param)
        ]

    def _execute(self, values: dict[str, Any]) -> Any:
        statement, gaps = self._written
        return execute_prepared(statement, [_to_driver_value(values[gap]) for gap in gaps])


class PreparedValuesQuery[Row](_Statement):
    """A query of columns (``values_list``), with a ``Param`` for each value. It returns psycopg's values."""

    def __init__(self, query: Callable[[], QuerySet[Any, Row]]) -> None:
        super().__init__(query)

    def send(self, **values: Any) -> Callable[[], list[Row]]:
        """Send the query, and return a function that fetches its rows."""
        sent_cursor = self._execute(values)

        def fetch() -> list[Row]:
            with sent_cursor as cursor:
                return list(cursor.fetchall())

        return fetch


class PreparedQuery[R: Model](_Statement):
    """A query for whole rows of one model, with a ``Param`` for each value; nothing is prefetched."""

    def __init__(self, query: Callable[[], QuerySet[R]]) -> None:
        super().__init__(query)

    def fetch(self, **values: Any) -> list[R]:
        return self.send(**values)()

    def send(self, **values: Any) -> Callable[[], list[R]]:
        """Send the query, and return a function that fetches its rows. In a pipeline, send many before fetching."""
        sent_cursor = self._execute(values)

        def fetch() -> list[R]:
            with sent_cursor as cursor:
                rows: Iterable[Any] = cursor.fetchall()
            names, converters, populators = self._columns
            if converters:
                rows = self._compiler().apply_converters(rows, converters)
            if populators:
                return [self._with_related(names, populators, row) for row in rows]
            return [instance_from_row(self._queryset.model, names, row) for row in rows]

        return fetch

    def _compiler(self) -> Any:
        return self._queryset.query.get_compiler(connection=connection)

    def _with_related(self, names: list[str], populators: list[Any], row: Any) -> R:
        instance: R = instance_from_row(self._queryset.model, names, row[: len(names)])
        for populator in populators:
            populator.populate(row, instance)
        return instance

    @cached_property
    def _columns(self) -> tuple[list[str], dict[int, Any], list[Any]]:
        """Return the names of the model's columns, Django's converters by position, and what sets related rows."""
        compiler, queryset = self._compiler(), cast("Any", self._queryset)
        compiler.as_sql()
        columns = [column for column, _, _ in compiler.select]
        own = [columns[position] for position in compiler.klass_info["select_fields"]]
        populators = get_related_populators(
            compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS, queryset._fetch_mode
        )
        return [column.target.attname for column in own], compiler.get_converters(columns), populators


def _to_driver_value(value: Any) -> Any:
    """Return a value for the driver: a list becomes the text of a PostgreSQL array.

    psycopg would adapt a list item by item, with a type that depends on the items. Text takes the column's type.
    Source: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
    """
    if not isinstance(value, list):
        return value
    items = (str(item).replace("\\", "\\\\").replace('"', '\\"') for item in value)
    return '{"' + '","'.join(items) + '"}' if value else "{}"


def _literal(value: Any) -> str:
    return sql.quote(value).replace("%", "%%")


def instance_from_row[R: Model](model: type[R], columns: Iterable[str], values: Iterable[Any]) -> R:
    """Return an instance from the values of a row, as ``Model.from_db`` does, but faster."""
    instance = model.__new__(model)
    instance._state = state = ModelState()
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    vars(instance).update(zip(columns, values, strict=True))
    return instance


def build_instance[R: Model](model: type[R], **columns: Any) -> R:
    """Return an instance to insert, with columns by name: a relation by its key (``order_id``).

    Other columns get their defaults. Raises TypeError for an unknown column.
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
    """Return the default of each column, and the callables whose default differs for each instance."""
    fields = model._meta.concrete_fields
    callable_fields = [field for field in fields if field.has_default() and callable(field.default)]
    defaults = {field.attname: None if field in callable_fields else field.get_default() for field in fields}
    return defaults, [(field.attname, field.get_default) for field in callable_fields]
