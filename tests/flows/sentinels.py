"""What must never be written down, planted in every flow, and everything where it could turn up."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client

from stripe_sandbox import Sandbox
from tests.factories import PASSWORD

CARDS = ("4242424242424242", "4242 4242 4242 4242", "4000-0000-0000-0002", "378282246310005")
# Where a client secret or a token is the answer itself, to the one whose it is.
SHOW_SECRETS = ("/_allauth/", "/api/v1/payments/create/", "/api/v1/payments/methods/setup/")


@dataclass
class Everything:
    """All that came out of the product during a flow."""

    logs: io.StringIO = field(default_factory=io.StringIO)
    answers: list[tuple[str, int, str]] = field(default_factory=list)

    def hits(self, sentinels: list[str]) -> list[tuple[str, str, str]]:
        """Return where a sentinel turned up: the place, the sentinel, and the text around it."""
        hits = []
        for place, text in self.texts():
            for sentinel in sentinels:
                if (at := text.find(sentinel)) >= 0:
                    hits.append((place, sentinel, text[max(at - 60, 0) : at + 60]))
        return hits

    def texts(self) -> Iterator[tuple[str, str]]:
        yield "log", self.logs.getvalue()
        for path, status, text in self.answers:
            if status >= 300 or not path.startswith(SHOW_SECRETS):
                yield f"answer {status} of {path}", text
        for sent in mail.outbox:
            alternatives = [str(part) for part in getattr(sent, "alternatives", [])]
            yield "mail", "\n".join([str(sent.subject), str(sent.body), *alternatives])
        yield from rows()


def rows() -> Iterator[tuple[str, str]]:
    """Every row of every table as text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            quoted = connection.ops.quote_name(table)
            cursor.execute(f"SELECT row_to_json(t)::text FROM {quoted} t")  # noqa: S608 a name of our own schema
            for (text,) in cursor.fetchall():
                yield f"row of {table}", text


@contextmanager
def everything() -> Iterator[Everything]:
    """Collect all log lines, as the product's own handlers write them, and all answers."""
    record = Everything()
    ask, root = Client.request, logging.getLogger()
    ours = [handler for handler in root.handlers if type(handler) is logging.StreamHandler]
    assert ours, "the product's own handler is gone"

    def asking(client: Any, **request: Any) -> Any:
        answer = ask(client, **request)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
        headers = "\n".join(f"{name}: {value}" for name, value in answer.items())
        record.answers.append(
            (request["PATH_INFO"], answer.status_code, headers + "\n" + body.decode(errors="replace"))
        )
        return answer

    streams, level = [(handler, handler.setStream(record.logs)) for handler in ours], root.level
    root.setLevel(logging.DEBUG)
    Client.request = asking  # type: ignore[method-assign, assignment]
    try:
        yield record
    finally:
        Client.request = ask  # type: ignore[method-assign]
        root.setLevel(level)
        for handler, stream in streams:
            handler.setStream(stream)


def secrets(stripe: Sandbox, *tokens: str) -> list[str]:
    """Return every secret there is: ours, those Stripe made, those of the buyers, and the card numbers."""
    store = stripe.state.store
    intents = [*store.payment_intents, *store.setup_intents]
    client_secrets = [obj["client_secret"] for obj in intents if obj.get("client_secret")]
    ours = [settings.STRIPE_SECRET_KEY, *settings.STRIPE_WEBHOOK_SECRETS, settings.SECRET_KEY]
    return [*ours, *client_secrets, *CARDS, PASSWORD, *tokens]
