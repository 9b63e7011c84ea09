"""A sample of each mail, made of rows that are never saved: for the previews in the admin and for pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from django.conf import settings

from estuary.accounts import account_mails
from estuary.accounts.models import Practitioner, User
from estuary.bookings.models import Booking, BookingMove, Participant
from estuary.catalog.models import Service, ServiceSession, ServiceType
from estuary.catalog.venues import Venue
from estuary.common import clock
from estuary.common.english_times import describe_moment, describe_short_moment
from estuary.notifications.booking_mail_texts import AccountMail, BookingMail
from estuary.notifications.date_change_texts import CalledOff, Moved, describe_called_off, describe_moved
from estuary.notifications.layout import Content, Facts, greet, render_html, render_text
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.payments.mailing import booking_mails
from estuary.payments.mailing.date_changes import ChangedDates, describe_to_practitioner
from estuary.payments.mailing.order_contents import Related, compose
from estuary.payments.mailing.tenders import PartOfRefund, Returned, order_link
from estuary.payments.models import DateChange, GuestMessage, PaymentMethod

HOUR = timedelta(hours=1)
RETURNED = Returned(method_minor=3000, credits_minor=2000)


def _buyer() -> User:
    return User(pk=1, first_name="Maya", last_name="Lindqvist", email="maya@estuary.example")


def _practitioner() -> Practitioner:
    user = User(pk=2, first_name="Jonas", last_name="Keller", email="jonas@estuary.example")
    return Practitioner(pk=1, user=user, display_name="Jonas Keller", time_zone="Europe/Berlin")


def _venue() -> Venue:
    return Venue(
        name="Studio Kreuzberg",
        address="Oranienstraße 25, Hinterhof\n10999 Berlin",
        time_zone="Europe/Berlin",
        directions="Second courtyard, bell “Keller”, third floor.",
    )


def _start() -> datetime:
    day = (clock.now() + timedelta(days=20)).date()
    return datetime(day.year, day.month, day.day, 13, tzinfo=UTC)


def _order(name: str, type: ServiceType) -> Order:
    order = Order(
        pk=1,
        public_id="ord_7x2k9m4q8w1c5r3t6y0p",
        user=_buyer(),
        currency="eur",
        total_minor=5000,
        amount_due_minor=3000,
        credits_applied_minor=2000,
        refunded_minor=5000,
        lost_minor=3000,
        completed_at=clock.now(),
        expires_at=clock.now() + HOUR / 4,
        kept_until=_start() - 48 * HOUR,
        snapshot={"name": name, "type": type, "service_id": 1, "free_cancel_hours": 48},
    )
    order.service_data = {"Allergies": "Almond oil"}
    return order


def _booking(order: Order, *, canceled: bool = False, online: bool = False) -> Booking:
    service = Service(
        pk=1,
        name=order.title,
        type=ServiceType.WORKSHOP,
        location="Online",
        venue=None if online else _venue(),
        join_url="https://meet.estuary.example/the-desk-workers-back" if online else "",
    )
    return Booking(
        pk=1,
        order=order,
        user=order.user,
        position=0,
        service=service,
        service_name=order.title,
        service_type=ServiceType.WORKSHOP,
        practitioner=_practitioner(),
        starts_at=_start(),
        ends_at=_start() + 2 * HOUR,
        amount_minor=5000,
        status=Booking.Status.CANCELED if canceled else Booking.Status.CONFIRMED,
        canceled_at=clock.now() if canceled else None,
        forfeited=canceled,
    )


CANCELS = frozenset(
    {
        OrderMail.CANCELED,
        OrderMail.CANCELED_UNREFUNDED,
        OrderMail.REFUNDED,
        OrderMail.CALLED_OFF,
        OrderMail.DECLINED,
    }
)


def _order_sample(template: OrderMail, *, online: bool = False) -> Content:
    order = _order("The desk worker’s back", ServiceType.WORKSHOP)
    tables = []
    if template == OrderMail.COMPLETED:
        paid = [("Total", "50.00 EUR"), ("Paid", "30.00 EUR by Visa •••• 4242"), ("Credits", "20.00 EUR")]
        tables.append(Facts("What you paid", [*paid, ("Order", order_link(order.public_id, order))]))
    if template == OrderMail.REFUNDED:
        tables.append(Facts("Where it goes", [("Nov 29, 2026", "\n".join(RETURNED.ways("eur")))]))
    booking = _booking(order, canceled=template in CANCELS, online=online)
    seat = ServiceSession(starts_at=_start(), ends_at=_start() + 2 * HOUR)
    related = Related(
        [booking],
        tables,
        returned=RETURNED,
        refund=_refund(template),
        kept_minor=5000,
        move=_move(booking) if template == OrderMail.MOVED else None,
        ended=[booking] if booking.canceled_at else [],
        declined=[Participant(booking=booking, session=seat)] if template == OrderMail.DECLINED else [],
        changed=ChangedDates(_describe_change(template, order)),
        zone=_venue().zone,
    )
    return compose(order, template, related)


def _refund(template: OrderMail) -> PartOfRefund:
    return PartOfRefund(5000, "eur", is_unmatched=template == OrderMail.OTHER_REFUNDED)


def _move(booking: Booking) -> BookingMove:
    was = _start() - 24 * HOUR
    booking.former_starts_at = was
    return BookingMove(
        booking=booking,
        from_starts_at=was,
        from_ends_at=was + 2 * HOUR,
        to_starts_at=_start(),
        to_ends_at=_start() + 2 * HOUR,
    )


def _describe_change(template: OrderMail, order: Order) -> str:
    """Return what a mail tells about a date that its practitioner called off or moved."""
    zone = _practitioner().zone
    old_time, new_time = (describe_short_moment(at, zone) for at in (_start() - 24 * HOUR, _start()))
    line = f"{order.title}, {old_time if template == OrderMail.DATE_MOVED else new_time}"
    url = f"{settings.FRONTEND_URL}/bookings/"
    practitioner, message = "Jonas Keller", "I am ill, and sorry to miss you."
    match template:
        case OrderMail.CALLED_OFF:
            called_off = CalledOff(
                lines=[line],
                practitioner=practitioner,
                message=message,
                returned=RETURNED.ways("eur"),
                takes=RETURNED.takes,
            )
            return describe_called_off(called_off, bookings_url=url)
        case OrderMail.DATE_MOVED:
            moved = Moved(
                line=line,
                new_time=describe_moment(_start(), zone),
                practitioner=practitioner,
                message=message,
            )
            return describe_moved(moved, bookings_url=url)
        case _:
            return ""


def _guest_sample(kind: BookingMail) -> Content:
    booking = _booking(_order("The desk worker’s back", ServiceType.WORKSHOP))
    return _written(booking_mails.to_guest(kind, booking, booking.starts_at))


def _practitioner_sample(kind: BookingMail) -> Content:
    booking = _booking(_order("The desk worker’s back", ServiceType.WORKSHOP))
    return _written(booking_mails.to_practitioner(kind, booking, booking.starts_at, _start() - 24 * HOUR))


def _date_change_sample() -> Content:
    change = DateChange(
        public_id="chg_sample",
        kind=DateChange.Kind.CALL_OFF,
        practitioner=_practitioner(),
        title="The desk worker’s back, Fri, Dec 4, 2026, 6:00 PM (Europe/Berlin)",
        message="The room has no heating today. We are sorry.",
    )
    return describe_to_practitioner(change, guests=12)


def _message_sample() -> Content:
    booking = _booking(_order("The desk worker’s back", ServiceType.WORKSHOP))
    text = "Please bring a towel and wear something warm.\n\nThe lift is out of order: take the stairs on the left."
    message = GuestMessage(pk=1, practitioner=_practitioner(), text=text)
    return booking_mails.from_practitioner(message, booking, booking.starts_at)


def _lapsing_sample() -> Content:
    root = _booking(_order("The reset week", ServiceType.PACKAGE))
    root.valid_until, root.starts_at, root.service_type = _start(), None, ServiceType.PACKAGE
    parts = [_booking(root.order) for _ in range(2)]
    for part in parts:
        part.starts_at = None
    return _written(booking_mails.lapsing(root, parts))


def _card_sample() -> Content:
    soon = clock.now() + timedelta(days=20)
    card = PaymentMethod(brand="visa", last4="4242", exp_month=soon.month, exp_year=soon.year)
    return booking_mails.card_expiring(card, "Maya")


def _written(content: Content | None) -> Content:
    assert content is not None
    return content


_CONTENTS: dict[str, Callable[[], Content]] = {
    **{template.value: partial(_order_sample, template) for template in OrderMail},
    OrderMail.NEW_LINK.value: partial(_order_sample, OrderMail.NEW_LINK, online=True),
    "completed_online": partial(_order_sample, OrderMail.COMPLETED, online=True),
    **{kind.value: partial(_guest_sample, kind) for kind in (BookingMail.SCHEDULED, BookingMail.REMINDER)},
    BookingMail.MESSAGE.value: _message_sample,
    BookingMail.PRACTITIONER_DATE_CHANGED.value: _date_change_sample,
    BookingMail.LAPSING.value: _lapsing_sample,
    AccountMail.CARD_EXPIRING.value: _card_sample,
    **{
        kind.value: partial(_practitioner_sample, kind)
        for kind in (
            BookingMail.PRACTITIONER_BOOKED,
            BookingMail.PRACTITIONER_MOVED,
            BookingMail.PRACTITIONER_CANCELED,
        )
    },
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A mail as people get it."""

    title: str
    subject: str
    html: str
    text: str
    files: tuple[str, ...] = ()


def describe_kind(kind: str) -> str:
    """Return a kind of mail in words, such as ``Practitioner booked``."""
    return kind.replace("_", " ").capitalize()


def _of_bookings(kind: str) -> Sample:
    content = _CONTENTS[kind]()
    greeting = greet(content)
    return Sample(
        describe_kind(kind),
        content.subject,
        render_html(content, greeting),
        render_text(content, greeting),
        tuple(file.name for file in content.files),
    )


def _of_account(template: str) -> Sample:
    mail = account_mails.write_sample(template)
    [(html, _)] = mail.alternatives
    return Sample(account_mails.SAMPLE_TITLES[template], str(mail.subject), str(html), str(mail.body))


def _name(template: str) -> str:
    """Return the name of an account's mail, without allauth's folders."""
    return template.rpartition("/")[2]


SAMPLES: dict[str, Callable[[], Sample]] = {
    **{kind: partial(_of_bookings, kind) for kind in _CONTENTS},
    **{_name(template): partial(_of_account, template) for template in account_mails.SAMPLE_TITLES},
}
# Their titles, by the group in which they are listed.
SAMPLE_GROUPS = {
    "Orders and bookings": {kind: describe_kind(kind) for kind in _CONTENTS},
    "Accounts": {_name(template): title for template, title in account_mails.SAMPLE_TITLES.items()},
}
