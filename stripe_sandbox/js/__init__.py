"""Stripe.js for the sandbox: the script of a shop's page, and the frames with the card fields.

The sources are ES modules; a page loads one classic script, as from js.stripe.com. The bundler concatenates the modules
into one function, each after its imports. Two rules follow for the sources:

1. They import with ``import { a, b } from "./other.js";``, without cycles.
2. A top-level name is unique among the modules of a bundle.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from stripe_sandbox.http import Response

HERE = Path(__file__).parent
IMPORT = re.compile(r'^import \{[^}]*\} from "(\.[^"]+)";\n', re.M)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) )", re.M)

SCRIPTS = {"stripe.js": "page/main.js", "element.js": "frame/main.js"}
FILES = {"element.html": "text/html", "element.css": "text/css"}

# A frame loads only its own files and sends card details only to its own origin. Fonts may be the shop's.
FRAME_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src *; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def answer(path: str) -> Response:
    """Answer a request under `/v3/`."""
    name = path.rpartition("/")[2]
    if name in SCRIPTS:
        return _response("text/javascript", bundle(HERE / SCRIPTS[name]))
    if name in FILES:
        return _response(FILES[name], (HERE / "frame" / name).read_text())
    return _response("text/plain", "There is nothing at this address.", 404)


@cache
def bundle(entry: Path) -> str:
    """Return a module and all its imports as one classic script."""
    parts = [f"// {module.relative_to(HERE)}\n{_without_modules(module)}" for module in _in_order(entry)]
    return "(() => {\n'use strict';\n" + "\n".join(parts) + "})();\n"


def _in_order(entry: Path) -> list[Path]:
    """Return the modules, each after its imports."""
    ordered: dict[Path, None] = {}

    def visit(module: Path) -> None:
        for needed in _imports(module):
            if needed not in ordered:
                visit(needed)
        ordered[module] = None

    visit(entry.resolve())
    return list(ordered)


def _imports(module: Path) -> Iterator[Path]:
    return ((module.parent / name).resolve() for name in IMPORT.findall(module.read_text()))


def _without_modules(module: Path) -> str:
    return EXPORT.sub("", IMPORT.sub("", module.read_text()))


def _response(kind: str, text: str, status: int = 200) -> Response:
    headers = {
        "Content-Type": f"{kind}; charset=utf-8",
        "Cache-Control": "no-cache",
        "Content-Security-Policy": FRAME_POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(status, headers, text.encode())
