"""Ports of this machine: finds free ones, and checks whether a process listens."""

import socket
from contextlib import ExitStack

from demo.plan import HOST

PROBE_S = 1.0


def free_port() -> int:
    """Return a port that is free now."""
    return free_ports(1)[0]


def free_ports(number: int) -> list[int]:
    """Return that many different free ports."""
    with ExitStack() as open_at_once:
        probes = [open_at_once.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(PROBE_S)
        return probe.connect_ex((HOST, port)) == 0
