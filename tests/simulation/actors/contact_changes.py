"""A buyer who moves to another e-mail address or takes another name, by any of the roads that lead there."""

from typing import TYPE_CHECKING

from estuary.accounts.models import User
from tests.simulation.scheduler import Crash

if TYPE_CHECKING:
    from tests.simulation.actors.buyers import Buyer


def change_contact(buyer: "Buyer") -> None:
    """Change one's address, name or both, once or twice in a row; past the model as well as through it."""
    for _ in range(buyer.draws.pick("how often", [1, 1, 2])):
        address = f"{buyer.draws.word()}.{buyer.user.pk}@example.com"
        fields = {
            "address": {"email": address},
            "name": {"last_name": buyer.draws.word()},
            "both": {
                "email": address,
                "first_name": "",
                "last_name": "Berg",
            },
        }[buyer.draws.pick("what changes", ["address", "name", "both"])]
        road = buyer.draws.pick("road", ["saved", "saved", "past the model"])
        try:
            _change(buyer.user.pk, fields, through_model=road == "saved")
        except Crash as crash:
            buyer.harness.recover()
            buyer.harness.run_log.add(f"  the process is killed {crash}")
        buyer.harness.run_log.add(f"changes {', '.join(fields)}, {road}")


def _change(user_id: int, fields: dict[str, str], *, through_model: bool) -> None:
    if not through_model:
        User.objects.filter(pk=user_id).update(**fields)
        return
    user = User.objects.get(pk=user_id)
    for name, value in fields.items():
        setattr(user, name, value)
    user.save(update_fields=list(fields))
