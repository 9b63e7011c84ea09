"""A practitioner who adds, changes, moves and calls off dates or days, while buyers pay, cancel and dispute."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.simulation.browser import Answer, Browser
from tests.simulation.draws import Draws
from tests.simulation.oracle import InvariantViolation

if TYPE_CHECKING:
    from tests.simulation.harness import Harness

WAYS = ("call off", "call off", "move", "days", "booking", "add", "change")
KEEPING = {"add", "change"}
TURNS = 4  # how often a preview that is outdated is confirmed anew
EXACTLY = "what is confirmed is what the preview said"
ROSTER = "/api/v1/roster/"
OWN_SESSIONS = (
    "SELECT s.id FROM catalog_servicesession s JOIN catalog_service v ON v.id = s.service_id"
    " WHERE v.practitioner_id = %s ORDER BY s.id"
)
WORDS = ["", "I am ill.", "<script>alert(1)</script>", "Bis bald!\nDeine Bela"]


class DatesPractitioner:
    """Looks at a preview and confirms it; looks again when things have changed meanwhile."""

    def __init__(self, harness: "Harness", draws: Draws) -> None:
        self.harness, self.draws = harness, draws
        practitioners = harness.world.practitioners
        # Bela has the workshop and the course, Ana the massages.
        self.practitioner = practitioners[draws.pick("who", [1, 1, 1, 0])]
        self.browser = Browser(harness.scheduler, harness.run_log, harness.recover, self.practitioner.user)

    def act(self) -> None:
        way = self.draws.pick("way", WAYS)
        if way in KEEPING:
            self._keep(way)
            return
        url, query = self._what(way)
        if not url:
            return
        preview = self.browser.ask("get", url, dict(query))
        for _ in range(TURNS):
            if not preview.fine:
                self.harness.run_log.add(f"{way} {url} {query} → {preview.status} {preview.get('code', '')}")
                return
            self.harness.scheduler.sleep(self.draws.between(0, 2))
            body = {"preview_id": preview["preview_id"], "message": self.draws.pick("words", WORDS), **query}
            answer = self.browser.ask("post", url, body)
            self.harness.run_log.add(f"{way} {url} {query} → {answer.status} {answer.get('code', '')}")
            if answer.get("code") == "preview_outdated":
                preview.clear()
                preview.update(answer["preview"])
                continue
            if answer.fine:
                self._check(preview, answer)
            if answer.status:
                return

    def _keep(self, way: str) -> None:
        """Add a date, or change one, as the draws say; sent again when no answer came, it is done once."""
        method, url, body = self._new_date() if way == "add" else self._changed_date()
        if not url:
            return
        key = f"keep-{self.draws.pick('key', range(1000))}" if way == "add" else ""
        for _ in range(TURNS):
            answer = self.browser.ask(method, url, body, key=key)
            self.harness.run_log.add(f"{way} {url} {body} → {answer.status} {answer.get('code', '')}")
            if answer.status and answer.get("code") != "idempotency_key_in_flight":
                break
            self.harness.scheduler.sleep(self.draws.between(1, 70))
        if answer.fine:
            for date in answer.get("results", [answer]):
                self.harness.effect_is_there(
                    "SELECT 1 FROM catalog_servicesession WHERE id = %s", int(date["id"])
                )

    def _new_date(self) -> tuple[str, str, dict[str, object]]:
        services = "SELECT id FROM catalog_service WHERE practitioner_id = %s ORDER BY id"
        starts_at = datetime.fromisoformat(self.harness.slots["lesson"][0]) + timedelta(
            days=self.draws.pick("days later", range(9)), hours=self.draws.pick("hours later", [0, 1, 12])
        )
        return (
            "post",
            f"{ROSTER}sessions/",
            {
                "service_id": str(self._some(services)),
                "start_datetime": starts_at.isoformat(),
                "capacity": self.draws.pick("seats", [1, 2, 5]),
                "weeks": self.draws.pick("weeks", [1, 1, 3]),
            },
        )

    def _changed_date(self) -> tuple[str, str, dict[str, object]]:
        session = self._some(OWN_SESSIONS)
        if not session:
            return "", "", {}
        url = f"{ROSTER}sessions/{session}/"
        date = self.browser.ask("get", url)
        if not date.fine:
            return "", "", {}
        self.harness.scheduler.sleep(self.draws.between(0, 2))
        body: dict[str, object] = {"version": date["version"]}
        what = self.draws.pick("what", ["seats", "seats", "link", "time"])
        if what == "seats":
            body["capacity"] = self.draws.pick("seats", [1, 2, 3, 5])
        elif what == "link":
            body["join_url"] = f"https://meet.example/{self.draws.pick('room', range(5))}"
        else:
            later = timedelta(hours=self.draws.pick("hours later", [-26, 1, 50]))
            for name in ("start_datetime", "end_datetime"):
                body[name] = (datetime.fromisoformat(date[name]) + later).isoformat()
        return "patch", url, body

    def _check(self, preview: Answer, answer: Answer) -> None:
        """What was begun has the rows of the preview, unless a worker was at it already."""
        self.harness.effect_is_there(
            "SELECT 1 FROM payments_datechange WHERE public_id = %s", answer["change_id"]
        )
        previewed = [(row["line"], row["act"], row["amount"]) for row in preview["rows"]]
        done = [(row["line"], row["act"], row["amount"]) for row in answer["rows"]]
        if previewed != done and all(row["status"] == "waiting" for row in answer["rows"]):
            raise InvariantViolation(EXACTLY, (previewed, done))

    def _what(self, way: str) -> tuple[str, dict[str, str]]:
        """Return where to ask, and with which values; nothing when there is nothing to change."""
        if way == "booking":
            booking = self._some(
                "SELECT id FROM bookings_booking WHERE service_type = 'session' AND practitioner_id = %s"
                " AND starts_at IS NOT NULL ORDER BY id"
            )
            return (f"{ROSTER}bookings/{booking}/call-off/" if booking else ""), {}
        if way == "days":
            first = datetime.fromisoformat(self.harness.slots["lesson"][0])
            if self.practitioner == self.harness.world.practitioners[1]:
                first += timedelta(days=self.draws.pick("days ahead", [0, 6, 7, 8]))
            last = first + timedelta(days=self.draws.pick("days", [0, 6]))
            return f"{ROSTER}days/call-off/", {
                "first_day": first.date().isoformat(),
                "last_day": last.date().isoformat(),
            }
        session = self._some(OWN_SESSIONS)
        if not session:
            return "", {}
        if way == "call off":
            return f"{ROSTER}sessions/{session}/call-off/", {}
        [(starts_at,)] = self.harness.oracle.rows(
            "SELECT starts_at FROM catalog_servicesession WHERE id = %s", session
        )
        new = starts_at + timedelta(hours=self.draws.pick("hours later", [-26, -1, 1, 3, 50, 7 * 24]))
        return f"{ROSTER}sessions/{session}/move/", {"start_datetime": new.isoformat()}

    def _some(self, query: str) -> int | None:
        keys = [row[0] for row in self.harness.oracle.rows(query, self.practitioner.pk)]
        drawn = self.draws.pick("which", range(8))
        return keys[self.draws.settled("date", drawn) % len(keys)] if keys else None
