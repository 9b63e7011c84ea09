"""The browser of the tests; ``python -m tests.chromium`` gets one where there is none.

What is there is used; else root on Debian or Ubuntu gets the system's; else Playwright brings its own. Chromium's
headless shell draws no window, for a third less of the processor; it keeps no page for the way back.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserType, sync_playwright

from demo.system import install

SHELL = "chromium-headless-shell"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
SORRY = """No Chromium here, and none could be had: the lines above say why. The tests in a browser need one. Either
  - install it: on Debian and Ubuntu `apt install chromium`, on a Mac any Chromium whose command is on PATH;
  - or, with a network, run `.venv/bin/playwright install --with-deps chromium`."""


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """Open the system's headless shell, else its Chromium, else the one that Playwright brought."""
    with sync_playwright() as playwright:
        chromium = launch(playwright.chromium)
        yield chromium
        chromium.close()


def launch(chromium: BrowserType, *, keeps_pages: bool = False) -> Browser:
    """Start one; ``keeps_pages`` leaves the back/forward cache on, as people have it and Playwright has not."""
    unlike_people = ["--disable-back-forward-cache"] if keeps_pages else []
    shell = None if keeps_pages else shutil.which(SHELL)
    path = shell or _of_the_system()
    return chromium.launch(executable_path=path, args=QUIET, ignore_default_args=unlike_people)


def _of_the_system() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _works() -> bool:
    try:
        with open_chromium():
            return True
    except Exception:  # Playwright's errors say in a page of text that it is not there, or lacks a library
        return False


def _by_apt() -> bool:
    print("No Chromium here: getting the system's with apt-get", flush=True)
    if not install("chromium"):
        return False
    install(SHELL)  # Ubuntu has none, and does without
    return True


def _by_playwright() -> bool:
    print("No Chromium here: getting Playwright's", flush=True)
    playwright = str(Path(sys.executable).with_name("playwright"))
    return subprocess.run([playwright, "install", "chromium"], stdout=sys.stderr, check=False).returncode == 0


def main() -> int:
    if _of_the_system():
        return 0
    if _works() or (_by_apt() and _works()) or (_by_playwright() and _works()):
        return 0
    print(SORRY, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
