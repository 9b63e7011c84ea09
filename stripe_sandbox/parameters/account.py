"""What the account, its events and its webhook endpoints model of https://docs.stripe.com/api/events and the like."""

from stripe_sandbox.parameters.table import CREATED, PAGE, Table, parameters

PARAMETERS: dict[str, Table] = {
    "GET /v1/account": parameters(),
    "GET /v1/events": parameters(obeyed=f"type types delivery_success {CREATED} {PAGE}"),
    "GET /v1/events/{id}": parameters(),
    # For Stripe's command line tool.
    "POST /v1/events/{id}/retry": parameters(obeyed="for_stripecli webhook_endpoint"),
    "POST /v1/webhook_endpoints": parameters(
        obeyed="url enabled_events api_version", echoed="description metadata", default="connect=false"
    ),
    "GET /v1/webhook_endpoints": parameters(obeyed=PAGE),
    "GET /v1/webhook_endpoints/{id}": parameters(),
    "POST /v1/webhook_endpoints/{id}": parameters(
        obeyed="url enabled_events disabled", echoed="description metadata"
    ),
    "DELETE /v1/webhook_endpoints/{id}": parameters(),
}
