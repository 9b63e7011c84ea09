"""``make chaos``: payments while everything of ours is killed, and in the end the doctor finds nothing."""

import argparse
import logging
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import NoReturn

import django

from demo.plan import CannotStart, plan_for_smoke
from estuary.config.environment import BASE_DIR
from tests.chaos.deployment import Deployment, Shape

SMALL_PAYMENTS, SMALL_KILL_EVERY_S, SMALL_CLIENTS = 70, 1.5, 8


def main() -> int:
    options = _arguments()
    os.chdir(BASE_DIR)
    signal.signal(signal.SIGTERM, _stop)
    folder = Path(tempfile.mkdtemp(prefix="estuary-chaos-"))
    folder.chmod(0o755)  # PostgreSQL may run as another user, who has to get through
    shape = Shape(
        bouncer=options.pgbouncer, replica=options.replica, nodes=options.nodes, proxy=options.proxy
    )
    deployment = Deployment(plan_for_smoke(folder / "run"), shape)
    problems = ["it did not come to its end"]
    try:
        problems = _play(deployment, options)
    except CannotStart as problem:
        problems = [str(problem)]
    except KeyboardInterrupt:
        problems = ["it was stopped"]
    finally:
        deployment.close()
        _tell(problems, deployment, folder)
    return 1 if problems else 0


def _play(deployment: Deployment, options: argparse.Namespace) -> list[str]:
    print(
        f"seed {options.seed}: it decides who buys what and who is killed; processes and networks it does not"
    )
    deployment.open()
    os.environ.update(deployment.env, DJANGO_SETTINGS_MODULE="estuary.config.settings")
    django.setup()
    logging.disable(logging.WARNING)  # of this process alone: what Stripe was asked is no news here
    from tests.chaos.run import PlayOptions, play

    return play(
        deployment,
        PlayOptions(
            payments=options.payments,
            kill_every_s=options.kill_every,
            clients=options.clients,
            seed=options.seed,
            small=options.small,
        ),
    )


def _tell(problems: list[str], deployment: Deployment, folder: Path) -> None:
    if not problems:
        shutil.rmtree(folder, ignore_errors=True)
        print("\nKEPT: every promise was kept, and the doctor finds nothing, here and at Stripe")
        return
    print("\n" + "\n".join(f"BROKEN  {problem}" for problem in problems))
    print(f"\nThe logs are in {deployment.plan.logs}, the database beside them.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--small", action="store_true", help="what make test-all plays: less of everything")
    parser.add_argument("--payments", type=int, help="that are captured at Stripe (2000)")
    parser.add_argument("--kill-every", type=float, help="seconds between two kills, about (4)")
    parser.add_argument("--clients", type=int, help="buyers at once (16)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--pgbouncer", action="store_true", help="in transaction mode, between ours and PostgreSQL"
    )
    parser.add_argument(
        "--proxy", action="store_true", help="before the web servers, and one for events alone"
    )
    parser.add_argument("--replica", action="store_true", help="of PostgreSQL, streaming, for the catalogue")
    parser.add_argument("--nodes", type=int, default=0, help="web servers on ports of their own, and workers")
    options = parser.parse_args()
    usual = (SMALL_PAYMENTS, SMALL_KILL_EVERY_S, SMALL_CLIENTS) if options.small else (2000, 4.0, 16)
    options.payments = options.payments or usual[0]
    options.kill_every = options.kill_every or usual[1]
    options.clients = options.clients or usual[2]
    return options


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
