"""deploy/Caddyfile in the real Caddy: what reaches the web servers, and what the outside is answered."""

import json
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.ports import free_port
from demo.proxy import CADDYFILE, proxy_command, proxy_environment
from estuary.config.environment import BASE_DIR
from estuary.payments.webhooks import MAX_BYTES
from tests.proxy import running_proxy
from tests.sandbox_bridge import WEBHOOK
from tests.servers import wait_until

SECRET = "a-token-that-nobody-may-read"


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        sent: dict[str, Any] = {"name": self.server.name, "path": self.path}  # type: ignore[attr-defined]
        sent |= {"headers": self.headers.items(), "body": len(self.rfile.read(length))}
        body = json.dumps(sent).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815 the library's names

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def echoing(name: str) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.name = name  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proxy")


@pytest.fixture(scope="module")
def proxy(folder: Path) -> Iterator[int]:
    with (
        echoing("web") as web,
        echoing("webhook") as webhook,
        running_proxy(folder, web_port=web, webhook_port=webhook) as port,
    ):
        yield port


def sent(port: int, raw: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    """Send a request as it stands; returns the status and the JSON of the answer, or 0 for a connection that broke."""
    method, _, rest = raw.partition(" ")
    path, _, headers = rest.partition("\n")
    lines = "".join(f"{line.strip()}\r\n" for line in headers.splitlines() if line.strip())
    head = f"{method} {path.strip()} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as wire:
        with suppress(OSError):  # refused before all of it was sent
            wire.sendall(head.encode() + body)
        try:
            answer = b"".join(iter(lambda: wire.recv(65536), b""))
        except OSError:
            return 0, {}
    head, _, text = answer.decode().partition("\r\n\r\n")
    return int(head.split()[1]), json.loads(text) if text.startswith("{") else {}


def headers_of(echoed: dict[str, Any]) -> dict[str, str]:
    pairs = [(name.lower(), value) for name, value in echoed["headers"]]
    assert len(pairs) == len(dict(pairs)), "a header comes twice"
    return dict(pairs)


def test_who_calls_is_what_connects_whatever_the_request_says(proxy: int) -> None:
    """ESTUARY_TRUSTED_PROXIES=1 holds: the last and only entry of X-Forwarded-For is the caller."""
    status, echoed = sent(
        proxy,
        """GET /api/v1/services/?page=2
        X-Forwarded-For: 6.6.6.1
        X_Forwarded_For: 6.6.6.2
        X-Forwarded_For: 6.6.6.3
        x_forwarded-for: 6.6.6.4
        Forwarded: for=6.6.6.5
        X-Real-IP: 6.6.6.6
        X-Forwarded-Proto: https
        X_Forwarded_Proto: https
        X-Forwarded-Host: evil.example
        X-Request-ID: a-name-of-the-callers
        X_Request_ID: another-name
        Stripe_Signature: t=1,v1=00
        Authorization: Bearer one""",
    )
    headers = headers_of(echoed)
    assert (status, echoed["path"]) == (200, "/api/v1/services/?page=2")
    assert not [name for name in headers if "_" in name]
    assert "6.6.6" not in str(headers) and "evil" not in str(headers) and "name" not in str(headers)
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-request-id"])
    assert headers["authorization"] == "Bearer one"


def test_behind_a_cdn_who_calls_is_whom_the_cdn_saw_and_one_proxy_is_still_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the two lines that docs/howto/deploy.md asks for; here the CDN is 127.0.0.1."""
    guide = (BASE_DIR / "docs" / "howto" / "deploy.md").read_text(encoding="utf-8")
    [lines] = re.findall(r"\n *(trusted_proxies static) [^\n]+\n *(trusted_proxies_strict)\n", guide)
    text = CADDYFILE.read_text(encoding="utf-8")
    trusting = f"servers {{\n\t\t{lines[0]} 127.0.0.1/32 192.0.2.0/24\n\t\t{lines[1]}\n"
    (tmp_path / "Caddyfile").write_text(text.replace("servers {\n", trusting, 1), encoding="utf-8")
    monkeypatch.setattr("demo.proxy.CADDYFILE", tmp_path / "Caddyfile")
    request = """GET /api/v1/services/
        X-Forwarded-For: 6.6.6.1, 198.51.100.7, 192.0.2.8"""
    with echoing("web") as web, running_proxy(tmp_path, web_port=web, webhook_port=web) as port:
        assert headers_of(sent(port, request)[1])["x-forwarded-for"] == "198.51.100.7"


def test_the_webhook_has_a_process_of_its_own_and_nothing_else_gets_there(proxy: int) -> None:
    for path in (WEBHOOK, WEBHOOK.removesuffix("/"), f"{WEBHOOK}?a=b"):
        assert sent(proxy, f"POST {path}\nContent-Length: 2", b"{}")[1]["name"] == "webhook", path
    for path in ("/", "/admin/", f"{WEBHOOK}../create/", f"{WEBHOOK}more", "/api/v1/payments/config/"):
        assert sent(proxy, f"GET {path}")[1]["name"] == "web", path


def test_metrics_are_for_inside(proxy: int) -> None:
    for path in ("/metrics", "//metrics", "/%6detrics", "/./metrics", "/metrics/"):
        assert sent(proxy, f"GET {path}")[0] == 404


def test_what_the_product_takes_passes_and_a_megabyte_does_not(proxy: int) -> None:
    assert (
        sent(proxy, f"POST {WEBHOOK}\nContent-Length: {MAX_BYTES}", b"x" * MAX_BYTES)[1]["body"] == MAX_BYTES
    )
    for length in (1_000_000, 52_428_800, 10**30):
        status, problem = sent(proxy, f"POST /admin/login/\nContent-Length: {length}", b"and no more")
        assert (status, problem.get("code", "body_too_large")) in {
            (413, "body_too_large"),
            (400, "body_too_large"),
        }
    pieces = (b"%x\r\n" % 100_000 + b"x" * 100_000 + b"\r\n") * 15 + b"0\r\n\r\n"
    assert sent(proxy, "POST /admin/login/\nTransfer-Encoding: chunked", pieces)[0] in {413, 0}


def test_slow_ones_are_cut_off() -> None:
    """How long each may take; the time itself is nothing that a test waits for."""
    [*_, server] = servers()
    seconds = {name: server[f"{name}_timeout"] / 1e9 for name in ("read_header", "read", "write", "idle")}
    assert seconds == {"read_header": 10, "read": 20, "write": 60, "idle": 120}


def servers() -> list[dict[str, Any]]:
    env = proxy_environment(Path("/"), port=8000, web_port=1, webhook_port=2, health_port=3)
    command = [proxy_command()[0], "adapt", "--config", str(CADDYFILE)]
    adapted = subprocess.run(command, env=env, capture_output=True, check=True)
    return list(json.loads(adapted.stdout)["apps"]["http"]["servers"].values())


def test_while_nobody_serves_it_says_so_as_the_api_does_and_logs_no_secret(tmp_path: Path) -> None:
    with running_proxy(tmp_path, web_port=free_port(), webhook_port=free_port()) as port:
        status, problem = sent(port, f"GET /reset-password/?key={SECRET}\nX-Session-Token: {SECRET}")
        assert (status, problem["code"], problem["status"]) == (503, "unavailable", 503)
    assert SECRET not in (tmp_path / "proxy.log").read_text()


def test_the_web_server_takes_events_while_their_process_is_away(tmp_path: Path) -> None:
    with echoing("web") as web, running_proxy(tmp_path, web_port=web, webhook_port=free_port()) as port:
        for _ in range(3):
            assert sent(port, f"POST {WEBHOOK}\nContent-Length: 2", b"{}")[1]["name"] == "web"


def test_it_ends_tls_and_sends_who_comes_without_it_there(tmp_path: Path) -> None:
    plain = free_port()
    site = {"FRONTEND_URL": "https://localhost:PORT/", "PROXY_MORE_SITES": "", "PROXY_HTTP_PORT": str(plain)}
    with (
        echoing("web") as web,
        running_proxy(tmp_path, web_port=web, webhook_port=web, PROXY_HTTPS_PORT="PORT", **site) as port,
    ):
        root = tmp_path / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        wait_until(lambda: (tmp_path / "proxy.log").read_text().count("certificate obtained") > 0)
        trusting = ssl.create_default_context(cafile=str(root))
        with httpx.Client(verify=trusting, trust_env=False, timeout=60) as visitor:
            echoed = visitor.get(f"https://localhost:{port}/", headers={"X-Forwarded-Proto": "http"}).json()
        assert headers_of(echoed)["x-forwarded-proto"] == "https"
        led = httpx.get(f"http://localhost:{plain}/a?b=c", trust_env=False)
        assert (led.status_code, led.headers["location"]) == (308, "https://localhost/a?b=c")
