"""The mails of an order on its page: to whom, when and with which result, and each sent again with one click."""

from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html

from estuary.accounts import staff_audit
from estuary.accounts.models import User
from estuary.accounts.rights import Right, may
from estuary.common import clock, ids
from estuary.common.admin.base import NOTHING, change_url, label, moment
from estuary.notifications.booking_mail_texts import BookingMail
from estuary.orders.models import Order
from estuary.payments import outbox
from estuary.payments.mailing.samples import describe_kind
from estuary.payments.models import SentMail

HEADERS = ("Mail", "To", "Written", "Result", "By", "Once more")
RESULTS = {"sent": "done", "failed": "failed", "waiting": "pending"}


def mail_rows(order: Order, request: HttpRequest) -> list[tuple[Any, ...]]:
    """Return a row for each mail about the order, oldest first; ``mails`` must be prefetched."""
    may_resend = may(request.user, Right.CHANGE_ORDERS)
    return [
        (
            describe_kind(mail.kind),
            mail.address or (mail.user.email if mail.user else NOTHING),
            moment(mail.sent_at or mail.created_at),
            format_html(
                "{} {}", label(RESULTS.get(mail.status, mail.status), mail.get_status_display()), mail.error
            ),
            mail.requested_by.email if mail.requested_by else "the system",
            _button(mail, request) if may_resend else "",
        )
        for mail in order.mails.all()
    ]


def _button(mail: SentMail, request: HttpRequest) -> str:
    url = reverse("admin:orders_order_resend_mail", args=[mail.order_id, mail.pk])
    return format_html(
        '<form method="post" action="{}"><input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        '<button type="submit" class="text-primary-600 dark:text-primary-500" style="min-height: 24px">'
        'Send again<span class="sr-only">: {}</span></button></form>',
        url,
        get_token(request),
        describe_kind(mail.kind),
    )


def resend_view(request: HttpRequest, order_id: int, mail_id: int) -> HttpResponse:
    """Send a mail again, as the rows are now, and record who asked for it."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    mails = SentMail.objects.select_related("order", "user")
    mail = get_object_or_404(mails, pk=mail_id, order_id=order_id)
    assert mail.order is not None
    resend(mail, cast(User, request.user))
    messages.success(
        request, f"“{describe_kind(mail.kind)}” is sent again to {mail.user and mail.user.email}."
    )
    return HttpResponseRedirect(change_url(mail.order))


@transaction.atomic
def resend(mail: SentMail, staff: User) -> SentMail:
    """Enqueue a mail once more under a key of its own, in one transaction with its entry in the audit trail."""
    assert mail.order is not None and mail.user is not None
    copy = SentMail.objects.create(
        key=ids.mail_key(),
        kind=mail.kind,
        order=mail.order,
        booking_id=mail.booking_id,
        user=mail.user,
        starts_at=mail.starts_at,
        message_id=mail.message_id,
        requested_by=staff,
        created_at=clock.now(),
    )
    if mail.kind in set(BookingMail):
        outbox.send_booking_mails([copy])
    else:
        outbox.send_each_mail([{"order_id": mail.order.pk, "template": mail.kind, "key": copy.key}])
    staff_audit.record(staff, mail.order, f"Send mail again: {describe_kind(mail.kind)}")
    return copy
