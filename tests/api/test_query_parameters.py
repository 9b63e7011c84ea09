"""What stands behind the question mark is what the document says, or a 400 that names it; never quietly ignored."""

import pytest
from rest_framework.test import APIClient

from estuary.accounts.models import Practitioner
from estuary.catalog.models import Service, ServiceType
from tests.factories import make_service, signed_in

pytestmark = pytest.mark.django_db

LISTS = ["/api/v1/services/", "/api/v1/orders/", "/api/v1/bookings/", "/api/v1/credits/"]


@pytest.fixture
def session(ana: Practitioner) -> Service:
    return make_service(ServiceType.SESSION, ana)


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize("size", ["", "null", "0", "-1", "101", "2.5", "1" * 5000, "٣"])
def test_a_page_of_a_size_that_there_is_not_is_refused(as_maya: APIClient, address: str, size: str) -> None:
    answer = as_maya.get(address, {"page_size": size})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert "page_size" in answer.json()["errors"]


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize("size", ["1", "100"])
def test_a_page_may_be_as_small_and_as_large_as_the_document_says(
    as_maya: APIClient, address: str, size: str
) -> None:
    assert as_maya.get(address, {"page_size": size}).status_code == 200


def test_sessions_of_a_service_page_by_the_same_rule(public: APIClient, session: Service) -> None:
    answer = public.get(f"/api/v1/services/{session.pk}/sessions/", {"page_size": "null"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/api/v1/services/", "type"),
        ("/api/v1/services/", "practitioner"),
        ("/api/v1/services/{id}/slots/", "time_zone"),
        ("/api/v1/services/{id}/slots/", "days"),
        ("/api/v1/services/{id}/slots/", "from"),
        ("/api/v1/orders/", "status"),
        ("/api/v1/bookings/", "when"),
        ("/api/v1/roster/", "days"),
        ("/api/v1/roster/days/call-off/", "start_time"),
        ("/api/v1/roster/sessions/", "service_id"),
        ("/api/v1/roster/sessions/", "when"),
        ("/api/v1/roster/", "first_day"),
    ],
)
def test_a_parameter_without_a_value_is_refused_by_its_name(
    session: Service, address: str, name: str
) -> None:
    host = signed_in(session.practitioner.user)
    answer = host.get(address.format(id=session.pk), {name: ""})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert name in answer.json()["errors"]


def test_the_document_says_what_lists_answer_to_a_bad_page(public: APIClient) -> None:
    paths = public.get("/api/schema/", {"format": "json"}).json()["paths"]
    lists = [
        verbs["get"] for verbs in paths.values() if "cursor" in str(verbs.get("get", {}).get("parameters"))
    ]
    assert len(lists) == 9
    for operation in lists:
        assert {"200", "400", "404"} <= operation["responses"].keys(), operation["operationId"]
        [size] = [one["schema"] for one in operation["parameters"] if one["name"] == "page_size"]
        assert (size["minimum"], size["maximum"]) == (1, 100)


def test_the_document_says_what_is_answered_to_a_body_that_is_too_large_or_no_json(public: APIClient) -> None:
    paths = public.get("/api/schema/", {"format": "json"}).json()["paths"]
    with_body = [op for verbs in paths.values() for op in verbs.values() if "requestBody" in op]
    assert len(with_body) == 20
    for operation in with_body:
        assert {"400", "413", "415"} <= operation["responses"].keys(), operation["operationId"]
