"""The mails of an order on its page: to whom, when and with which result, and each sent again with one click."""

from collections import Counter
from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html

from estuary.accounts.models import User
from estuary.accounts.rights import Right, may
from estuary.accounts.staff import audit
from estuary.common import clock
from estuary.common.admin.base import NOTHING, change_url, label, moment
from estuary.common.ids import parse_primary_key
from estuary.notifications.booking_mail_texts import BookingMail
from estuary.notifications.layout import Content
from estuary.notifications.order_mail_texts import OrderMail
from estuary.orders.models import Order
from estuary.payments import outbox
from estuary.payments.mailing.booking_mails import write_booking_mail
from estuary.payments.mailing.samples import describe_kind
from estuary.payments.mailing.sending import recipients
from estuary.payments.models import SentMail
from estuary.payments.models.mails import COPY
from estuary.payments.order_mails import write_order_mail

HEADERS = ("Mail", "To", "Written", "Result", "By", "Once more")
# Of one mail; the keys have room for no more.
COPIES_MAX = 999
RESULTS = {"sent": "done", "failed": "failed", "waiting": "pending"}


def mail_rows(order: Order, request: HttpRequest) -> list[tuple[Any, ...]]:
    """Return a row for each mail about the order, oldest first; ``mails`` must be prefetched."""
    may_resend = may(request.user, Right.CHANGE_ORDERS)
    sent = Counter(mail.first_key for mail in order.mails.all())
    return [
        (
            describe_kind(mail.kind),
            mail.address or (mail.user.email if mail.user else NOTHING),
            moment(mail.sent_at or mail.created_at),
            format_html(
                "{} {}", label(RESULTS.get(mail.status, mail.status), mail.get_status_display()), mail.error
            ),
            mail.requested_by.email if mail.requested_by else "the system",
            _button(mail, sent[mail.first_key], request) if may_resend else "",
        )
        for mail in order.mails.all()
    ]


def _button(mail: SentMail, copy: int, request: HttpRequest) -> str:
    """Return a form whose number makes a second click the same act."""
    url = reverse("admin:orders_order_resend_mail", args=[mail.order_id, mail.pk])
    return format_html(
        '<form method="post" action="{}"><input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        '<input type="hidden" name="copy" value="{}">'
        '<button type="submit" class="text-primary-600 dark:text-primary-500" style="min-height: 24px">'
        'Send again<span class="sr-only">: {}</span></button></form>',
        url,
        get_token(request),
        copy,
        describe_kind(mail.kind),
    )


def resend_view(request: HttpRequest, order_id: int, mail_id: int) -> HttpResponse:
    """Send a mail again, as the rows are now, and record who asked for it."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    mails = SentMail.objects.select_related("order__user", "booking", "user", "message__practitioner__user")
    mail = get_object_or_404(mails, pk=mail_id, order_id=order_id)
    assert mail.order is not None
    level, text = _resend_if_of_use(mail, request)
    messages.add_message(request, level, text)
    return HttpResponseRedirect(change_url(mail.order))


def _resend_if_of_use(mail: SentMail, request: HttpRequest) -> tuple[int, str]:
    """Send a mail again unless nothing would be sent; return how that is told, and in which words."""
    name, copy = describe_kind(mail.kind), parse_primary_key(request.POST.get("copy", ""))
    if not copy or copy > COPIES_MAX:
        return messages.ERROR, f"Nothing was sent. Load this page again, and then send “{name}” again."
    if mail.user is None or not recipients(mail.user):
        return messages.ERROR, f"Nothing was sent: there is nobody to write to about “{name}” any more."
    if not _write(mail):
        return messages.ERROR, f"Nothing was sent: “{name}” would say nothing that is still true."
    if not resend(mail, cast(User, request.user), copy):
        return (
            messages.WARNING,
            f"“{name}” was sent again already. Load this page again to send it once more.",
        )
    return messages.SUCCESS, f"“{name}” will be sent again to {mail.user.email}."


def _write(mail: SentMail) -> Content | None:
    """Return what a mail would say now; None if it is of no use any more."""
    assert mail.order is not None
    if mail.kind in set(BookingMail):
        return write_booking_mail(mail)
    return write_order_mail(mail.order, OrderMail(mail.kind), mail.key)


@transaction.atomic
def resend(mail: SentMail, staff: User, copy: int) -> SentMail | None:
    """Enqueue a copy of a mail, in one transaction with its entry in the audit trail; None if that was done before."""
    assert mail.order is not None
    assert mail.user is not None
    row, is_new = SentMail.objects.get_or_create(
        key=f"{mail.first_key}{COPY}{copy}",
        defaults={
            "kind": mail.kind,
            "order": mail.order,
            "booking_id": mail.booking_id,
            "user": mail.user,
            "starts_at": mail.starts_at,
            "message": mail.message,
            "requested_by": staff,
            "created_at": clock.now(),
        },
    )
    if not is_new:
        return None
    if mail.kind in set(BookingMail):
        outbox.send_booking_mails([row])
    else:
        outbox.send_each_mail([{"order_id": mail.order.pk, "template": mail.kind, "key": row.key}])
    audit.record(staff, mail.order, f"Send mail again: {describe_kind(mail.kind)}")
    return row
