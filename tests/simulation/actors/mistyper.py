"""Staff who mistype: a number far beyond sense about something that is being bought, past the checks of the forms."""

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from estuary.catalog.models import Service
from tests.simulation.draws import Choices
from tests.simulation.typed_values import TYPED

if TYPE_CHECKING:
    from tests.simulation.harness import Stage


class Mistyper:
    """Opens a service, types, and saves."""

    def __init__(self, stage: "Stage", choices: Choices) -> None:
        self.stage, self.choices = stage, choices

    def act(self) -> None:
        choices = self.choices
        name = choices.pick("what", ["package", "bundle", "session", "course"])
        field = choices.pick("field", ["validity_days", "validity_days", "free_cancel_hours", "bundle_bonus"])
        value = choices.pick("value", TYPED[field])
        service = Service.objects.get(pk=self.stage.world.services[name].pk)
        setattr(service, field, value)
        try:
            service.clean_fields()
            service.validate_constraints()
        except ValidationError as refused:
            self.stage.story.tell(f"types {field} {value} for the {name}: {refused.messages[0]}"[:160])
            return
        service.save(update_fields=[field])
        self.stage.story.tell(f"types {field} {value} for the {name}")
