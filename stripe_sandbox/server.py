"""The sandbox as an HTTP server."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.responses import Response as WebResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from stripe_sandbox import http
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.stripe_listen import Listeners
from stripe_sandbox.webhook_delivery import DeliveryWorker

METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]
MAX_BODY = 1_000_000
GIVE_UP_S = 120.0

log = logging.getLogger("stripe_sandbox")


class LostResponse(WebResponse):
    """A response that the network loses: it never comes, or breaks off in the middle."""

    def __init__(self, response: http.Response) -> None:
        super().__init__(status_code=response.status)
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._response.broken == "timeout":
            await self._wait_for_the_client_to_leave(receive)
            return
        headers = [
            (b"content-length", str(len(self._response.body)).encode()),
            (b"content-type", b"application/json"),
        ]
        await send({"type": "http.response.start", "status": self._response.status, "headers": headers})
        half = self._response.body[: len(self._response.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        raise ConnectionAbortedError("a fault cut this connection")

    @staticmethod
    async def _wait_for_the_client_to_leave(receive: Receive) -> None:
        async def until_it_leaves() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        try:
            await asyncio.wait_for(until_it_leaves(), GIVE_UP_S)
        except TimeoutError:
            return


def app_for(sandbox: Sandbox, *, deliveries_at_once: int = 1) -> Starlette:
    """Return the application: Stripe's API, the hosted pages, the controls, `stripe listen`'s websocket."""
    courier = DeliveryWorker(sandbox, at_once=deliveries_at_once)

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        courier.start()
        yield
        await run_in_threadpool(courier.stop)

    async def answer(request: Request) -> WebResponse:
        return await _answer(sandbox, request)

    async def home(_: Request) -> WebResponse:
        return RedirectResponse("/_sandbox/")

    routes = [
        *Listeners(sandbox.state).routes(),
        Route("/", home),
        Route("/{path:path}", answer, methods=METHODS),
    ]
    anyone = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["Request-Id", "Stripe-Version"],
    )
    return Starlette(routes=routes, middleware=[anyone], lifespan=running)


async def _answer(sandbox: Sandbox, request: Request) -> WebResponse:
    started = time.monotonic()
    body = await request.body()
    path = request.url.path
    if len(body) > MAX_BODY:
        return WebResponse("Request entity too large", 413)
    target = f"{path}?{request.url.query}" if request.url.query else path
    try:
        response = await run_in_threadpool(
            sandbox.request, request.method, target, dict(request.headers), body
        )
    except Exception:
        log.exception("%s %s -> 500, a mistake of the sandbox's own", request.method, path)
        message = "The sandbox made a mistake; its log says which."
        response = http.json_response(500, {"error": {"message": message, "type": "api_error"}})
    took_ms = (time.monotonic() - started) * 1000
    log.info("%s %s -> %s %.0f ms", request.method, path, response.broken or response.status, took_ms)
    if response.delay_s:
        await asyncio.sleep(response.delay_s)
    if response.broken:
        return LostResponse(response)
    return WebResponse(response.body, response.status, response.headers)
