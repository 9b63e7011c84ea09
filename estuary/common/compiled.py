"""Queries that the ORM writes once, to be asked again with other values.

To write a query of forty columns takes the ORM longer than PostgreSQL takes to answer it, so that where a few rows are
read by many queries, again and again, writing them is most of what they cost.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Expression, Model, QuerySet, TextField


class Given(Expression):
    """A gap in a query, by name: its value is given whenever the query is asked."""

    def __init__(self, name: str) -> None:
        super().__init__(output_field=TextField())  # of which nothing is asked: what fills the gap has a type
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", (self,)


class Compiled[R: Model]:
    """A query for whole rows of one model, with a ``Given`` for each value.

    ``query`` is called at the first use. Nothing is prefetched.
    """

    def __init__(self, query: Callable[[], QuerySet[R]]) -> None:
        self._query = query

    def ask(self, **given: Any) -> list[R]:
        return self.send(**given)()

    def send(self, **given: Any) -> Callable[[], list[R]]:
        """Send the query, and return what fetches its rows: in a pipeline many are sent before the first is awaited."""
        written = self._written
        cursor = connection.cursor()
        cursor.execute(written.sql, [given[p.name] if isinstance(p, Given) else p for p in written.params])

        def fetch() -> list[R]:
            with cursor:
                rows: Iterable[Any] = cursor.fetchall()
            if written.converters:
                compiler = written.query.get_compiler(connection=connection)
                rows = compiler.apply_converters(rows, written.converters)
            return [written.model.from_db(DEFAULT_DB_ALIAS, written.names, row) for row in rows]

        return fetch

    @cached_property
    def _written(self) -> "_Written[R]":
        queryset = self._query()
        compiler: Any = queryset.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        columns = [column for column, _, _ in compiler.select]
        return _Written(
            model=queryset.model,
            query=queryset.query,
            sql=sql,
            params=tuple(params),
            names=[column.target.attname for column in columns],
            converters=compiler.get_converters(columns),
        )


@dataclass(frozen=True, slots=True)
class _Written[R: Model]:
    model: type[R]
    query: Any
    sql: str
    params: tuple[Any, ...]
    names: list[str]
    converters: dict[int, Any]  # of the columns, by place, that Python reads in another way than the driver
