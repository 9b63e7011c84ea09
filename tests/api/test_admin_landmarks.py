"""Each page of the admin has one main landmark, which readers of screens jump to."""

import pytest

from tests.api.staff import admin_client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "page", ["", "payments/datechange/", "catalog/service/add/", "password_change/", "catalog/"]
)
def test_a_page_has_one_main_landmark(page: str) -> None:
    answer = admin_client().get(f"/admin/{page}", follow=True)
    assert answer.status_code == 200
    assert answer.content.decode().count('role="main"') == 1
