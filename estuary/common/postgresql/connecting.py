"""How long a replica is waited for when it is connected to."""

from typing import TypedDict


class ConnectTimeouts(TypedDict):
    connect_timeout: int
    tcp_user_timeout: int


# Who vanishes is noticed in seconds, not in the quarter of an hour that the operating system takes.
CONNECT_TIMEOUTS = ConnectTimeouts(connect_timeout=2, tcp_user_timeout=2000)
