"""Strangers ask for the OpenAPI document again and again: it is computed once, whoever asks and however."""

import threading
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from estuary.config import openapi

ADDRESSES = [
    "/api/schema/",
    "/api/schema/?format=json",
    "/api/schema/?lang=de&format=json",
    "/api/schema/?version=7",
    "/api/docs/",
    "/api/redoc/",
]


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note each time the document is computed, which takes Python's lock for most of a second."""
    times: list[int] = []
    compute: Any = SchemaGenerator.get_schema

    def noted(self: SchemaGenerator, *args: Any, **kwargs: Any) -> Any:
        times.append(1)
        return compute(self, *args, **kwargs)

    monkeypatch.setattr(SchemaGenerator, "get_schema", noted)
    openapi.clear_cached_document()
    return times


def test_many_who_ask_at_once_have_the_document_computed_once(computed: list[int]) -> None:
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda address=address: statuses.append(Client().get(address).status_code))
        for address in ADDRESSES * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * len(threads)
    assert len(computed) == 1


def test_a_reader_who_has_the_document_is_sent_none(computed: list[int]) -> None:
    first = Client().get("/api/schema/", {"format": "json"})
    again = Client().get("/api/schema/", {"format": "json"}, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    as_yaml = Client().get("/api/schema/", headers={"If-None-Match": first["ETag"]})
    assert as_yaml.status_code == 200
    assert as_yaml["ETag"] != first["ETag"]
    assert len(computed) == 1
