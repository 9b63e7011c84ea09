"""Services of five types, their prices, their group sessions, the contents of packages, and practitioners' hours."""

from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

import pgtrigger
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Q

from estuary.accounts.models import Practitioner
from estuary.catalog.bounds import (
    BUNDLE_MAX,
    CAPACITY_MAX,
    DURATION_MAX,
    DURATION_MIN,
    EARLIEST,
    FREE_CANCEL_MAX_HOURS,
    LATEST,
    MOVES_DEFAULT,
    MOVES_MAX,
    REMINDER_MAX_HOURS,
    SESSION_MAX,
    VALIDITY_MAX_DAYS,
    check_date,
)
from estuary.catalog.calendar import CalendarEntry, move_entry
from estuary.catalog.venues import JOIN_URL_MAX, Venue, check_https_url
from estuary.common.money import MAX_MINOR, MAX_MINOR_OF
from estuary.common.validators import check_one_line

# As an end time, 00:00 means 24:00, the end of the day: Python's ``time`` can't hold 24:00.
MIDNIGHT = time(0)
# A longer hold would keep unpaid seats from other buyers.
HOLD_MAX_S = 24 * 60 * 60


class ServiceType(models.TextChoices):
    SESSION = "session"  # 1-on-1: the buyer picks a start
    WORKSHOP = "workshop"  # a group: the buyer picks one of its sessions
    COURSE = "course"  # a group: all its sessions, all or nothing
    PACKAGE = "package"  # a set of different services
    BUNDLE = "bundle"  # several of one session service


class Service(models.Model):
    """One thing a buyer can choose, offered by one practitioner."""

    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="services")
    type = models.CharField(max_length=16, choices=ServiceType)
    name = models.CharField(max_length=200, validators=[check_one_line])
    slug = models.SlugField(unique=True)
    category = models.CharField(max_length=60, blank=True)
    summary = models.CharField(max_length=240, blank=True)
    description = models.TextField(blank=True)
    location = models.CharField(max_length=120, default="Online")
    venue = models.ForeignKey(
        Venue,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="services",
        # Services are few, and only the deletion of a venue looks for those in it.
        db_index=False,
        help_text="Where it takes place. Empty: online.",
    )
    # Only who has booked sees it: it is in no catalogue, no snapshot and nothing that goes to Stripe.
    join_url = models.CharField(
        max_length=JOIN_URL_MAX,
        blank=True,
        default="",
        db_default="",
        validators=[check_https_url],
        help_text="The link to an online meeting. Only who has booked sees it.",
    )
    duration_min = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(DURATION_MIN), MaxValueValidator(DURATION_MAX)]
    )
    slot_step_min = models.PositiveIntegerField(
        default=30, validators=[MinValueValidator(DURATION_MIN), MaxValueValidator(DURATION_MAX)]
    )
    active = models.BooleanField(default=True)
    sale_starts_at = models.DateTimeField(null=True, blank=True, validators=[check_date])
    sale_ends_at = models.DateTimeField(null=True, blank=True, validators=[check_date])
    free_cancel_hours = models.PositiveIntegerField(
        default=24,
        validators=[MaxValueValidator(FREE_CANCEL_MAX_HOURS)],
        help_text="a buyer who cancels earlier is refunded",
    )
    max_moves = models.PositiveSmallIntegerField(
        default=MOVES_DEFAULT,
        db_default=MOVES_DEFAULT,
        validators=[MaxValueValidator(MOVES_MAX)],
        help_text="how often a buyer may move a booking to another time, as early as a cancellation is free",
    )
    reminder_hours = models.PositiveSmallIntegerField(
        default=24,
        db_default=24,
        validators=[MaxValueValidator(REMINDER_MAX_HOURS)],
        help_text="Who has booked is reminded so many hours before. 0: not at all.",
    )
    hold_s = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(10), MaxValueValidator(HOLD_MAX_S)],
        help_text="In seconds. Empty: the default.",
    )
    validity_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(VALIDITY_MAX_DAYS)],
        help_text="packages and bundles",
    )
    bundle_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="bundles",
        help_text="a session service",
    )
    bundle_quantity = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(BUNDLE_MAX)])
    bundle_bonus = models.PositiveIntegerField(
        default=0, validators=[MaxValueValidator(BUNDLE_MAX)], help_text="given on top, at no price"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="service_bundle_is_whole",
                condition=Q(type="bundle", bundle_of__isnull=False, bundle_quantity__gt=0)
                | (~Q(type="bundle") & Q(bundle_of=None, bundle_quantity=0, bundle_bonus=0)),
            ),
            models.CheckConstraint(
                name="service_hold_at_most_a_day", condition=Q(hold_s=None) | Q(hold_s__range=(1, HOLD_MAX_S))
            ),
            models.CheckConstraint(
                name="service_duration_positive", condition=Q(duration_min__gt=0, slot_step_min__gt=0)
            ),
            models.CheckConstraint(
                name="service_numbers_within_limits",
                condition=Q(
                    duration_min__lte=DURATION_MAX,
                    slot_step_min__lte=DURATION_MAX,
                    free_cancel_hours__lte=FREE_CANCEL_MAX_HOURS,
                    bundle_quantity__lte=BUNDLE_MAX,
                    bundle_bonus__lte=BUNDLE_MAX,
                )
                & (Q(validity_days=None) | Q(validity_days__lte=VALIDITY_MAX_DAYS)),
            ),
            models.CheckConstraint(
                name="service_sale_within_limits",
                condition=(Q(sale_starts_at=None) | Q(sale_starts_at__range=(EARLIEST, LATEST)))
                & (Q(sale_ends_at=None) | Q(sale_ends_at__range=(EARLIEST, LATEST))),
            ),
        ]
        indexes = [
            models.Index(fields=["type", "id"], condition=Q(active=True), name="service_active_by_type"),
            # For staff, who have a word of its name.
            GinIndex(SearchVector("name", config="simple"), name="service_by_word"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def place(self) -> Venue | None:
        """Return where it takes place: a bundle's sessions are where that session service is."""
        return self.bundle_of.venue if self.bundle_of else self.venue

    def is_on_sale(self, at: datetime) -> bool:
        """Return whether the service may be sold at this moment."""
        has_started = self.sale_starts_at is None or self.sale_starts_at <= at
        has_ended = self.sale_ends_at is not None and self.sale_ends_at <= at
        return self.active and has_started and not has_ended


class ServicePrice(models.Model):
    """The price of a service in one currency, in minor units."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="prices", db_index=False)
    currency = models.CharField(max_length=3)
    amount_minor = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service", "currency"], name="service_price_once_per_currency"),
            models.CheckConstraint(name="service_price_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="service_price_can_be_charged",
                condition=(~Q(currency__in=sorted(MAX_MINOR_OF)) & Q(amount_minor__lte=MAX_MINOR))
                | Q(
                    *(
                        Q(currency=currency_code, amount_minor__lte=max_minor)
                        for currency_code, max_minor in MAX_MINOR_OF.items()
                    ),
                    _connector=Q.OR,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency}"


class ServiceSession(models.Model):
    """One meeting of a workshop or a course. ``taken`` counts its held and confirmed seats."""

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="sessions", db_index=False)
    starts_at = models.DateTimeField(validators=[check_date])
    ends_at = models.DateTimeField(validators=[check_date])
    capacity = models.PositiveIntegerField(validators=[MaxValueValidator(CAPACITY_MAX)])
    taken = models.PositiveIntegerField(default=0, editable=False)
    join_url = models.CharField(
        max_length=JOIN_URL_MAX,
        blank=True,
        default="",
        db_default="",
        validators=[check_https_url],
        help_text="Of this date. Empty: the service's.",
    )
    called_off_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="It does not take place: no seat is sold any more."
    )
    calendar_entry = models.OneToOneField(CalendarEntry, on_delete=models.PROTECT, editable=False)
    calendar_sequence = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Counts the versions of its calendar entry."
    )

    class Meta:
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(name="session_never_oversold", condition=Q(taken__lte=F("capacity"))),
            models.CheckConstraint(name="session_ends_after_start", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(
                name="session_within_limits",
                condition=Q(
                    starts_at__gte=EARLIEST,
                    ends_at__lte=LATEST,
                    capacity__lte=CAPACITY_MAX,
                )
                & Q(ends_at__lte=F("starts_at") + SESSION_MAX),
            ),
        ]
        indexes = [
            models.Index(fields=["service", "starts_at"], name="session_by_service"),
            models.Index(fields=["starts_at"], name="session_by_start"),
        ]
        triggers = [
            # In the database, so that each way of moving or calling off a date counts. Seats are not counted.
            pgtrigger.Trigger(
                name="count_calendar_versions",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("starts_at", "ends_at", "called_off_at"),  # type: ignore[no-untyped-call]
                condition=pgtrigger.AnyChange("starts_at", "ends_at", "called_off_at"),
                func="NEW.calendar_sequence = OLD.calendar_sequence + 1; RETURN NEW;",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} at {self.starts_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Update the practitioner's calendar too, so that its constraint checks a moved session."""
        with transaction.atomic():
            if self._state.adding:
                self.calendar_entry = CalendarEntry.objects.create(
                    practitioner_id=self.service.practitioner_id,
                    during=DateTimeTZRange(self.starts_at, self.ends_at),
                )
            elif self._may_be_moved(kwargs.get("update_fields")):
                move_entry(self.calendar_entry_id, self.starts_at, self.ends_at)
            super().save(*args, **kwargs)

    @staticmethod
    def _may_be_moved(update_fields: Iterable[str] | None) -> bool:
        return update_fields is None or bool({"starts_at", "ends_at"} & set(update_fields))

    @property
    def is_called_off(self) -> bool:
        return self.called_off_at is not None

    @property
    def seats_left(self) -> int:
        return max(self.capacity - self.taken, 0)


class PackageItem(models.Model):
    """One service inside a package; the package's price is divided in proportion to the items' own prices."""

    package = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="items", db_index=False)
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="in_packages")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["package", "service"], name="package_item_once"),
            models.CheckConstraint(name="package_not_in_itself", condition=~Q(package=F("service"))),
        ]

    def __str__(self) -> str:
        return f"{self.package_id} holds {self.service_id}"


class Availability(models.Model):
    """A weekly window, in the practitioner's own time zone, in which 1-on-1 sessions can be booked."""

    practitioner = models.ForeignKey(Practitioner, on_delete=models.CASCADE, related_name="availability")
    weekday = models.PositiveSmallIntegerField(
        choices=list(
            enumerate(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"])
        )
    )
    starts = models.TimeField()
    ends = models.TimeField(help_text="24:00 is midnight, the end of the day")

    class Meta:
        verbose_name_plural = "availability"
        ordering = ["weekday", "starts"]
        constraints = [
            models.CheckConstraint(
                name="availability_ends_by_midnight", condition=Q(ends__gt=F("starts")) | Q(ends=MIDNIGHT)
            ),
            models.CheckConstraint(name="availability_weekday", condition=Q(weekday__lte=6)),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {describe_window(self.starts, self.ends)}"


class AvailabilityException(models.Model):
    """A window of one date, in the practitioner's own time zone. The windows of a date replace its weekly ones.

    A row without times closes the whole date, and is then its only row.
    """

    practitioner = models.ForeignKey(
        Practitioner, on_delete=models.CASCADE, related_name="availability_exceptions", db_index=False
    )
    day = models.DateField("date")
    starts = models.TimeField(null=True, blank=True)
    ends = models.TimeField(null=True, blank=True, help_text="24:00 is midnight, the end of the day")

    class Meta:
        verbose_name = "day with other hours"
        verbose_name_plural = "days with other hours"
        ordering = ["day", "starts"]
        constraints = [
            # Its index also finds the days of a practitioner.
            models.UniqueConstraint(
                fields=["practitioner", "day", "starts"],
                nulls_distinct=False,
                name="availability_exception_once",
            ),
            models.CheckConstraint(
                name="availability_exception_ends_by_midnight",
                condition=Q(starts=None, ends=None)
                | (
                    Q(starts__isnull=False, ends__isnull=False) & (Q(ends__gt=F("starts")) | Q(ends=MIDNIGHT))
                ),
            ),
        ]

    def __str__(self) -> str:
        hours = "closed" if self.starts is None else describe_window(self.starts, self.ends)
        return f"{self.day:%d %b %Y} {hours}"


def describe_window(starts: time, ends: time | None) -> str:
    """Return a window as people write it, such as 09:00–24:00."""
    last = "24:00" if ends is None or ends == MIDNIGHT else f"{ends:%H:%M}"
    return f"{starts:%H:%M}–{last}"
