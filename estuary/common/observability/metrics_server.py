"""The metrics of a process that has no web server: a small one, for Prometheus alone."""

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse

from estuary.common.observability import metrics


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # nobody waits for a scrape when the process ends


class _Handler(WSGIRequestHandler):
    timeout = 10  # seconds that a silent connection is kept

    def log_message(self, format: str, *args: Any) -> None:
        """A scrape every few seconds is no news."""


def serve(port: int, *, token: str, after_scrape: Callable[[], None] = lambda: None) -> WSGIServer:
    """Answer ``GET /metrics`` with the token on all addresses, in a thread; ``after_scrape`` runs after each scrape."""

    def respond(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        is_scrape = environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"] == "/metrics"
        if not (is_scrape and metrics.may_scrape(environ.get("HTTP_AUTHORIZATION", ""), token=token)):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"not found\n"]
        try:
            body = metrics.render_metrics()
        finally:
            after_scrape()
        start_response("200 OK", [("Content-Type", metrics.CONTENT_TYPE)])
        return [body]

    server = make_server("", port, respond, server_class=_Server, handler_class=_Handler)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
