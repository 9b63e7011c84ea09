"""Who is there and what is on sale, made through the product's own functions before anybody is killed."""

from collections.abc import Sequence
from dataclasses import dataclass

from estuary.accounts.models import User
from estuary.catalog.models import Service, ServiceSession, ServiceType
from tests.factories import REFUNDING, make_practitioner, make_service, make_sessions, make_staff, make_user

HOSTS, STAFF = 6, 2
MANY, FEW = 1000, 5  # places of a date that all can have, and of one that everybody wants


@dataclass(frozen=True, slots=True)
class World:
    """Names for the API: people by e-mail address, services and dates by id."""

    buyers: list[str]
    staff: list[str]
    sessions: list[str]
    courses: list[str]
    endless: list[str]  # packages and bundles, whose times are chosen later
    dates: list[tuple[str, str]]  # a workshop and one of its dates


def make_world(buyers: int) -> World:
    """Write people and services into the database."""
    first_buyer = make_user("Buyer Chaos")
    users = [first_buyer, *(_with_password_of(first_buyer, number) for number in range(1, buyers))]
    staff = [make_staff("Staff Chaos", *REFUNDING) for _ in range(STAFF)]
    hosts = [make_practitioner(f"Host{number} Chaos") for number in range(HOSTS)]
    sessions = [
        make_service(ServiceType.SESSION, host, usd=4000 + 33 * number) for number, host in enumerate(hosts)
    ]
    workshops = [make_service(ServiceType.WORKSHOP, host, usd=2501) for host in hosts[:3]]
    meetings = [
        *make_sessions(workshops[0], 4, capacity=FEW),
        *make_sessions(workshops[1], 6, capacity=FEW),
        *make_sessions(workshops[2], 6, capacity=MANY),
    ]
    courses = [make_service(ServiceType.COURSE, host, usd=12_001) for host in hosts[3:5]]
    make_sessions(courses[0], 3, capacity=FEW, in_days=12)
    make_sessions(courses[1], 3, capacity=MANY, in_days=12)
    return World(
        buyers=[user.email for user in users],
        staff=[user.email for user in staff],
        sessions=_ids(sessions),
        courses=_ids(courses),
        endless=_ids(_packages_and_bundles(sessions, workshops[2])),
        dates=[_date(meeting) for meeting in meetings],
    )


def _with_password_of(first_buyer: User, number: int) -> User:
    """Hashing a password takes longer than all the rest."""
    email = f"buyer-{number}@estuary.example"
    return User.objects.create(
        email=email, password=first_buyer.password, first_name="Buyer", last_name=str(number)
    )


def _packages_and_bundles(sessions: Sequence[Service], workshop: Service) -> list[Service]:
    services = []
    for number, session in enumerate(sessions[:3]):
        host = session.practitioner
        services.append(
            make_service(ServiceType.PACKAGE, host, holds=[session, workshop], usd=6_001 + number)
        )
        services.append(
            make_service(
                ServiceType.BUNDLE,
                host,
                bundle_of=session,
                bundle_quantity=3,
                validity_days=90,
                usd=9_999 + number,
            )
        )
    return services


def _ids(services: Sequence[Service]) -> list[str]:
    return [str(service.pk) for service in services]


def _date(meeting: ServiceSession) -> tuple[str, str]:
    return str(meeting.service_id), str(meeting.pk)
