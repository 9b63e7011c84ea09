"""The name of a request, by which its lines are found in the log: a proxy of ours may have given it one."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.dispatch import receiver
from django_structlog.signals import bind_extra_request_metadata
from structlog.contextvars import bind_contextvars

REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


def proxy_request_id(meta: Mapping[str, Any]) -> str:
    """Return the X-Request-ID of a request, or nothing where no proxy of ours stands or it has another form.

    Without a proxy anyone can make it up, and one name for many requests hides each of them in the log.
    """
    name = str(meta.get("HTTP_X_REQUEST_ID", ""))
    return name if settings.TRUSTED_PROXIES and REQUEST_ID_PATTERN.fullmatch(name) else ""


def request_id_for(meta: Mapping[str, Any]) -> str:
    return proxy_request_id(meta) or str(uuid.uuid4())


@receiver(bind_extra_request_metadata)
def _bind_proxy_request_id(request: Any, **_: Any) -> None:
    """Let what the proxy gave stand in place of the name that django-structlog has just made up."""
    if name := proxy_request_id(request.META):
        bind_contextvars(request_id=name)
