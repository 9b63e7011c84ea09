"""Staff with few permissions or none, who try at the API and at the admin what is open to them and what is not."""

import re
from typing import TYPE_CHECKING

from tests.simulation.actors.staff_attempts import (
    Attempt,
    Target,
    attempts_at,
)
from tests.simulation.browser import AdminBrowser, Answer, Browser
from tests.simulation.draws import Draws
from tests.simulation.oracle import InvariantViolation
from tests.simulation.staff_members import FORMER, PERMISSIONS
from tests.simulation.world import LEAVER

if TYPE_CHECKING:
    from tests.simulation.harness import Harness

CLOSED = "without the permission nothing is shown and nothing changes"
OPEN = "a permission opens what it names"
# Not found, forbidden, or sent to the page of sign-in.
REFUSED = {401, 403, 404}
UNKNOWN = {0, 429, 502, 503}  # too many requests, the connection broke, Stripe or the database is down
SIGN_IN = "/admin/login/"
PRIVATE = re.compile(r"\b(?:ord|ref|pm|pi|cs|seti)_\w{6,}|[\w.+-]+@(?:example\.com|estuary\.example)")

# Half of all tries are by who may do nothing at all, or may only look.
MEMBERS = ["No Rights"] * 5 + ["Vera Views"] * 4 + list(PERMISSIONS)[2:]


class LimitedStaff:
    """Some member of staff tries a few things about one order."""

    def __init__(self, harness: "Harness", draws: Draws) -> None:
        self.harness, self.draws = harness, draws
        self.name = draws.pick("who", MEMBERS)
        self.user = harness.world.members[self.name]
        line = (harness.scheduler, harness.run_log, harness.recover, self.user)
        self.api, self.admin = Browser(*line), AdminBrowser(*line, cookie=harness.world.cookies[self.name])

    def act(self) -> None:
        order_id = self.harness.await_order(self.draws)
        if not order_id:
            return
        for _ in range(self.draws.pick("tries", [1, 2, 3])):
            target = self._target(order_id)
            # Nobody writes about who leaves: what staff write by hand of the erased is theirs to know.
            leaves = target.buyer.get_full_name() == LEAVER
            attempts = [one for one in attempts_at(target) if not (leaves and one.trail)]
            permitted = [one for one in attempts if one.needs and self._may(one, one.needs)]
            picky = self.draws.odds("what is open", 0.4)
            self._try(self.draws.pick("what", permitted if picky and permitted else attempts))

    def _target(self, order_id: str) -> Target:
        [(order_pk, user_id, booking_pk)] = self.harness.oracle.rows(
            "SELECT o.id, o.user_id, coalesce((SELECT max(id) FROM bookings_booking WHERE order_id = o.id), 0)"
            " FROM orders_order o WHERE public_id = %s",
            order_id,
        )
        world = self.harness.world
        buyers = {user.pk: user for user in [*world.buyers, *world.hoarders]}
        service = world.services[self.draws.pick("service", ["session", "lesson"])]
        slot, word = self.harness.slots["session"][-1], self.draws.word()
        return Target(order_id, order_pk, booking_pk, buyers[user_id], service, slot, word)

    def _may(self, attempt: Attempt, needs: tuple[str, ...]) -> bool:
        held = set(PERMISSIONS[self.name])
        if attempt.at_admin:  # who may change a model may view it there, as Django has it
            held |= {permission.replace(".change_", ".view_") for permission in held}
        return self.name != FORMER and set(needs) <= held

    def _try(self, attempt: Attempt) -> None:
        browser = self.admin if attempt.at_admin else self.api
        answer = browser.ask(attempt.method, attempt.path, attempt.body)
        self.harness.run_log.add(f"{self.name} tries to {attempt.title}, {attempt.path} → {answer.status}")
        if answer.status in UNKNOWN:
            return
        evidence = (self.name, attempt.title, attempt.path, answer.status)
        if self._may(attempt, attempt.needs):
            self._check_open(attempt, answer, evidence)
        elif not _is_refused(answer):
            raise InvariantViolation(CLOSED, evidence)
        elif answer.called_stripe or (answer.wrote and not attempt.counted):
            raise InvariantViolation(CLOSED, (*evidence, "and something was written"))
        if names := self._private_names(attempt, answer):
            raise InvariantViolation(CLOSED, (*evidence, sorted(names)))

    def _private_names(self, attempt: Attempt, answer: Answer) -> set[str]:
        """Return the orders and buyers that an answer names, and that no permission of this member opens."""
        reveals = attempt.reveals or attempt.needs
        if reveals and self._may(attempt, reveals):
            return set()
        patterns = [pattern for permission, pattern in attempt.finds if self._may(attempt, (permission,))]
        names = set(PRIVATE.findall(answer.text)) - {self.user.email}
        return {name for name in names if not any(re.fullmatch(pattern, name) for pattern in patterns)}

    def _check_open(self, attempt: Attempt, answer: Answer, evidence: tuple[object, ...]) -> None:
        if _is_refused(answer) or attempt.shows not in answer.text:
            raise InvariantViolation(OPEN, evidence)
        if attempt.trail and answer.status in {201, 302}:
            self.harness.effect_is_there(
                "SELECT 1 FROM django_admin_log WHERE user_id = %s AND strpos(change_message, %s) > 0",
                self.user.pk,
                attempt.trail,
            )


def _is_refused(answer: Answer) -> bool:
    return answer.status in REFUSED or (answer.status == 302 and answer.location.startswith(SIGN_IN))
