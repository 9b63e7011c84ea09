"""The admin of people, groups and the audit trail. Nobody can be deleted, because history refers to people."""

from http import HTTPStatus
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.admin.models import ACTION_FLAG_CHOICES
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from procrastinate.contrib.django.models import ProcrastinateJob
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextareaWidget

from estuary.accounts.contact.email_addresses import check_email_address
from estuary.accounts.contact.postal_addresses import ADDRESS_LINES_MAX
from estuary.accounts.models import AuditLogEntry, User
from estuary.accounts.staff.search import IndexedSearchMixin
from estuary.common.admin.base import (
    NOTHING,
    ReadOnlyAdmin,
    StaffAdmin,
    column,
    external_link,
    moment_column,
)

RIGHTS = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")


# allauth's page would show the secrets. For a lost factor there is manage.py drop_second_factor.
admin.site.unregister(Authenticator)
# Addresses change on the page of their person: allauth's page would delete and verify them without a word in the trail.
admin.site.unregister(EmailAddress)
# Who may only view jobs could cancel and abort them on procrastinate's page.
admin.site.unregister(ProcrastinateJob)
admin.site.unregister(Group)  # Django's page, which GroupAdmin replaces


class CheckedAddressMixin:
    """Takes no new address that Stripe or a mail server refuses; the one that a person has may stay."""

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])  # type: ignore[attr-defined]
        if "email" in self.changed_data:  # type: ignore[attr-defined]
            check_email_address(email)
        return email


class NewUserForm(CheckedAddressMixin, UserCreationForm):
    class Meta:
        model = User
        fields = ("email", "first_name", "last_name")


class UserForm(CheckedAddressMixin, UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"
        widgets = {"billing_address": UnfoldAdminTextareaWidget(attrs={"rows": ADDRESS_LINES_MAX})}


@admin.register(User)
class UserAdmin(IndexedSearchMixin, DjangoUserAdmin, StaffAdmin):  # type: ignore[type-arg, misc]
    """Only superusers grant rights or change accounts with rights, so nobody can promote themselves."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "first_name", "last_name", "is_staff", "is_active", "date_joined")
    list_filter = ("is_staff", "is_superuser", "is_active")
    indexed_filters = {
        "is_staff__exact": {"1"},
        "is_superuser__exact": {"1"},
        "is_active__exact": {"0"},
    }
    search_fields = ("email",)
    person = "pk"
    search_help_text = "E-mail address or last name"
    ordering = ("-id",)
    # Django's two boxes side by side are wider than a phone.
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "password", "first_name", "last_name")}),
        ("Receipts", {"fields": ("billing_name", "billing_address")}),
        ("Rights", {"fields": RIGHTS}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets: Any = (
        (
            None,
            {"fields": ("email", "first_name", "last_name", "usable_password", "password1", "password2")},
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        fixed = tuple(super().get_readonly_fields(request, obj))
        return fixed if request.user.is_superuser else (*fixed, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        privileged = isinstance(obj, User) and (obj.is_staff or obj.is_superuser) and obj != request.user
        allowed = super().has_change_permission(request, obj)
        return allowed and (request.user.is_superuser or not privileged)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Save a user. After a change of address, send a notice to the old one, as when users change it themselves."""
        before = str(form.initial.get("email", "")) if change else ""
        super().save_model(request, obj, form, change)
        assert isinstance(obj, User)
        if before and before.lower() != obj.email.lower():
            notice = {"from_email": before, "to_email": obj.email}
            get_adapter().send_notification_mail("account/email/email_changed", obj, notice, email=before)

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Change a password, record who did it, and notify the owner, all in one transaction."""
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            get_adapter().send_notification_mail("account/email/password_changed", User.objects.get(pk=id))
        return response


@admin.register(AuditLogEntry)
class AuditLogEntryAdmin(ReadOnlyAdmin):
    """The audit trail."""

    list_display = ("when", "user", "what", "kind", "object_link", "act")
    list_filter = ("action_flag", "content_type", "action_time")
    list_select_related = ("user", "content_type")
    search_fields = ("user__email__istartswith", "object_repr__istartswith")
    search_help_text = "E-mail address of staff, or the beginning of what it was done to"
    ordering = ("-id",)
    fields = list_display
    readonly_fields = list_display
    when = moment_column("action_time", "When")

    what = column("Act", lambda row: dict(ACTION_FLAG_CHOICES)[row.action_flag], ordering="action_flag")
    kind = column("Kind", lambda row: row.content_type.name if row.content_type else NOTHING)
    act = column("What was done", lambda row: row.get_change_message() or NOTHING)

    @display(description="To")
    def object_link(self, row: AuditLogEntry) -> str:
        url = row.get_admin_url()
        return external_link(url, row.object_repr, new_tab=False) if url else row.object_repr


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, StaffAdmin):
    """Groups of permissions; only superusers change them, so that nobody can promote themselves."""

    filter_horizontal = ()

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    has_add_permission = has_delete_permission = has_change_permission
