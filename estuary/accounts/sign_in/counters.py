"""The cache of sign-in's counters: a table without a size limit, from which only expired counters are deleted.

Django's own database cache keeps 300 entries and evicts live ones above that: an attacker who fills it has their own
counter deleted. It also counts all rows at each write.
"""

import json
from datetime import timedelta
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

from estuary.common import clock

GET = "SELECT value FROM {table} WHERE cache_key = %(key)s AND expires > %(at)s"
SET = """
    INSERT INTO {table} (cache_key, value, expires) VALUES (%(key)s, %(value)s, %(until)s)
    ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires"""
ADD = """
    INSERT INTO {table} AS old (cache_key, value, expires) VALUES (%(key)s, %(value)s, %(until)s)
    ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires
    WHERE old.expires <= %(at)s"""
DELETE = "DELETE FROM {table} WHERE cache_key = %(key)s"
# Each write deletes up to ten expired rows, so the table does not grow beyond the live counters.
DELETE_EXPIRED = """
    DELETE FROM {table} WHERE cache_key IN (
        SELECT cache_key FROM {table} WHERE expires <= %(at)s ORDER BY expires LIMIT 10 FOR UPDATE SKIP LOCKED)"""
WITHOUT_EXPIRY = timedelta(days=365)


class CounterStore(BaseCache):
    """A Django cache on one table of the primary database. Values are JSON, because pickled rows could run code."""

    def __init__(self, table: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._table = table

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(GET.format(table=self._table), {"key": self._key(key, version), "at": clock.now()})
            row = cursor.fetchone()
        if row is None:
            return default
        try:
            return json.loads(row[0])
        except ValueError:  # written by Django's own cache, before
            return default

    def set(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        self._run(SET, key, version, value=json.dumps(value), timeout=timeout)
        self._run(DELETE_EXPIRED, key, version)

    def add(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        return self._run(ADD, key, version, value=json.dumps(value), timeout=timeout) > 0

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._run(DELETE, key, version) > 0

    def clear(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {self._table}")  # noqa: S608 (ours)

    def _key(self, key: str, version: int | None) -> str:
        return str(self.make_and_validate_key(key, version=version))

    def _run(
        self,
        statement: str,
        key: str,
        version: int | None,
        *,
        value: str = "",
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> int:
        at = clock.now()
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        until = at + (WITHOUT_EXPIRY if seconds is None else timedelta(seconds=seconds))
        values: dict[str, Any] = {"key": self._key(key, version), "at": at, "until": until, "value": value}
        with connection.cursor() as cursor:
            cursor.execute(statement.format(table=self._table), values)
            return int(cursor.rowcount)
