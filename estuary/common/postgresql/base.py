"""The database backend that Django loads for ``ENGINE``."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql import base
from django.db.backends.postgresql.features import DatabaseFeatures

from estuary.common.postgresql.admission import Permit, admission, current_claim
from estuary.common.postgresql.timeouts import set_limits


class Features(DatabaseFeatures):
    """PostgreSQL 18 is required. Asking its version would connect at the start of every command."""

    supports_virtual_generated_columns = True


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes a connection from the pool only once the request is admitted, and releases both together."""

    features_class = Features
    _permit: Permit | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        wrapper: Any = self
        claim = current_claim()
        # No admission for a replica: what it does not answer at once, the primary answers.
        if claim and wrapper.pool and wrapper.alias == DEFAULT_DB_ALIAS:
            self._permit = admission.acquire(claim, wrapper.pool.max_size)
        try:
            return super().get_new_connection(conn_params)
        except BaseException:
            self._release()
            raise

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._release()

    def _release(self) -> None:
        permit, self._permit = self._permit, None
        if permit:
            admission.release(permit)

    def _configure_connection(self, connection: Any) -> Any:
        set_limits(connection)
        return super()._configure_connection(connection)  # type: ignore[misc]
