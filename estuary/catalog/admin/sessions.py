"""The admin form of a workshop's or course's dates: no overlap in the calendar, no capacity below the seats sold."""

from datetime import UTC, datetime
from typing import Any, cast

from django import forms
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.forms.models import BaseInlineFormSet

from estuary.catalog.bounds import SESSION_MAX
from estuary.catalog.calendar import CalendarEntry, entries_of, release_entries
from estuary.catalog.models import Service, ServiceSession, ServiceType

OVERLAP = "The practitioner is taken at that time: choose another, or move what is there."


class SessionForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ServiceSession
        fields = ("starts_at", "ends_at", "capacity", "join_url")
        labels = {"starts_at": "Starts (UTC)", "ends_at": "Ends (UTC)", "join_url": "Link to join"}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        begins, ends, seats = data.get("starts_at"), data.get("ends_at"), data.get("capacity")
        seats_taken = self.instance.taken
        if self.instance.is_called_off and self.changed_data:
            self.add_error(None, "This date was called off: add a new date instead.")
        if begins and ends and ends <= begins:
            self.add_error("ends_at", "A date must end after it begins.")
        if begins and ends and ends - begins > SESSION_MAX:
            self.add_error("ends_at", f"A date lasts {SESSION_MAX.days} days at most: is the year right?")
        if seats is not None and seats < seats_taken:
            self.add_error("capacity", f"Fewer than the seats that are taken already ({seats_taken}).")
        if seats_taken and self.is_moved:
            # Bookings have their own copy of the time, so moving the session would not move them.
            self.add_error(
                "starts_at",
                f"Seats are taken ({seats_taken}), so it can't be moved here: “Call off or move” moves its guests too.",
            )
        return data

    @property
    def is_moved(self) -> bool:
        return bool({"starts_at", "ends_at"} & set(self.changed_data))

    @property
    def during(self) -> DateTimeTZRange | None:
        """Return the interval of the form; None if it is invalid or deleted."""
        data = getattr(self, "cleaned_data", {})
        if self.errors or data.get("DELETE") or not data.get("starts_at") or not data.get("ends_at"):
            return None
        return DateTimeTZRange(data["starts_at"], data["ends_at"])


class SessionFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Several dates at once; none may overlap another, or an entry in the practitioner's calendar."""

    def get_queryset(self) -> Any:
        """Return the dates; when the form is sent, as they are once nobody else can take a seat or change them."""
        if self.is_bound and not hasattr(self, "_queryset"):
            self._lock_dates()
        return super().get_queryset()

    def _lock_dates(self) -> None:
        """Lock the service and its dates by id, as where a practitioner adds dates (own_dates/create_dates.py)."""
        services = Service.objects.filter(pk=self.instance.pk)
        dates = ServiceSession.objects.filter(service=self.instance.pk).order_by("pk")
        for rows in (services, dates):
            list(rows.select_for_update(no_key=True).values_list("pk"))

    def clean(self) -> None:
        super().clean()
        intervals: list[tuple[SessionForm, DateTimeTZRange]] = [
            (form, form.during) for form in cast(list[SessionForm], self.forms) if form.during is not None
        ]
        for position, (form, during) in enumerate(intervals):
            if any(_overlap(during, other) for _, other in intervals[:position]):
                form.add_error("starts_at", "This overlaps another date of this service.")
        moved = [(form, during) for form, during in intervals if form.is_moved and not form.errors]
        self._refuse_dates_of_sold_course(intervals)
        taken = self._taken(moved) if moved else []
        for form, during in moved:
            if any(_overlap(during, entry.during) for entry in taken):
                form.add_error("starts_at", OVERLAP)

    def _refuse_dates_of_sold_course(self, intervals: list[tuple[SessionForm, DateTimeTZRange]]) -> None:
        """A course is sold as a whole: who has bought it has no seat in a date that is added."""
        if self.instance.type != ServiceType.COURSE or not any(form.instance.taken for form in self.forms):
            return
        for form, _ in intervals:
            if form.instance.pk is None:
                form.add_error(
                    "starts_at",
                    "Guests have bought this course as it is and would have no seat in it: offer a new course instead.",
                )

    def _taken(self, moved: list[tuple[SessionForm, DateTimeTZRange]]) -> list[CalendarEntry]:
        """Return the other entries in the calendar at the times of the moved dates, in one query."""
        during = models.Q()
        for _, interval in moved:
            during |= models.Q(during__overlap=interval)
        own_entry_ids = [form.instance.calendar_entry_id for form in self.forms if form.instance.pk]
        return list(entries_of(self.instance.practitioner_id).filter(during).exclude(pk__in=own_entry_ids))

    def save(self, commit: bool = True) -> Any:
        """Save the dates in the calendar's order, as buyers take slots, so that neither deadlocks the other."""
        before, deleted = self.initial_form_count(), self.deleted_forms
        self.forms = [*sorted(self.forms[:before], key=_begin), *sorted(self.forms[before:], key=_begin)]
        # Django remembers by position which forms are ticked, so another date than that would be deleted.
        self._deleted_form_indexes = [index for index, form in enumerate(self.forms) if form in deleted]
        return super().save(commit=commit)

    def save_existing(self, form: Any, obj: Any, commit: bool = True) -> Any:
        """Save only the edited fields: ``taken`` may have changed since the page was opened."""
        edited = [name for name in form.changed_data if name in SessionForm.Meta.fields]
        if commit and edited:
            obj.save(update_fields=edited)
        return obj

    def delete_existing(self, obj: models.Model, commit: bool = True) -> None:
        """Delete the date and its entry in the practitioner's calendar, but for closed time."""
        session = cast(ServiceSession, obj)
        super().delete_existing(session, commit=commit)
        if commit:
            release_entries([session.calendar_entry_id])


def _begin(form: Any) -> datetime:
    return form.during.lower if form.during else datetime.max.replace(tzinfo=UTC)


def _overlap(first: DateTimeTZRange, second: DateTimeTZRange) -> bool:
    return bool(first.lower < second.upper and second.lower < first.upper)
