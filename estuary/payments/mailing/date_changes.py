"""Mails about a called-off or moved date: to its guests, and to its practitioner if staff did it."""

from collections.abc import Sequence

from django.conf import settings

from estuary.common.english_times import describe_moment
from estuary.notifications.booking_mail_texts import SUBJECTS, TEXTS, BookingMail
from estuary.notifications.date_change_texts import CalledOff, Moved, describe_called_off, describe_moved
from estuary.notifications.layout import Content, Facts, Link
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.payments.mailing.tenders import Returned
from estuary.payments.models import DateChange, DateChangeRow


def describe_date_change(order: Order, template: OrderMail) -> str:
    """Return what the newest change of a date did to the order; empty for mails about something else."""
    if template not in {OrderMail.DATE_MOVED, OrderMail.CALLED_OFF}:
        return ""
    is_move = template == OrderMail.DATE_MOVED
    of_kind = (
        DateChangeRow.objects.filter(order=order).select_related("change__practitioner").order_by("-change")
    )
    of_kind = (of_kind.filter if is_move else of_kind.exclude)(change__kind=DateChange.Kind.MOVE)
    rows = list(of_kind)
    if not rows:
        return f"The dates of {order.title} have changed."
    change, url = rows[0].change, f"{settings.FRONTEND_URL}/bookings/"
    rows = sorted((row for row in rows if row.change_id == change.pk), key=lambda row: row.pk)
    acts = {DateChangeRow.Act(row.act) for row in rows}
    who = change.practitioner.display_name
    is_unpaid = DateChangeRow.Act.END_ORDER in acts
    if is_move:
        new_time = describe_moment(change.starts_at, change.practitioner.zone)
        moved = Moved(
            line=rows[0].line,
            new_time=new_time,
            practitioner=who,
            message=change.message,
            is_unpaid=is_unpaid,
        )
        return describe_moved(moved, bookings_url=url)
    returned = _returned(rows)
    called_off = CalledOff(
        lines=[row.line for row in rows],
        practitioner=who,
        message=change.message,
        returned=returned.ways(order.currency),
        takes=returned.takes,
        is_unpaid=is_unpaid,
        is_held_back=DateChangeRow.Act.HOLD_BACK in acts,
        can_be_rescheduled=DateChangeRow.Act.RESCHEDULE in acts,
    )
    return describe_called_off(called_off, bookings_url=url)


def _returned(rows: Sequence[DateChangeRow]) -> Returned:
    """Return what is refunded of an order, by its tenders."""
    refunds = [row for row in rows if row.act == DateChangeRow.Act.REFUND]
    tender = DateChangeRow.Tender
    return Returned(
        *(
            sum(row.amount_minor for row in refunds if row.tender == each)
            for each in (tender.PAYMENT_METHOD, tender.CREDITS)
        )
    )


def to_practitioner_of(change: DateChange) -> Content:
    """Return what a practitioner is told of a change that staff made: what it is, and how many guests it concerns."""
    guests = change.rows.exclude(act=DateChangeRow.Act.END_ORDER).values("order").distinct().count()
    return describe_to_practitioner(change, guests)


def describe_to_practitioner(change: DateChange, guests: int) -> Content:
    values = {
        "act": "Moved" if change.kind == DateChange.Kind.MOVE else "Called off",
        "title": change.title,
        "shop": settings.SITE_NAME,
        "guests": _describe_guests(guests, with_message=bool(change.message)),
    }
    kind = BookingMail.PRACTITIONER_DATE_CHANGED
    return Content(
        SUBJECTS[kind].format(**values),
        TEXTS[kind].format(**values),
        first_name=change.practitioner.display_name,
        facts=[Facts("", [(values["act"], change.title), ("Guests", str(guests))])],
        quote=change.message if guests else "",
        button=Link("See what it does", f"{settings.FRONTEND_URL}/roster/change/?change={change.public_id}"),
    )


def _describe_guests(guests: int, *, with_message: bool) -> str:
    if guests == 0:
        return "Nobody had booked."
    who = "The guest is written to" if guests == 1 else f"All {guests} guests are written to"
    return f"{who}, with these words:" if with_message else f"{who}."
