"""Ports of this machine: one that is free, and whether somebody listens on one."""

import socket

from demo.plan import HOST

PROBE_S = 1.0


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(PROBE_S)
        return probe.connect_ex((HOST, port)) == 0
