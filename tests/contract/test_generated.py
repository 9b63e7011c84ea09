"""What the sandbox knows of Stripe's API is what Stripe's packages say now."""

from stripe_sandbox import routes
from stripe_sandbox.schema.api import facts
from stripe_sandbox.schema.generate import ENDPOINTS, read_params
from stripe_sandbox.schema.generate_api import read_api
from stripe_sandbox.schema.validate import schemas


def test_the_parameters_are_those_of_the_sdk() -> None:
    assert schemas() == read_params(), "run `python -m stripe_sandbox.schema.generate`"


def test_the_expandable_fields_and_versions_are_those_of_stripes_document() -> None:
    assert facts() == read_api(), "run `python -m stripe_sandbox.schema.generate_api`"


def test_every_documented_route_has_its_parameters() -> None:
    assert set(routes.ROUTES) - set(ENDPOINTS) == set(routes.UNDOCUMENTED_FIELDS) | {
        "GET /v1/payment_pages/{id}"
    }
