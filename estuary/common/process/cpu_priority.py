"""CPU priority: the web server and the jobs worker yield the cores to the worker that settles events (Linux only)."""

import os
import time
from pathlib import Path

import structlog

# A third of the normal share while all cores are busy: accepted events are settled before more are accepted.
NICE = 5
AUTOGROUP = Path("/proc/self/autogroup")
# Linux accepts one change per tenth of a second, for all processes together.
AUTOGROUP_ATTEMPTS, AUTOGROUP_PAUSE_S = 5, 0.15

log = structlog.get_logger(__name__)


def lower_cpu_priority(*, leader: int) -> None:
    """Run the threads of this process as SCHED_BATCH, and with a smaller share of busy cores.

    This affects the calling thread and the threads it starts. The whole session is lowered too, if ``leader`` is the
    process that started the session and the session has no terminal. Other systems than Linux ignore the call.
    See docs/decisions/0019-web-threads-run-as-sched-batch.md.
    Source: https://man7.org/linux/man-pages/man7/sched.7.html (SCHED_BATCH, autogroup)
    """
    if not hasattr(os, "SCHED_BATCH"):
        return
    try:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, 0, max(NICE, os.getpriority(os.PRIO_PROCESS, 0)))
        if os.getsid(0) == leader and not _has_terminal():
            _lower_session()
    except OSError as error:  # forbidden by a sandbox: everything works, but slower under load
        log.warning("scheduling_unchanged", error=str(error))


def _lower_session() -> None:
    """Lower the whole session: with autogroups, Linux applies ``nice`` only within a session."""
    for tries_left in reversed(range(AUTOGROUP_ATTEMPTS)):
        if (nice := read_session_nice()) is None or nice >= NICE:
            return
        try:
            AUTOGROUP.write_text(str(NICE))
        except BlockingIOError:
            if not tries_left:
                raise
            time.sleep(AUTOGROUP_PAUSE_S)


def read_session_nice() -> int | None:
    """Return the nice value of our session; None without autogroups, or without a session of our own."""
    if not AUTOGROUP.exists():
        return None
    # The file is empty for a process that descends from init without a session of its own.
    fields = AUTOGROUP.read_text().split()
    return int(fields[-1]) if fields else None


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY))
    except OSError:
        return False
    return True
