"""The world of a run: a database of its own, built once. Before each scenario only what changed is wiped."""

from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, connections
from django.test import Client

from estuary.accounts.models import Practitioner, User
from estuary.accounts.staff.sign_in import BACKEND
from estuary.catalog.models import Service, ServiceType
from tests.factories import REFUNDING, make_practitioner, make_service, make_sessions, make_staff, make_user
from tests.simulation.staff_members import make_members
from tests.template_database import LOCK, database_address, ensure_template, use_database

TEMPLATE = "estuary_simulation"
# Everything in it that JSON, LIKE or a table's row in text writes in another way.
LEAVER = 'Zenobia Quastenflosser-O\'Hara \\ "%_Ünal"'
NAME_MAX = Service._meta.get_field("name").max_length
# What may change of a person in a scenario, by themselves, by staff, or by their erasure.
OF_A_PERSON = ("email", "first_name", "last_name", "password", "is_active", "email_verified_at")
PER_SESSION = (
    "-c synchronous_commit=off -c deadlock_timeout=1ms -c jit=off -c plan_cache_mode=force_generic_plan"
)


@dataclass
class World:
    """Who is there before anything happens, and what is on sale."""

    buyers: list[User] = field(default_factory=list)
    staff: list[User] = field(default_factory=list)
    members: dict[str, User] = field(default_factory=dict)  # of staff, each with a few permissions
    cookies: dict[str, str] = field(default_factory=dict)  # of their sessions at the admin
    hoarders: list[User] = field(default_factory=list)
    practitioners: list[Practitioner] = field(default_factory=list)
    services: dict[str, Service] = field(default_factory=dict)


def longest(name: str) -> str:
    """Return a service's name that is as long as staff may make it: what is composed of it must find room."""
    return name.ljust(NAME_MAX or 0, "~")


def open_database(name: str) -> "psycopg.Connection[tuple[object, ...]]":
    """Make a fresh database for this process, point Django at it, and return a connection to watch it with."""
    mine: Any = settings.DATABASES["default"]
    mine["OPTIONS"].pop("pool", None)
    ensure_template(TEMPLATE, _keep_rows_in_place)
    with psycopg.connect(**database_address(), autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        _drop_what_was_left(admin)
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}"')
        use_database(name)
        mine["OPTIONS"]["options"] = PER_SESSION
        return psycopg.connect(**database_address(), autocommit=True, options=PER_SESSION)


def drop_database(name: str) -> None:
    connections.close_all()
    use_database("postgres")
    with psycopg.connect(**database_address(), autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _drop_what_was_left(admin: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Drop the databases of processes that were killed: nobody is connected to them."""
    left = admin.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        " AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = pg_database.datname)",
        [TEMPLATE + "_"],
    )
    for (name,) in left.fetchall():
        admin.execute(f'DROP DATABASE IF EXISTS "{name}"')


def _keep_rows_in_place() -> None:
    """Turn autovacuum off: where rows lie, and so their order, must not depend on when it comes by."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'ALTER TABLE "{table}" SET (autovacuum_enabled = false)')


def build_world() -> World:
    """Two practitioners, three buyers, and one of each thing that is sold, some with few seats."""
    world = World(
        buyers=[make_user(name) for name in ("Maya Lindqvist", "Tom Achterberg", "Noor Haddad", LEAVER)],
        staff=[make_staff("Ines Duarte", *REFUNDING)],
        practitioners=[make_practitioner("Ana Ribeiro"), make_practitioner("Bela Novak")],
        hoarders=[make_user(name) for name in ("Hank Early", "Hope Early", "Hal Early", "Hetty Early")],
    )
    ana, bela = world.practitioners
    session = make_service(ServiceType.SESSION, ana, usd=8000, name=longest("a massage"))
    cheap = make_service(ServiceType.SESSION, bela, usd=3333, name=longest("a breathing lesson"))
    workshop = make_service(ServiceType.WORKSHOP, bela, usd=4500, name=longest("a workshop"))
    course = make_service(ServiceType.COURSE, bela, usd=12001, name=longest("a course"))
    make_sessions(workshop, 2, capacity=2)
    make_sessions(course, 3, capacity=1, in_days=11)
    package = make_service(
        ServiceType.PACKAGE, ana, holds=[session, cheap, workshop], usd=13000, name=longest("a package")
    )
    bundle = make_service(
        ServiceType.BUNDLE,
        ana,
        bundle_of=session,
        bundle_quantity=3,
        bundle_bonus=1,
        usd=20001,
        name=longest("a bundle"),
    )
    single = {"session": session, "lesson": cheap, "workshop": workshop, "course": course}
    world.services = single | {"package": package, "bundle": bundle}
    world.members = make_members()
    world.cookies = {name: _sign_in(member) for name, member in world.members.items()}
    return world


def _sign_in(member: User) -> str:
    browser = Client()
    browser.force_login(member, BACKEND)
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


class Wiper:
    """Puts the database back to the world as it was built: later rows go, and sequences begin where they began."""

    def __init__(self, outside_connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        self._outside_connection = outside_connection
        outside_connection.execute(
            "SET session_replication_role = replica"
        )  # as superuser: no guards, no foreign keys
        rows = outside_connection.execute(
            "SELECT t.table_name, pg_get_serial_sequence(quote_ident(t.table_name), 'id') "
            "FROM information_schema.tables t JOIN information_schema.columns c USING (table_schema, table_name) "
            "WHERE t.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.column_name = 'id' ORDER BY 1"
        ).fetchall()
        self._kept = {
            str(table): (str(sequence), self._last(str(table))) for table, sequence in rows if sequence
        }
        others = set(connection.introspection.table_names()) - self._kept.keys()
        self._people = outside_connection.execute(
            f"SELECT id, {', '.join(OF_A_PERSON)} FROM accounts_user"
        ).fetchall()
        self._dates = outside_connection.execute(
            "SELECT s.starts_at, s.ends_at, s.id, e.during, e.id, s.capacity FROM catalog_servicesession s"
            " JOIN catalog_calendarentry e ON e.id = s.calendar_entry_id"
        ).fetchall()
        self._empty = sorted(table for table in others if not self._has_rows(table))

    def _last(self, table: str) -> int:
        row = self._outside_connection.execute(f'SELECT coalesce(max(id), 0) FROM "{table}"').fetchone()
        assert row
        return int(str(row[0]))

    def _has_rows(self, table: str) -> bool:
        return bool(self._outside_connection.execute(f'SELECT 1 FROM "{table}" LIMIT 1'.encode()).fetchone())

    def wipe(self) -> None:
        deletes = [f'DELETE FROM "{table}" WHERE id > {last}' for table, (_, last) in self._kept.items()]
        sets = [f"setval('{sequence}', {last + 1}, false)" for sequence, last in self._kept.values()]
        values = ", ".join(f"{column} = %s" for column in OF_A_PERSON)
        for user_id, *person in self._people:  # past the trigger that notes a change
            self._outside_connection.execute(
                f"UPDATE accounts_user SET {values} WHERE id = %s", [*person, user_id]
            )
        taken = "UPDATE catalog_servicesession SET taken = 0, join_url = '' WHERE taken > 0 OR join_url > ''"
        deletes += [f'DELETE FROM "{table}"' for table in self._empty]
        self._outside_connection.execute("; ".join([*deletes, taken, "SELECT " + ", ".join(sets)]).encode())
        self._put_dates_back()
        for *_, session_id, _, _, capacity in self._dates:
            self._outside_connection.execute(
                "UPDATE catalog_servicesession SET capacity = %s WHERE id = %s AND capacity <> %s",
                [capacity, session_id, capacity],
            )

    def _put_dates_back(self) -> None:
        """Put dates that were moved or called off back; away first, so that none overlaps another on its way."""
        changed = self._outside_connection.execute(
            "SELECT id FROM catalog_servicesession WHERE called_off_at IS NOT NULL OR"
            " (starts_at, id) NOT IN (SELECT * FROM unnest(%s::timestamptz[], %s::bigint[]))",
            [[row[0] for row in self._dates], [row[2] for row in self._dates]],
        ).fetchall()
        closed = self._outside_connection.execute(
            "SELECT 1 FROM catalog_calendarentry WHERE is_closed LIMIT 1"
        ).fetchall()
        if not changed and not closed:
            return
        self._outside_connection.execute(
            "UPDATE catalog_calendarentry SET is_closed = false, during = tstzrange(far, far + interval '1 hour')"
            " FROM (SELECT id AS key, timestamptz '2099-01-01' + id * interval '1 day' AS far"
            "       FROM catalog_calendarentry) one WHERE one.key = catalog_calendarentry.id"
        )
        for starts_at, ends_at, session_id, during, entry_id, _ in self._dates:
            self._outside_connection.execute(
                "UPDATE catalog_servicesession SET starts_at = %s, ends_at = %s, called_off_at = NULL WHERE id = %s",
                [starts_at, ends_at, session_id],
            )
            self._outside_connection.execute(
                "UPDATE catalog_calendarentry SET during = %s WHERE id = %s", [during, entry_id]
            )
