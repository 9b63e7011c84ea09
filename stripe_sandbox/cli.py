"""What `stripe listen` of the official command line tool needs: a session, and events over a websocket."""

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

# The tool opens its connection anew after so many seconds; what happens meanwhile waits.
RECONNECT_DELAY_S = 60
MAX_WAITING = 1000
FORGOTTEN_AFTER_S = 600
SUBPROTOCOL = "stripecli-devproxy-v1"
# The tool asks for a new session when it reads exactly this, for example after a restart of the sandbox.
UNKNOWN_ID = {"error": {"message": "Unknown WebSocket ID.", "type": "invalid_request_error"}}


@dataclass
class Session:
    """One running `stripe listen`."""

    id: str
    secret: str
    waiting: deque[Obj] = field(default_factory=lambda: deque(maxlen=MAX_WAITING))
    news: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop | None = None
    left_at: int = 0
    # Event id -> the status that the forwarded event was answered with.
    answers: dict[str, int] = field(default_factory=dict)

    def tell(self, event: Obj) -> None:
        """Queue an event, from any thread."""
        self.waiting.append(event)
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.news.set)


class Listeners:
    """The sessions of `stripe listen`, each of which hears every event."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._sessions: dict[str, Session] = {}
        state.listeners.append(self._tell_all)

    def routes(self) -> list[BaseRoute]:
        """Return where the tool finds its session and its events."""
        return [
            Route("/v1/stripecli/sessions", self.open, methods=["POST"]),
            WebSocketRoute("/v1/stripecli/subscribe", self.subscribe),
        ]

    async def open(self, request: Request) -> Response:
        """Answer the tool with a new session and its signing secret."""
        try:
            key = auth.key_from(dict(request.headers), {})
            if auth.kind_of(key, self._state.settings.revoked_keys) != "secret":
                raise AuthenticationError(auth.SECRET_ONLY, code="secret_key_required")
        except StripeError as error:
            return JSONResponse(error.body(), error.status)
        form = parse_qs((await request.body()).decode())
        session = Session(self._state.ids.new("cliws"), signing_secret(key, form.get("device_name", [""])[0]))
        session.left_at = self._state.now
        self._forget_those_who_left()
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
        """Send events down a connection and take the answers, until the tool goes away."""
        session = self._sessions.get(websocket.headers.get("websocket-id", ""))
        if session is None:
            await websocket.send_denial_response(JSONResponse(UNKNOWN_ID, 401))
            return
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
        session.loop = asyncio.get_running_loop()
        session.news.set()
        sender = asyncio.create_task(self._send(session, websocket))
        try:
            while True:
                self._hear(session, await websocket.receive_text())
        except WebSocketDisconnect:
            session.loop, session.left_at = None, self._state.now
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await sender

    def _forget_those_who_left(self) -> None:
        oldest = self._state.now - FORGOTTEN_AFTER_S
        kept = {id: s for id, s in self._sessions.items() if s.loop is not None or s.left_at >= oldest}
        self._sessions = kept

    def _tell_all(self, event: Obj) -> None:
        for session in list(self._sessions.values()):
            session.tell(event)

    async def _send(self, session: Session, websocket: WebSocket) -> None:
        while True:
            await session.news.wait()
            session.news.clear()
            while session.waiting:
                event = session.waiting[0]
                for frame in self._frames(session, event):
                    await websocket.send_text(json.dumps(frame))
                # Only now: an event that a broken connection swallowed is sent again on the next one.
                session.waiting.popleft()

    def _frames(self, session: Session, event: Obj) -> list[dict[str, Any]]:
        """Return the event in the account's version and in the latest; the tool keeps what it was told to."""
        told = versions.event_in(event, event["api_version"])
        plain = _frame(told, None, session, self._state)
        told = versions.event_in(event, versions.LATEST)
        latest = _frame(told, versions.LATEST, session, self._state)
        return [plain, latest]

    def _hear(self, session: Session, text: str) -> None:
        message = json.loads(text)
        if message.get("type") == "webhook_response":
            session.answers[message.get("notification_id", "")] = message["status"]


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
    """Return the secret that one account has on one device, the same after each start."""
    return "whsec_" + hashlib.sha256(f"{device}:{key}".encode()).hexdigest()
