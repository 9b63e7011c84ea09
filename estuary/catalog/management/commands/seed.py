"""Fill the catalogue with demonstration data, where no money is real. Safe to run repeatedly.

The sandbox gets users with a known password too. A shop with test keys may be public, so its users get no password, and
buyers sign up.
"""

from datetime import datetime, time, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction
from django.db.models import Max

from estuary.accounts.models import Practitioner, User
from estuary.catalog.management.seed_data import (
    BUYERS,
    HOSTS,
    OFFERS,
    PLACES,
    STAFF,
    Dates,
    Host,
    Offer,
    Person,
)
from estuary.catalog.models import (
    Availability,
    PackageItem,
    Service,
    ServicePrice,
    ServiceSession,
    ServiceType,
)
from estuary.catalog.venues import Venue
from estuary.common import clock
from estuary.common.livemode import is_live
from estuary.common.money import to_minor

PASSWORD = "estuary-demo"  # noqa: S105 the demo prints it; nobody has it elsewhere
# Dates are far enough ahead that a visitor can cancel free of charge.
FIRST_IN = timedelta(days=2)
COMPOSITE = {ServiceType.PACKAGE, ServiceType.BUNDLE}
JOIN_URL = "https://meet.estuary.example/{}"


class Command(BaseCommand):
    help = "Write practitioners, services of all five types, dates in the coming weeks; in the sandbox people, too."

    def handle(self, *args: Any, **options: Any) -> None:
        if is_live():
            raise CommandError(
                "STRIPE_SECRET_KEY is a live key, and what the seed offers is made up: nobody could deliver it. Add "
                f"your own practitioners and services in the admin, {settings.FRONTEND_URL}/admin/catalog/service/add/ "
                "(an account for it: manage.py createsuperuser), or run the seed with test keys."
            )
        with transaction.atomic():
            seed(at=clock.now())
        self.stdout.write(f"{Service.objects.count()} services, {ServiceSession.objects.count()} dates.")
        if not settings.SANDBOX:
            self.stdout.write(
                f"Sign up at {settings.FRONTEND_URL}/sign-up/ to buy; for the admin: manage.py createsuperuser"
            )
            return
        people = [STAFF, *BUYERS, *(host.person for host in HOSTS)]
        self.stdout.write(
            f"Sign in with the password {PASSWORD} as " + ", ".join(person.email for person in people)
        )


def seed(*, at: datetime) -> None:
    """Create what is missing and keep what exists; past dates are followed by new ones."""
    # Hashed once for all users, since hashing is slow by design. Without a password nobody can sign in.
    password = make_password(PASSWORD if settings.SANDBOX else None)
    for person in (STAFF, *BUYERS) if settings.SANDBOX else ():
        _user(person, password)
    for host in HOSTS:
        _practitioner(host, password)
    for place in PLACES:
        owner = Practitioner.objects.get(slug=place.host) if place.host else None
        details = {"address": place.address, "time_zone": place.time_zone, "directions": place.directions}
        Venue.objects.get_or_create(practitioner=owner, name=place.name, defaults=details)
    for offer in OFFERS:
        service = _service(offer, at)
        if offer.dates:
            _sessions(service, offer, offer.dates, at)


def _user(person: Person, password: str) -> User:
    names = {"first_name": person.first_name, "last_name": person.last_name}
    rights = {"is_staff": person.is_staff, "is_superuser": person.is_staff}
    user, _ = User.objects.get_or_create(
        email=person.email, defaults={**names, **rights, "password": password}
    )
    EmailAddress.objects.get_or_create(
        user=user, email=person.email, defaults={"primary": True, "verified": True}
    )
    return user


def _practitioner(host: Host, password: str) -> None:
    practitioner, new = Practitioner.objects.get_or_create(
        slug=host.slug,
        defaults={
            "user": _user(host.person, password),
            "display_name": f"{host.person.first_name} {host.person.last_name}",
            "headline": host.headline,
            "bio": host.bio,
            "time_zone": host.time_zone,
        },
    )
    if new:
        Availability.objects.bulk_create(
            Availability(practitioner=practitioner, weekday=day, starts=starts, ends=ends)
            for days, starts, ends in host.hours
            for day in days
        )


def _service(offer: Offer, at: datetime) -> Service:
    service, _ = Service.objects.get_or_create(
        slug=_slug(offer, at),
        defaults={
            "practitioner": Practitioner.objects.get(slug=offer.host),
            "type": offer.type,
            "name": offer.name,
            "category": offer.category,
            "summary": offer.summary,
            "description": offer.description or offer.summary,
            "location": offer.location,
            "venue": Venue.objects.filter(name=offer.venue).first() if offer.venue else None,
            "join_url": "" if offer.venue or offer.type in COMPOSITE else JOIN_URL.format(offer.slug),
            "duration_min": offer.duration_min,
            "bundle_of": Service.objects.get(slug=offer.bundle_of) if offer.bundle_of else None,
            "bundle_quantity": offer.bundle_quantity,
            "bundle_bonus": offer.bundle_bonus,
            **offer.rules,
        },
    )
    for currency, price in (("usd", offer.usd), ("eur", offer.eur)):
        ServicePrice.objects.get_or_create(
            service=service, currency=currency, defaults={"amount_minor": to_minor(price, currency)}
        )
    for position, slug in enumerate(offer.holds, start=1):
        PackageItem.objects.get_or_create(
            package=service, service=Service.objects.get(slug=slug), defaults={"position": position}
        )
    return service


def _slug(offer: Offer, at: datetime) -> str:
    """Return the slug. After a course has begun, its next run is a new service with its start date in the slug."""
    if offer.type != ServiceType.COURSE or not offer.dates:
        return offer.slug
    runs = Service.objects.filter(slug__startswith=offer.slug).order_by("-id").prefetch_related("sessions")
    for run in runs:
        if min((session.starts_at for session in run.sessions.all()), default=at) > at:
            return run.slug
    practitioner = Practitioner.objects.get(slug=offer.host)
    return f"{offer.slug}-{_first(offer.dates, practitioner, _after_earlier_runs(offer, at)):%Y-%m-%d}"


def _after_earlier_runs(offer: Offer, at: datetime) -> datetime:
    """Return when a new run may begin: after the previous run, because both meet at the same hour."""
    earlier = ServiceSession.objects.filter(
        service__slug__startswith=offer.slug, service__type=ServiceType.COURSE
    )
    ends_at: datetime | None = earlier.aggregate(last=Max("ends_at"))["last"]
    return max(at, ends_at) if ends_at else at


def _sessions(service: Service, offer: Offer, dates: Dates, at: datetime) -> None:
    if service.type == ServiceType.COURSE:
        if service.sessions.exists():
            return
        at = _after_earlier_runs(offer, at)
    first, length = _first(dates, service.practitioner, at), timedelta(minutes=service.duration_min)
    for week, capacity in enumerate(dates.capacities):
        starts_at = first + timedelta(weeks=week)  # same wall clock each week, whatever daylight saving does
        if not service.sessions.filter(starts_at=starts_at).exists():
            _session(service, starts_at, starts_at + length, capacity)


def _session(service: Service, starts_at: datetime, ends_at: datetime, capacity: int) -> None:
    try:
        with transaction.atomic():
            ServiceSession.objects.create(
                service=service, starts_at=starts_at, ends_at=ends_at, capacity=capacity
            )
    except IntegrityError:
        if service.type == ServiceType.COURSE:
            raise  # a course needs all of its meetings
        # The practitioner's time was taken since the last run; the other dates are kept.


def _first(dates: Dates, practitioner: Practitioner, at: datetime) -> datetime:
    """Return the first meeting that is at least FIRST_IN away, in the practitioner's time zone."""
    today = at.astimezone(practitioner.zone).date()
    for days in range(FIRST_IN.days, FIRST_IN.days + 8):
        day = today + timedelta(days=days)
        starts_at = datetime.combine(day, time.fromisoformat(dates.starts), practitioner.zone)
        if day.weekday() == dates.weekday and starts_at >= at + FIRST_IN:
            return starts_at
    raise AssertionError("a week has seven days")
