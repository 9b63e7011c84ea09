"""How the system shares its cores among the processes of a machine."""

import os
import time
from pathlib import Path

import structlog

# A third of what others get, where all want more than there is: what has been taken in is settled before more is.
NICE = 5
AUTOGROUP = Path("/proc/self/autogroup")
# Linux takes one change in a tenth of a second, of all processes.
AUTOGROUP_ATTEMPTS, AUTOGROUP_PAUSE_S = 5, 0.15

log = structlog.get_logger(__name__)


def lower_cpu_priority(*, leader: int) -> None:
    """Have the threads of this process wait their turn for a core, and get less of one where others want it too.

    For the calling thread and those that it starts, and for our session where the process ``leader`` has begun it and
    no terminal belongs to it. Elsewhere than on Linux nothing changes, nor where a core is to spare.
    Source: https://man7.org/linux/man-pages/man7/sched.7.html (SCHED_BATCH, autogroup)
    """
    if not hasattr(os, "SCHED_BATCH"):
        return
    try:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, 0, max(NICE, os.getpriority(os.PRIO_PROCESS, 0)))
        if os.getsid(0) == leader and not _has_terminal():
            _lower_session()
    except OSError as error:  # a sandbox that forbids it; all works, but slower under load
        log.warning("scheduling_unchanged", error=str(error))


def _lower_session() -> None:
    """Lower our whole session: where Linux shares the cores among sessions, being nice counts only within one."""
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
    """Return how nice our session is to others; None where Linux shares no cores among sessions, or ours is none."""
    if not AUTOGROUP.exists():
        return None
    # Empty for whoever descends from the first process without having begun a session of their own.
    fields = AUTOGROUP.read_text().split()
    return int(fields[-1]) if fields else None


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY))
    except OSError:
        return False
    return True
