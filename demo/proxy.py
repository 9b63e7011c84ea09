"""The proxy of compose.yaml on this machine: the same Caddyfile, with other addresses in its variables."""

from pathlib import Path

from demo.plan import HOST
from demo.servers import PYTHON
from estuary.config.environment import BASE_DIR

CADDYFILE = BASE_DIR / "deploy" / "Caddyfile"


def proxy_command() -> list[str]:
    """Return the command of Caddy, which a wheel brings into the virtual environment."""
    caddy = str(Path(PYTHON).parent / "caddy")
    return [caddy, "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]


def proxy_environment(
    folder: Path, *, port: int, web_port: int, webhook_port: int, health_port: int
) -> dict[str, str]:
    """Return the variables of a proxy without TLS; what it keeps goes into ``folder``."""
    return {
        "FRONTEND_URL": f"http://localhost:{port}",
        "PROXY_MORE_SITES": f"http://{HOST}:{port}",
        "PROXY_WEB": f"{HOST}:{web_port}",
        "PROXY_WEBHOOK": f"{HOST}:{webhook_port}",
        "PROXY_HEALTH": f"{HOST}:{health_port}",
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
