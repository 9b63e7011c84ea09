"""What practitioners wrote to their guests, read-only: the text, and each guest's mail."""

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from estuary.common.admin.base import ReadOnlyAdmin, ReadOnlyInline, column, label, link, moment_column
from estuary.payments.models import GuestMessage, SentMail


class MailInline(ReadOnlyInline):
    model = SentMail
    verbose_name, verbose_name_plural = "mail", "mails"
    fields = ("order_link", "guest", "status_label", "sent_at")
    readonly_fields = fields
    order_link = column("Order", lambda mail: link(mail.order))
    guest = column("Guest", lambda mail: link(mail.user))
    status_label = column("Result", lambda mail: label(mail.status))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Mails are seen with their message."""
        return request.user.has_perm("payments.view_guestmessage")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SentMail]:
        return super().get_queryset(request).select_related("order", "user")


def _about(message: GuestMessage) -> str:
    if message.session:
        return f"all guests of {message.session.service.name}"
    return message.booking.service_name if message.booking else ""


@admin.register(GuestMessage)
class GuestMessageAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "practitioner", "about", "written")
    list_select_related = ("practitioner", "booking", "session__service")
    inlines = (MailInline,)
    fields = (("practitioner", "about", "written"), "text", "reply_to_practitioner")
    written = moment_column("created_at", "Written")
    about = column("About", _about)
