"""The backend itself: what Django loads for ``ENGINE``."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql import base

from estuary.common.postgresql.limits import set_limits
from estuary.common.postgresql.places import Place, current_visit, places


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes a connection out of the pool only once the request has a place, and gives both back together."""

    _place: Place | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        ours: Any = self
        visit = current_visit()
        # Nobody waits for a replica: what it does not answer at once, the primary does.
        if visit is None or not ours.pool or ours.alias != DEFAULT_DB_ALIAS:
            return super().get_new_connection(conn_params)
        self._leave()
        self._place = places.enter(visit, ours.pool.max_size)
        try:
            with visit.waiting():
                return super().get_new_connection(conn_params)
        except BaseException:
            self._leave()
            raise

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._leave()

    def _leave(self) -> None:
        place, self._place = self._place, None
        if place:
            places.leave(place)

    def _configure_connection(self, connection: Any) -> Any:
        set_limits(connection)
        return super()._configure_connection(connection)  # type: ignore[misc]
