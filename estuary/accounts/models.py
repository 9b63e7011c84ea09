"""Users, and the practitioners' profiles: buyers, practitioners and staff are all users."""

from typing import Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

import pgtrigger
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.indexes import OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower, Upper

from estuary.accounts.contact.names import NAME_MAX, check_name, clean_name, mask_email, split_name
from estuary.accounts.contact.postal_addresses import ADDRESS_MAX, check_address, clean_address
from estuary.common.validators import check_one_line

# Addresses of erased users (see the privacy app): no mail is sent there.
ERASED_DOMAIN = "@erased.invalid"


class UserManager(BaseUserManager["User"]):
    """Creates users who sign in by e-mail address."""

    use_in_migrations = True

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Return an address in lower case, the form in which users sign in."""
        return super().normalize_email(email).lower()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A person with an account; buyers, practitioners and staff alike."""

    username: None = None  # type: ignore[assignment]
    first_name = models.CharField("first name", max_length=150, blank=True, validators=[check_name])
    last_name = models.CharField("last name", max_length=150, blank=True, validators=[check_name])
    email = models.EmailField("e-mail address", unique=True)
    email_verified_at = models.DateTimeField(
        null=True, editable=False, help_text="when the owner of the address first proved to be its owner"
    )

    billing_name = models.CharField(
        "name for receipts",
        max_length=NAME_MAX,
        blank=True,
        default="",
        db_default="",
        validators=[check_one_line],
        help_text="name or company; without it, receipts name the person",
    )
    billing_address = models.CharField(
        "address for receipts",
        max_length=ADDRESS_MAX,
        blank=True,
        default="",
        db_default="",
        validators=[check_address],
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique")]
        # For ``istartswith``.
        indexes = [
            models.Index(OpClass(Upper("email"), name="text_pattern_ops"), name="user_by_email"),
            models.Index(OpClass(Upper("first_name"), name="text_pattern_ops"), name="user_by_first_name"),
            models.Index(OpClass(Upper("last_name"), name="text_pattern_ops"), name="user_by_last_name"),
            models.Index(fields=["id"], condition=models.Q(is_staff=True), name="user_of_staff"),
            models.Index(fields=["id"], condition=models.Q(is_superuser=True), name="user_of_all_rights"),
            models.Index(fields=["id"], condition=models.Q(is_active=False), name="user_left"),
        ]
        triggers = [
            # In the database, so that changes by SQL or ``update()`` are recorded too.
            pgtrigger.Trigger(
                name="note_contact_change",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("email", "first_name", "last_name"),  # type: ignore[no-untyped-call]
                condition=pgtrigger.AnyChange("email", "first_name", "last_name"),
                func="INSERT INTO accounts_contactchange (user_id) VALUES (NEW.id); RETURN NULL;",
            ),
            # One address per account: a new address removes the old one's rows and its verification.
            pgtrigger.Trigger(
                name="one_address",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("email"),  # type: ignore[no-untyped-call]
                condition=pgtrigger.Condition("lower(OLD.email) <> lower(NEW.email)"),
                func="""
                    DELETE FROM account_emailaddress WHERE user_id = NEW.id AND email <> lower(NEW.email);
                    IF NEW.email_verified_at IS NOT DISTINCT FROM OLD.email_verified_at THEN
                        NEW.email_verified_at = NULL;
                    END IF;
                    RETURN NEW;""",
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    def clean(self) -> None:
        """Check first and last name as the one name that they make; called by forms."""
        super().clean()
        self.first_name, self.last_name = clean_name(self.first_name), clean_name(self.last_name)
        check_name(self.get_full_name())
        self.billing_address = clean_address(self.billing_address)

    @property
    def is_erased(self) -> bool:
        """Whether the person was erased: nobody can sign in to the account, and no mail is sent."""
        return self.email.endswith(ERASED_DOMAIN)

    def set_name(self, name: str) -> None:
        """Take a full name, without saving it; raises ValidationError."""
        self.first_name, self.last_name = split_name(clean_name(name))

    @property
    def public_name(self) -> str:
        """What others see: the name, and of a person who has told none, the first letters of the address."""
        return self.get_full_name() or mask_email(self.email)


class ContactChange(models.Model):
    """A change of a user's e-mail address or name that is not copied to Stripe yet. The row is the job.

    A trigger on the user's table inserts it in the transaction of the change. The worker deletes it after the copy.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="contact_changes")
    seen_at = models.DateTimeField(null=True, help_text="when the worker first saw it")
    next_try_at = models.DateTimeField(null=True, help_text="when the worker tries again")

    def __str__(self) -> str:
        return f"{self.user_id}"


class AuditLogTrigger(pgtrigger.Protect):
    """Protects the admin log under the name that the trigger got when the model had another name."""

    def get_pgid(self, model: models.Model) -> str:
        return "pgtrigger_append_only_23ea1"


class AuditLogEntry(LogEntry):
    """An entry of the audit trail: Django's admin log, which nobody can change or delete."""

    class Meta:
        proxy = True
        verbose_name, verbose_name_plural = "audit log entry", "audit log entries"
        default_permissions = ("view",)
        triggers = [AuditLogTrigger(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"{name} is not a time zone; use a name such as Europe/Lisbon.")


class Practitioner(models.Model):
    """The public profile of a user who offers services. Availability is in this profile's time zone."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="practitioner")
    display_name = models.CharField(max_length=120, validators=[check_one_line])
    slug = models.SlugField(unique=True)
    headline = models.CharField(max_length=160, blank=True)
    bio = models.TextField(blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])

    def __str__(self) -> str:
        return self.display_name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)
