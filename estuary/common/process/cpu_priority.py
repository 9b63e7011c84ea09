"""CPU priority: the threads of the web server and the jobs worker do not preempt the worker that settles events."""

import os

import structlog

log = structlog.get_logger(__name__)


def lower_cpu_priority() -> None:
    """Run the threads of this process as SCHED_BATCH: the calling thread, and those that it starts.

    Other systems than Linux ignore the call. See docs/decisions/0019-web-threads-run-as-sched-batch.md.
    Source: https://man7.org/linux/man-pages/man7/sched.7.html
    """
    if not hasattr(os, "SCHED_BATCH"):
        return
    try:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    except OSError as error:  # forbidden by a sandbox: everything works, but slower under load
        log.warning("scheduling_unchanged", error=str(error))
