"""A small HTTP server for the metrics of a process that has no web server."""

import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse

from prometheus_client.exposition import ThreadingWSGIServer

from estuary.common.observability import metrics


class _Handler(WSGIRequestHandler):
    # Seconds that a silent connection is kept.
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        """Do not log a scrape every few seconds."""


def serve(port: int, *, token: str, after_scrape: Callable[[], None] = lambda: None) -> WSGIServer:
    """Serve ``GET /metrics`` in a thread, on all addresses, with the token; call ``after_scrape`` after each scrape."""

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

    server = make_server("", port, respond, server_class=ThreadingWSGIServer, handler_class=_Handler)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
