"""Delivery of signals: jobs are enqueued with the change, and each job calls one receiver."""

from collections.abc import Iterable
from inspect import iscoroutinefunction
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from django.db.models import Model
from procrastinate.types import JSONDict

from estuary.common.process.job_queue import enqueue
from estuary.orders.models import Order
from estuary.payments import outbox
from estuary.payments.hooks.signals import SIGNALS, ChangeSignal

log = structlog.get_logger(__name__)


class ReceiverMissing(Exception):
    """A job names a receiver that this process has not connected: it runs another release, or lacks ESTUARY_APPS."""


def announce(signal: ChangeSignal, rows: Iterable[Model]) -> None:
    """Enqueue a signal about each row, one job for each receiver, in the open transaction.

    Without receivers nothing is written.
    """
    names = sorted(signal.receivers_by_name())
    if not names:
        return
    jobs: list[JSONDict] = [
        {"signal": signal.name, "receiver": name, "pk": row.pk, "order_id": _order_id(row)}
        for row in rows
        for name in names
    ]
    enqueue("payments.call_receiver", jobs)


def deliver(signal_name: str, receiver_name: str, pk: int) -> None:
    """Call one receiver of a signal. Its failure is logged, reported to staff once an hour, and raised again."""
    try:
        _call(SIGNALS[signal_name], receiver_name, pk)
    except Exception as error:
        log.warning(
            "receiver_failed", signal=signal_name, receiver=receiver_name, error_type=type(error).__name__
        )
        outbox.alert_staff_hourly(
            "receiver_failed",
            f"{receiver_name} failed to take {signal_name} of row {pk}: {type(error).__name__}: {error}. It is tried "
            "again, less and less often, for three days; the other receivers are not concerned.",
        )
        raise


def _call(signal: ChangeSignal, receiver_name: str, pk: int) -> None:
    receivers = signal.receivers_by_name().get(receiver_name)
    if receivers is None:
        raise ReceiverMissing(f"{receiver_name} is not connected to {signal.name} in this worker")
    row = signal.model._default_manager.get(pk=pk)
    order = Order.objects.select_related("user").get(pk=_order_id(row))
    arguments: dict[str, Any] = {"order": order}
    if not isinstance(row, Order):
        arguments[str(row._meta.model_name)] = row
    for receiver in receivers:
        call = async_to_sync(receiver) if iscoroutinefunction(receiver) else receiver
        call(signal=signal, sender=signal.model, change_id=_change_id(signal, row), **arguments)


def _order_id(row: Model) -> Any:
    return row.pk if isinstance(row, Order) else vars(row)["order_id"]


def _change_id(signal: ChangeSignal, row: Model) -> str:
    """Return the name of one change; each of these happens to a row once."""
    return f"{signal.name}:{getattr(row, 'public_id', row.pk)}"
