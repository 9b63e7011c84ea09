"""``make check`` fails on a known vulnerability, says so in words, and goes on when nobody can be asked."""

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests import audit

PLANTED = {
    "id": "PYSEC-2026-9999",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "summary": "A planted advisory",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "django"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}],
        }
    ],
}
OF_NPM = {
    "id": 1,
    "url": "https://advisories.example/1",
    "title": "Another planted advisory",
    "severity": "high",
    "vulnerable_versions": ">=0",
    "cwe": [],
    "cvss": {"score": 7},
}


class Advisories(ThreadingHTTPServer):
    """OSV and the advisories of an npm registry, with what a test plants in them."""

    def __init__(self, *, django: bool = False, react: bool = False, broken: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.django, self.react, self.broken = django, react, broken
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Answering(BaseHTTPRequestHandler):
    server: Advisories

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        content = json.loads(
            gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        )
        if self.path == "/v1/querybatch":
            named = [query["package"]["name"] for query in content["queries"]]
            vulnerable = {"vulns": [{"id": PLANTED["id"], "modified": PLANTED["modified"]}]}
            self._say(
                {"results": [vulnerable if self.server.django and name == "django" else {} for name in named]}
            )
        else:
            self._say({"react": [OF_NPM]} if self.server.react and "react" in content else {})

    def do_GET(self) -> None:
        if self.path == f"/v1/vulns/{PLANTED['id']}":
            self._say(PLANTED)
        else:
            self._say({"error": "not found"}, 404)

    def _say(self, answer: Any, status: int = 200) -> None:
        payload = json.dumps(answer).encode()
        self.send_response(503 if self.server.broken else status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output quiet."""


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nothing answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


def check(python: str, npm: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    failed = audit.main(["--service", python, "--registry", npm])
    return failed, capsys.readouterr().out


def test_without_known_vulnerabilities_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    service = Advisories()
    failed, output = check(service.url, service.url, capsys)
    assert (failed, output.count("No known vulnerability")) == (0, 2)


@pytest.mark.parametrize(
    ("planted", "named"),
    [
        ({"django": True}, ["django 6.", "PYSEC-2026-9999", "99.1"]),
        ({"react": True}, ["react: Another planted"]),
    ],
    ids=["Python", "npm"],
)
def test_a_known_vulnerability_is_a_failure_and_is_named(
    planted: dict[str, bool], named: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    service = Advisories(**planted)
    failed, output = check(service.url, service.url, capsys)
    assert failed == 1
    assert all(words in output for words in named), output
    assert output.count("No known vulnerability") == 1


def test_when_nobody_can_be_asked_that_is_said_and_no_failure(
    nobody: str, capsys: pytest.CaptureFixture[str]
) -> None:
    failed, output = check(nobody, nobody, capsys)
    assert (failed, output.count("were not audited"), output.count("\n")) == (0, 2, 2)


def test_a_service_that_fails_is_one_that_can_not_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    broken = Advisories(broken=True)
    failed, output = check(broken.url, broken.url, capsys)
    assert (failed, output.count("were not audited")) == (0, 2)


def test_a_tool_that_fails_for_a_reason_of_its_own_is_not_passed_over() -> None:
    with pytest.raises(RuntimeError, match="uv audit failed"):
        audit.audit_python("/bin/false")
