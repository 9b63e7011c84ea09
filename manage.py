#!/usr/bin/env python
"""Django's command line for the Estuary project."""

import fcntl
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
# With one of these, a shell has settings of its own.
OWN_SETTINGS = (
    "ESTUARY_SANDBOX",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "FRONTEND_URL",
    "DATABASE_URL",
)


def demo_settings(var: Path) -> dict[str, str]:
    """Return the variables of the `make demo` that runs in ``var``; none if it does not run any more."""
    lock_path, path = var / "demo.lock", var / "demo" / "settings.json"
    if not (lock_path.exists() and path.exists()):
        return {}
    with lock_path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            # The demo holds its lock.
            return dict(json.loads(path.read_text(encoding="utf-8")))
    return {}


def use_running_demo() -> None:
    """Let commands beside a running `make demo` work on it, unless this shell or .env has settings of its own."""
    if any(os.environ.get(name) for name in OWN_SETTINGS) or (ROOT / ".env").exists():
        return
    if settings := demo_settings(ROOT / ".var"):
        os.environ.update(settings)
        sys.stderr.write(f"Using the running demo at {settings['FRONTEND_URL']}.\n")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "estuary.config.settings")
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # It names each variable and what to set it to; a traceback would hide that.
        sys.exit(str(error))


if __name__ == "__main__":
    use_running_demo()
    main()
