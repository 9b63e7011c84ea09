"""Django signals about changes of orders and bookings, for code of your own.

A job sends each to its receivers after the change is committed: at least once, each receiver by itself. Connect
receivers in ``AppConfig.ready`` of an app that ESTUARY_APPS names. See docs/howto/beside-a-django-project.md.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import Model
from django.dispatch import Signal

from estuary.bookings.models import Booking, BookingMove
from estuary.orders.models import Order
from estuary.payments.models import Dispute, Refund


class ChangeSignal(Signal):
    """A signal about a change of one row of ``model``, which is also its sender.

    Receivers get ``order``, the row under the name of its model, and ``change_id``: the same whenever the same change
    is sent again.
    """

    def __init__(self, name: str, model: type[Model]) -> None:
        super().__init__()
        self.name, self.model = name, model

    def connect(self, receiver: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Connect a function or method; raises TypeError for a receiver without a name, which no job could call."""
        if not hasattr(receiver, "__qualname__"):
            raise TypeError(f"{receiver!r} has no name: connect a function or a method to {self.name}.")
        super().connect(receiver, *args, **kwargs)

    def receivers_by_name(self) -> dict[str, list[Callable[..., Any]]]:
        """Return the connected receivers by their dotted names, which a job stores."""
        by_name: dict[str, list[Callable[..., Any]]] = {}
        for receivers in self._live_receivers(self.model):  # synchronous, asynchronous
            for receiver in receivers:
                by_name.setdefault(f"{receiver.__module__}.{receiver.__qualname__}", []).append(receiver)
        return by_name


# The order is paid and fulfilled, for the first time: credits are on the account, or bookings exist.
order_completed = ChangeSignal("order_completed", Order)
# The order ended unpaid: by the buyer, or because its hold was over.
order_canceled = ChangeSignal("order_canceled", Order)
# A refund of the order succeeded, in full or in part, whoever started it.
order_refunded = ChangeSignal("order_refunded", Refund)
# A refund that had been requested or had succeeded failed: the money is still, or again, here.
refund_failed = ChangeSignal("refund_failed", Refund)
# The buyer's bank asks for the payment back, or has taken it.
order_disputed = ChangeSignal("order_disputed", Dispute)
# A booking was made, and one for each part of a package or bundle.
booking_confirmed = ChangeSignal("booking_confirmed", Booking)
# A booking was canceled, with a refund or without.
booking_canceled = ChangeSignal("booking_canceled", Booking)
# A booking was moved to another time by its buyer; the row has both times.
booking_moved = ChangeSignal("booking_moved", BookingMove)

SIGNALS = {
    signal.name: signal
    for signal in (
        order_completed,
        order_canceled,
        order_refunded,
        refund_failed,
        order_disputed,
        booking_confirmed,
        booking_canceled,
        booking_moved,
    )
}
