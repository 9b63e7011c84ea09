"""An order's history in sentences, oldest first, with the ids beside them.

To tell of something else, append a ``Source`` to SOURCES: ``load`` reads its rows, ``tell`` turns them into entries.
"""

from django.http import HttpRequest

from estuary.orders.models import Order
from estuary.payments.admin.timeline.consents import CONSENTS
from estuary.payments.admin.timeline.dates import DATE_CHANGES
from estuary.payments.admin.timeline.declines import DECLINES
from estuary.payments.admin.timeline.entries import Entry, Source, build_timeline, load_rows
from estuary.payments.admin.timeline.mails import MAILS
from estuary.payments.admin.timeline.money import CREDITS, DISPUTES, FRAUD_NOTICES, REFUNDS
from estuary.payments.admin.timeline.orders import BOOKINGS, MOVES, PAYMENT, PLACED, STATUSES
from estuary.payments.admin.timeline.staff import ACTS

__all__ = ["SOURCES", "Entry", "Source", "timeline_of"]

# Of one moment, what is told by an earlier source stands first. Apps above payments append theirs.
SOURCES: list[Source] = [
    PLACED, CONSENTS, DECLINES, PAYMENT, STATUSES, MOVES, DATE_CHANGES, BOOKINGS, REFUNDS, DISPUTES, FRAUD_NOTICES,
    CREDITS, MAILS, ACTS,
]  # fmt: skip


def timeline_of(order: Order, request: HttpRequest) -> list[Entry]:
    """Return an order's timeline, of the sources that this member of staff may see."""
    may_see = request.user.has_perm
    visible = [source for source in SOURCES if not source.permission or may_see(source.permission)]
    return build_timeline(order, load_rows(order, visible))
