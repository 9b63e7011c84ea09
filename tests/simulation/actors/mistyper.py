"""Staff who mistype: a number far beyond sense about something that is being bought, past the checks of the forms."""

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from estuary.catalog.models import Service
from tests.simulation.draws import Draws
from tests.simulation.typed_values import TYPED

if TYPE_CHECKING:
    from tests.simulation.harness import Harness


class Mistyper:
    """Opens a service, types, and saves."""

    def __init__(self, harness: "Harness", draws: Draws) -> None:
        self.harness, self.draws = harness, draws

    def act(self) -> None:
        draws = self.draws
        name = draws.pick("what", ["package", "bundle", "session", "course"])
        field = draws.pick("field", ["validity_days", "validity_days", "free_cancel_hours", "bundle_bonus"])
        value = draws.pick("value", TYPED[field])
        service = Service.objects.get(pk=self.harness.world.services[name].pk)
        setattr(service, field, value)
        try:
            service.clean_fields()
            service.validate_constraints()
        except ValidationError as refused:
            self.harness.run_log.add(f"types {field} {value} for the {name}: {refused.messages[0]}"[:160])
            return
        service.save(update_fields=[field])
        self.harness.run_log.add(f"types {field} {value} for the {name}")
