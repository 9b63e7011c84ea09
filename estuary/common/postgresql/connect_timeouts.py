"""Time-outs for connecting. They need no other package, so the settings of a peer in the benchmarks can use them."""

from typing import TypedDict


class ConnectTimeouts(TypedDict):
    connect_timeout: int
    tcp_user_timeout: int


# A server that disappears is noticed in seconds, not after the operating system's quarter of an hour.
CONNECT_TIMEOUTS = ConnectTimeouts(connect_timeout=2, tcp_user_timeout=2000)
