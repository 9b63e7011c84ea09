"""The endpoints of `stripe listen`, Stripe's command line tool: a session, and events over a websocket."""

import asyncio
import contextlib
import hashlib
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from stripe_sandbox import auth, versions
from stripe_sandbox.errors import AuthenticationError, StripeError
from stripe_sandbox.state import SandboxState
from stripe_sandbox.store import Obj
from stripe_sandbox.webhook_queue import signature

# The tool reconnects after so many seconds; events of the meantime are queued.
RECONNECT_DELAY_S = 60
MAX_WAITING = 1000
FORGOTTEN_AFTER_S = 600
SUBPROTOCOL = "stripecli-devproxy-v1"
# On exactly this response the tool requests a new session, for example after a restart of the sandbox.
UNKNOWN_ID = {"error": {"message": "Unknown WebSocket ID.", "type": "invalid_request_error"}}


@dataclass
class Session:
    """One running `stripe listen`."""

    id: str
    secret: str
    queued: deque[Obj] = field(default_factory=lambda: deque(maxlen=MAX_WAITING))
    has_events: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop | None = None
    disconnected_at: int = 0
    # Event id -> HTTP status of the endpoint that the tool forwarded the event to.
    statuses: dict[str, int] = field(default_factory=dict)

    def queue(self, event: Obj) -> None:
        """Queue an event, from any thread."""
        self.queued.append(event)
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.has_events.set)


class Listeners:
    """The sessions of `stripe listen`, each of which receives every event."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._sessions: dict[str, Session] = {}
        state.listeners.append(self._queue_for_all)

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the session and the websocket."""
        return [
            Route("/v1/stripecli/sessions", self.open, methods=["POST"]),
            WebSocketRoute("/v1/stripecli/subscribe", self.subscribe),
        ]

    async def open(self, request: Request) -> Response:
        """Create a session and return its signing secret."""
        try:
            key = auth.key_from(dict(request.headers), {})
            if auth.kind_of(key, self._state.settings.revoked_keys) != "secret":
                raise AuthenticationError(auth.SECRET_ONLY, code="secret_key_required")
        except StripeError as error:
            return JSONResponse(error.body(), error.status)
        form = parse_qs((await request.body()).decode())
        session = Session(self._state.ids.new("cliws"), signing_secret(key, form.get("device_name", [""])[0]))
        session.disconnected_at = self._state.now
        self._drop_disconnected()
        self._sessions[session.id] = session
        default = self._state.settings.default_version
        return JSONResponse(
            {
                "default_version": default,
                "device_token": "",
                "display_connect_filter_warning": False,
                "latest_version": versions.LATEST,
                "reconnect_delay": RECONNECT_DELAY_S,
                "secret": session.secret,
                "websocket_authorized_feature": "webhook-payloads",
                "websocket_id": session.id,
                "websocket_url": f"ws://{request.url.netloc}/v1/stripecli/subscribe",
            }
        )

    async def subscribe(self, websocket: WebSocket) -> None:
        """Send events over a connection and read the responses until the tool disconnects."""
        session = self._sessions.get(websocket.headers.get("websocket-id", ""))
        if session is None:
            await websocket.send_denial_response(JSONResponse(UNKNOWN_ID, 401))
            return
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
        session.loop = asyncio.get_running_loop()
        session.has_events.set()
        sender = asyncio.create_task(self._send(session, websocket))
        try:
            while True:
                self._record_response(session, await websocket.receive_text())
        except WebSocketDisconnect:
            session.loop, session.disconnected_at = None, self._state.now
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await sender

    def _drop_disconnected(self) -> None:
        oldest = self._state.now - FORGOTTEN_AFTER_S
        kept = {
            id: s for id, s in self._sessions.items() if s.loop is not None or s.disconnected_at >= oldest
        }
        self._sessions = kept

    def _queue_for_all(self, event: Obj) -> None:
        for session in list(self._sessions.values()):
            session.queue(event)

    async def _send(self, session: Session, websocket: WebSocket) -> None:
        while True:
            await session.has_events.wait()
            session.has_events.clear()
            while session.queued:
                event = session.queued[0]
                for frame in self._frames(session, event):
                    await websocket.send_text(json.dumps(frame))
                # Removed only after sending: the next connection sends an event again that a broken one lost.
                session.queued.popleft()

    def _frames(self, session: Session, event: Obj) -> list[dict[str, Any]]:
        """Return the event in the account's API version and in the latest; the tool picks one by its options."""
        as_account_version = versions.event_in(event, event["api_version"])
        plain = _frame(as_account_version, None, session, self._state)
        as_account_version = versions.event_in(event, versions.LATEST)
        latest = _frame(as_account_version, versions.LATEST, session, self._state)
        return [plain, latest]

    def _record_response(self, session: Session, text: str) -> None:
        message = json.loads(text)
        if message.get("type") == "webhook_response":
            session.statuses[message.get("notification_id", "")] = message["status"]


def _frame(event: Obj, version: str | None, session: Session, state: SandboxState) -> dict[str, Any]:
    payload = json.dumps(event, indent=2)
    return {
        "type": "webhook_event",
        "endpoint": {"api_version": version},
        "event_payload": payload,
        "http_headers": {
            "Accept": "*/*; q=0.5, application/xml",
            "Cache-Control": "no-cache",
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload.encode(), session.secret, state.now),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        },
        "webhook_conversation_id": state.ids.new("wc"),
        "webhook_id": state.ids.new("wh"),
    }


def signing_secret(key: str, device: str) -> str:
    """Return the signing secret of an account on a device, the same after each start."""
    return "whsec_" + hashlib.sha256(f"{device}:{key}".encode()).hexdigest()
