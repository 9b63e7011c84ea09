"""One chain of middleware for all test clients, as a web server has one for all requests.

Else each client loads its own at its first request, which takes a third as long as the request.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.signals import setting_changed
from django.test.client import ClientHandler

LOADED = ("_view_middleware", "_template_response_middleware", "_exception_middleware", "_middleware_chain")


@contextmanager
def shared_middleware() -> Iterator[None]:
    """Load the middleware once, and again after a setting has changed."""
    shared: dict[str, Any] = {}
    load = ClientHandler.load_middleware

    def load_or_share(handler: ClientHandler, is_async: bool = False) -> None:
        if not (loaded := shared.copy()):
            load(handler, is_async)
            loaded = {name: getattr(handler, name) for name in LOADED}
            shared.update(loaded)
        vars(handler).update(loaded)

    def forget(**_: Any) -> None:
        shared.clear()

    setting_changed.connect(forget)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientHandler, "load_middleware", load_or_share)
        yield
    setting_changed.disconnect(forget)
