"""Whether a dependency has a known vulnerability: asked of OSV for Python's, of npm for the storefront's.

Run by ``make check``. A vulnerability is a failure. That nobody could be asked is a line, and no failure: a laptop may
have no network, and some networks have packages alone.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
SERVICE_FAILURES = (
    "error sending request",
    "status server error",
    "status client error",
)  # uv's words for a service that fails
WAIT_S = 120


@dataclass(frozen=True, slots=True)
class Audit:
    """What was learned about one kind of dependencies; ``is_answered`` is False when nobody answered."""

    kind: str
    is_answered: bool
    findings: tuple[str, ...] = ()

    def as_text(self) -> str:
        if not self.is_answered:
            return f"{self.kind} dependencies were not audited: the service that knows vulnerabilities does not answer."
        if not self.findings:
            return f"No known vulnerability in the {self.kind} dependencies."
        return "\n".join([f"Known vulnerabilities in the {self.kind} dependencies:", *self.findings])


def audit_python(uv: str, service: str = "") -> Audit:
    """Ask the OSV service about every package of uv.lock; raises RuntimeError for a failure of another kind."""
    command = [uv, "audit", "--frozen", "--no-cache", "--output-format", "json"]
    command += [
        "--preview-features",
        "audit-command,json-output",
        *(["--service-url", service] if service else []),
    ]
    done = _run(command, cwd=ROOT, UV_HTTP_RETRIES="0")
    if done.returncode not in {0, 1}:
        if any(words in done.stderr for words in SERVICE_FAILURES):
            return Audit("Python", is_answered=False)
        raise RuntimeError(f"uv audit failed:\n{done.stderr}")
    report = _report("uv audit", done)
    findings = [_describe(entry) for entry in report["vulnerabilities"]]
    findings += [f"  {json.dumps(entry)}" for entry in report["adverse_statuses"]]
    if done.returncode and not findings:
        raise RuntimeError(f"uv audit failed and named nothing:\n{done.stdout}{done.stderr}")
    return Audit("Python", is_answered=True, findings=tuple(findings))


def _describe(entry: dict[str, Any]) -> str:
    package, fixed = entry["dependency"], ", ".join(entry["fix_versions"]) or "no version yet"
    what = f"{package['name']} {package['version']}: {entry['id']}, {entry['summary'] or 'no summary'}"
    return f"  {what}; fixed in {fixed}; {entry['link']}"


def audit_npm(registry: str = "") -> Audit:
    """Ask the npm registry about every package of package-lock.json."""
    npm = str(Path(sys.executable).parent / "npm")
    command = [npm, "audit", "--json", *(["--registry", registry] if registry else [])]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with TemporaryDirectory() as cache:  # npm keeps advisories, which would be old ones tomorrow
        quick = {"npm_config_fetch_retries": "0", "npm_config_cache": cache}
        done = _run(command, cwd=ROOT / "frontend", PATH=path, **quick)
    report = _report("npm audit", done)
    if "vulnerabilities" not in report:
        return Audit("npm", is_answered=False)
    advisories = {
        f"  {name}: {via['title']} ({via['severity']}); {via['url']}"
        for name, entry in report["vulnerabilities"].items()
        for via in entry["via"]
        if isinstance(via, dict)
    }
    return Audit("npm", is_answered=True, findings=tuple(sorted(advisories)))


def _report(tool: str, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        raise RuntimeError(f"{tool} failed:\n{done.stdout}{done.stderr}") from None


def _run(command: Sequence[str], *, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S,
    )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uv", default=shutil.which("uv") or str(ROOT / ".cache" / "uv" / "bin" / "uv"))
    parser.add_argument("--service", default="", help="another OSV service than https://api.osv.dev")
    parser.add_argument("--registry", default="", help="another npm registry")
    options = parser.parse_args(arguments)
    audits = [audit_python(options.uv, options.service), audit_npm(options.registry)]
    for audit in audits:
        sys.stdout.write(audit.as_text() + "\n")
    return int(any(audit.findings for audit in audits))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
