"""Everything that make demo starts, on free ports."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.plan import Plan, plan_for_smoke
from demo.postgres import Postgres
from demo.processes import ProcessGroup
from demo.run import start_everything
from demo.screen import Screen


@contextmanager
def start_stack() -> Iterator[Plan]:
    """Start everything that ``make demo`` starts, with the seeded marketplace; stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="estuary-browser-"))
    folder.chmod(0o755)  # PostgreSQL may run as another user, who has to get through
    plan = plan_for_smoke(folder)
    postgres, processes = Postgres(plan.var, plan.logs), ProcessGroup(plan.logs)
    try:
        plan.logs.mkdir(parents=True)
        start_everything(plan, Screen(), postgres, processes)
        yield plan
    finally:
        processes.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
