"""The real proxy, as compose.yaml starts it, before servers of a test."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.ports import free_ports, listens
from demo.proxy import proxy_command, proxy_environment
from estuary.config.environment import BASE_DIR
from tests.servers import wait_until


@contextmanager
def running_proxy(folder: Path, *, web_port: int, webhook_port: int, **more: str) -> Iterator[int]:
    """Start Caddy with the project's Caddyfile; yields its port. Its log is ``proxy.log`` in ``folder``."""
    port, health_port = free_ports(2)
    env = proxy_environment(
        folder, port=port, web_port=web_port, webhook_port=webhook_port, health_port=health_port
    )
    if "FRONTEND_URL" in more:
        more = {name: value.replace("PORT", str(port)) for name, value in more.items()}
    with (folder / "proxy.log").open("wb") as log:
        proxy = subprocess.Popen(proxy_command(), cwd=BASE_DIR, env=env | more, stdout=log, stderr=log)
    try:
        wait_until(lambda: listens(port) and listens(health_port))
        yield port
    finally:
        proxy.terminate()
        proxy.wait()
