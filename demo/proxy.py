"""The proxy of compose.yaml on this machine: the same Caddyfile with other addresses."""

from dataclasses import replace
from pathlib import Path

from demo.plan import HOST, Plan
from demo.ports import free_ports, listens
from demo.processes import ProcessGroup
from demo.servers import PYTHON, web_command
from estuary.config.environment import BASE_DIR

WEBHOOK_THREADS = 16  # as compose.yaml has them
CADDYFILE = BASE_DIR / "deploy" / "Caddyfile"


def proxy_command() -> list[str]:
    """Return the command of Caddy, which is installed from a wheel."""
    caddy = str(Path(PYTHON).parent / "caddy")
    return [caddy, "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]


def proxy_environment(
    folder: Path, *, port: int, web_port: int, webhook_port: int, health_port: int
) -> dict[str, str]:
    """Return the variables of a proxy without TLS, with its data in ``folder``."""
    return {
        "FRONTEND_URL": f"http://localhost:{port}",
        "PROXY_MORE_SITES": f"http://{HOST}:{port}",
        "PROXY_WEB": f"{HOST}:{web_port}",
        "PROXY_WEBHOOK": f"{HOST}:{webhook_port}",
        "PROXY_HEALTH": f"{HOST}:{health_port}",
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }


def start_behind_proxy(plan: Plan, processes: ProcessGroup, env: dict[str, str]) -> None:
    """Start the proxy, and behind it a web server and one for Stripe's events; raises CannotStart."""
    web_port, webhook_port, health_port = free_ports(3)
    ports = {"web_port": web_port, "webhook_port": webhook_port, "health_port": health_port}
    env = env | {"ESTUARY_TRUSTED_PROXIES": "1"}
    processes.start("web", web_command(replace(plan, web_port=web_port)), env)
    processes.start("webhook", webhook_command(plan, webhook_port), env)
    proxied = env | proxy_environment(plan.var / "proxy", port=plan.web_port, **ports)
    processes.start("proxy", proxy_command(), proxied)
    processes.wait_for(lambda: all(map(listens, ports.values())), "The proxy, or a web server behind it,")


def webhook_command(plan: Plan, port: int) -> list[str]:
    """Return the command of the web server that only receives Stripe's events."""
    return web_command(replace(plan, web_port=port), 1, WEBHOOK_THREADS)
