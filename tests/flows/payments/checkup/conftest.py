"""A shop on a laptop whose worker runs, and what the checkup says of it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from estuary.payments.refusals.webhook_counter import WEBHOOK_COUNTER


@dataclass(frozen=True)
class Answer:
    """What the command answered: its exit code, its text, and each finding that is not good by its code."""

    status: int
    text: str
    broken: dict[str, dict[str, str]]
    look: dict[str, dict[str, str]]
    good: dict[str, dict[str, str]]


type Checkup = Callable[[], Answer]


def ask() -> Answer:
    """Call the command twice, for people and for programs; both say the same."""
    texts, status = [], 0
    for options in ([], ["--json"]):
        out, status = StringIO(), 0
        try:
            call_command("checkup", *options, stdout=out)
        except SystemExit as ended:
            status = int(str(ended.code))
        texts.append(out.getvalue())
    document = json.loads(texts[1])
    assert document["healthy"] == (status == 0)
    by_level = {
        level: {one["code"]: one for one in document["findings"] if one["level"] == level}
        for level in ("broken", "look", "good")
    }
    for finding in (*by_level["broken"].values(), *by_level["look"].values()):
        assert f"[{finding['code']}]" in texts[0] and f"  Cure: {finding['cure']}" in texts[0]
        assert finding["what"] and finding["why"] and finding["cure"], finding
    return Answer(status, texts[0], **by_level)


@pytest.fixture
def checkup(transactional_db: None, settings: Settings) -> Iterator[Checkup]:
    # Nobody answers at this address, quickly.
    settings.FRONTEND_URL = "http://localhost:9"
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    WEBHOOK_COUNTER._counts.clear()
    yield ask
    WEBHOOK_COUNTER._counts.clear()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
