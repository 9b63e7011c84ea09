"""Jobs of procrastinate, enqueued within the open transaction: they exist once it commits, and not otherwise."""

from django.db import DEFAULT_DB_ALIAS, connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager
from procrastinate.types import JSONDict

# In a worker, the app's own manager enqueues over another connection, outside of our transaction. It also waits for an
# event loop that may never answer another thread.
JOB_MANAGER = JobManager(DjangoConnector(alias=DEFAULT_DB_ALIAS))


def enqueue(task: str, arguments: list[JSONDict]) -> None:
    """Enqueue one job of a task for each item, as ``batch_defer`` does, but without two log records for each job.

    Database errors are raised as by any other statement: a lost connection is no bug, a deadlock is retried.
    """
    if not arguments:
        return
    deferrer = app.configure_task(task)
    try:
        JOB_MANAGER.batch_defer_jobs([deferrer.make_new_job(**kwargs) for kwargs in arguments])
    except ConnectorException as error:
        with connection.wrap_database_errors:
            raise (error.__cause__ or error) from None
