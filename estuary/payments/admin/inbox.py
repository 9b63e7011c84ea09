"""The inbox of Stripe's events: what arrived, its outcome, and replaying it."""

import json
from datetime import timedelta
from typing import Any, cast

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.timesince import timesince
from unfold.decorators import action, display

from estuary.accounts.models import User
from estuary.accounts.staff import audit
from estuary.common import clock
from estuary.common.admin.base import (
    NOTHING,
    ConfirmPage,
    ReadOnlyAdmin,
    change_url,
    column,
    moment_column,
    row_or_404,
    stripe_link,
)
from estuary.common.admin.pagination import key_before_newest
from estuary.common.admin.search_terms import read_search_term
from estuary.common.observability.redaction import redact
from estuary.payments.admin.actions import confirmed_action
from estuary.payments.admin.event_outcomes import describe_outcome
from estuary.payments.admin.order_detail import events_about
from estuary.payments.admin.search.finders import find_events
from estuary.payments.inbox import processor
from estuary.payments.models import WebhookEvent

LATE_AFTER = timedelta(minutes=5)
MAX_REPLAYED = 1_000
AGES = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


class AgeFilter(admin.SimpleListFilter):
    title, parameter_name = "age", "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("late", "unsettled for 5 minutes"), *((name, f"of the last {name}") for name in AGES)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> QuerySet[WebhookEvent]:
        at = clock.now()
        if self.value() == "late":
            return queryset.filter(status=WebhookEvent.Status.PENDING, received_at__lte=at - LATE_AFTER)
        since = AGES.get(self.value() or "")
        return queryset.filter(received_at__gte=at - since) if since else queryset


class AttemptsFilter(admin.SimpleListFilter):
    title, parameter_name = "attempts", "attempts"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("0", "none yet"), ("1", "one"), ("more", "more than one")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> QuerySet[WebhookEvent]:
        match self.value():
            case "0" | "1" as number:
                return queryset.filter(attempts=int(number))
            case "more":
                return queryset.filter(attempts__gt=1)
        return queryset


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    list_display = (
        "type",
        "status_label",
        "attempts",
        "age",
        "what_became",
        "stripe_event_id",
        "received",
    )
    list_filter = ("status", AgeFilter, AttemptsFilter, "livemode")
    indexed_filters = {"status__exact": {"pending", "dead"}, "age": None}
    # get_search_results replaces this; it only shows the search field.
    search_fields = ("stripe_event_id__exact",)
    search_help_text = (
        "Event (evt_…), its beginning or its end, payment (pi_…, cs_…) or the beginning of a type,"
        " among the newest 100,000"
    )
    fields = (
        ("type", "status_label", "attempts"),
        ("event", "api_version", "livemode"),
        ("created_at", "received_at"),
        ("settled_at", "due_at"),
        "attempt_started_at",
        "outcome_in_words",
        "error",
        "body",
    )
    received = moment_column("received_at", "Received")
    age = column(
        "Age", lambda event: timesince(event.received_at, clock.now(), depth=1), ordering="received_at"
    )
    outcome_in_words = column("Outcome", lambda row: describe_outcome(row.outcome) or NOTHING)
    event = column("Event", lambda row: stripe_link("events", row.stripe_event_id))
    actions = ("replay_selected",)
    actions_detail: Any = ("replay",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        rows = super().get_queryset(request)
        match = request.resolver_match
        return (
            rows.defer("payload") if match and match.url_name == "payments_webhookevent_changelist" else rows
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookEvent], search_term: str
    ) -> tuple[QuerySet[WebhookEvent], bool]:
        term = read_search_term(search_term)
        if term.startswith(("pi_", "cs_")):
            return queryset.filter(pk__in=events_about([term]).values("pk")), False
        if not term:
            return queryset, False
        keys = list(find_events(term))
        if keys or term.startswith("evt_"):
            return queryset.filter(pk__in=keys), False
        return queryset.filter(
            pk__gt=key_before_newest(WebhookEvent.objects.all()), type__startswith=term
        ), False

    @display(description="Outcome")
    def what_became(self, event: WebhookEvent) -> str:
        unended = event.status == WebhookEvent.Status.PENDING and event.attempt_started_at
        started = "An attempt was started and has not ended. " if unended else ""
        return f"{started}{event.error}" or describe_outcome(event.outcome) or NOTHING

    @display(description="Payload")
    def body(self, event: WebhookEvent) -> str:
        text = redact(json.dumps(event.payload, indent=2, ensure_ascii=False))
        style = "font-family: monospace; white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.5"
        return format_html('<pre style="{}">{}</pre>', style, text)

    def has_replay_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("payments.change_webhookevent")

    @admin.action(description="Replay the selected events", permissions=["replay"])
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> None:
        selected = list(queryset.order_by("pk")[: MAX_REPLAYED + 1])
        rows = selected[:MAX_REPLAYED]
        with transaction.atomic():
            count = processor.replay(rows)
            for row in rows:
                audit.record(cast(User, request.user), row, "Replayed")
        events = "1 event is" if count == 1 else f"{count:,} events are"
        remaining = " There are more: choose again for the rest." if len(selected) > len(rows) else ""
        messages.success(request, f"{events} in the queue again.{remaining}")

    @action(description="Replay", url_path="replay", icon="replay", permissions=["replay"])
    def replay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        event = row_or_404(WebhookEvent.objects.all(), object_id)

        def run() -> str:
            processor.replay([event])
            return "Put the event into the queue again."

        act = ConfirmPage(
            title="Replay",
            text="Puts the event back into the queue, whatever its outcome was. Settling it again does no harm.",
            button="Replay",
            back=change_url(event),
            facts=(
                ("Event", event.stripe_event_id),
                ("Type", event.type),
                ("Status", event.get_status_display()),
            ),
        )
        return confirmed_action(self, request, event, act, run)
