"""A frontend of somebody else: a Next.js site on an origin of its own, made of the listings in the docs."""

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from demo.plan import Plan
from demo.servers import PYTHON
from estuary.config.environment import BASE_DIR, SANDBOX_DEFAULTS

LISTINGS = BASE_DIR / "docs" / "reference" / "frontend-listings.md"
HOWTO = BASE_DIR / "docs" / "howto" / "your-own-frontend.md"
WRAPPED = "// Wrap your checkout form"
TOKEN = 'const yourAuthToken = globalThis.sessionStorage?.getItem("token");\n'
CONFIG = 'export default { output: "export", trailingSlash: true, turbopack: { root: "/" } };\n'
# The sandbox's Stripe.js comes before the bundle, as the guide says.
DOCUMENT = """import { Head, Html, Main, NextScript } from "next/document";
export default function Document() {
  return <Html lang="en"><Head><script src="%s" /></Head><body><Main /><NextScript /></body></Html>;
}
"""
CHECKOUT = """import { useEffect, useState } from "react";
import CheckoutPage from "../listings/%s";
export default function Page() {
  const [query, setQuery] = useState(null);
  useEffect(() => setQuery(new URLSearchParams(location.search)), []);
  return query && <CheckoutPage serviceId={query.get("service")} amount={Number(query.get("amount"))} />;
}
"""
METHODS = 'export { default } from "../listings/methods";\n'
SIGN_IN = """<!doctype html><html lang="en"><title>Sign in</title>
<script type="module">window.shop = await import("/session.js");</script></html>"""


@dataclass(frozen=True, slots=True)
class OtherSite:
    """A site in ``folder``, and the two names of its one server: only the origin of ``url`` may be listed."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def unlisted_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Pages(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


@contextmanager
def serve_other_site(folder: Path) -> Iterator[OtherSite]:
    """Serve what is built in the folder, now or later."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=str(folder / "out")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield OtherSite(folder, server.server_address[1])
    server.shutdown()
    server.server_close()


def blocks(page: Path, language: str) -> list[str]:
    """Return the listings of a page of the docs, word for word."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def build_other_site(site: OtherSite, plan: Plan) -> None:
    """Write the listings into a Next.js project, with token and origin filled in, and build it."""
    basic, saved, methods = (fill_in(listing, plan) for listing in blocks(LISTINGS, "jsx"))
    imports, wrapper = basic[: basic.index("function CheckoutForm")], basic[basic.index(WRAPPED) :]
    files = {
        "package.json": '{"private": true, "type": "module"}',
        "next.config.mjs": CONFIG,
        "listings/basic.jsx": TOKEN + basic,
        "listings/saved.jsx": TOKEN + imports + saved + wrapper,
        "listings/methods.jsx": TOKEN + imports + methods + "export default PaymentMethodsManager;\n",
        "pages/_document.jsx": DOCUMENT % f"{plan.sandbox_url}/v3/stripe.js",
        "pages/basic.jsx": CHECKOUT % "basic",
        "pages/saved.jsx": CHECKOUT % "saved",
        "pages/methods.jsx": METHODS,
        "public/sign-in.html": SIGN_IN,
        "public/session.js": session_module(plan),
    }
    for name, text in files.items():
        path = site.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (site.folder / "node_modules").symlink_to(BASE_DIR / "frontend" / "node_modules")
    _build(site.folder)


def fill_in(listing: str, plan: Plan) -> str:
    """Put the API's origin before each address; nothing else of a listing is touched."""
    filled, count = re.subn(r"(?<=fetch\([`'])(?=/api/)", plan.web_url, listing)
    assert count == listing.count("fetch(") > 0
    return filled


def session_module(plan: Plan) -> str:
    """Return the guide's module for signing in, with the API's origin filled in."""
    [module] = blocks(HOWTO, "js")
    example = "https://api.studio.example"
    assert module.count(example) == 1
    return module.replace(example, plan.web_url)


def _build(folder: Path) -> None:
    env = os.environ | {
        "PATH": f"{Path(PYTHON).parent}{os.pathsep}{os.environ['PATH']}",
        "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY": SANDBOX_DEFAULTS["stripe_publishable_key"],
        "NEXT_TELEMETRY_DISABLED": "1",
    }
    command = ["node", "node_modules/next/dist/bin/next", "build"]
    built = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=600
    )
    assert built.returncode == 0, f"The site could not be built:\n{built.stdout}\n{built.stderr}"
