"""What SetupIntents model of https://docs.stripe.com/api/setup_intents."""

from stripe_sandbox.parameters.table import CREATED, MANDATE_DATA, METHOD_DATA, PAGE, Table, parameters

_OPTIONS = "payment_method_options{card{request_three_d_secure}}"
_OPTIONS_AS_ASSUMED = (
    "payment_method_options{card{moto=false} us_bank_account{verification_method=automatic}}"
)
_METHOD_TYPES = "allowed_payment_method_types excluded_payment_method_types payment_method_types"

PARAMETERS: dict[str, Table] = {
    "POST /v1/setup_intents": parameters(
        obeyed=f"""
            customer confirm confirmation_token payment_method {METHOD_DATA} {_METHOD_TYPES}
            automatic_payment_methods{{enabled allow_redirects}}
            return_url use_stripe_sdk {MANDATE_DATA} {_OPTIONS}
        """,
        echoed="description metadata usage",
        default=f"attach_to_self=false {_OPTIONS_AS_ASSUMED}",
    ),
    "GET /v1/setup_intents": parameters(obeyed=f"customer payment_method {CREATED} {PAGE}"),
    "GET /v1/setup_intents/{id}": parameters(obeyed="client_secret"),
    "POST /v1/setup_intents/{id}": parameters(
        obeyed=f"customer payment_method {METHOD_DATA} {_METHOD_TYPES} {_OPTIONS}",
        echoed="description metadata",
        default=f"attach_to_self=false {_OPTIONS_AS_ASSUMED}",
    ),
    "POST /v1/setup_intents/{id}/confirm": parameters(
        obeyed=f"""
            confirmation_token payment_method {METHOD_DATA} allowed_payment_method_types payment_method_types
            return_url use_stripe_sdk {MANDATE_DATA} {_OPTIONS}
            client_secret client_context{{mode currency setup_future_usage}}
        """,
        default=f"set_as_default_payment_method=false {_OPTIONS_AS_ASSUMED}",
    ),
    "GET /v1/setup_attempts": parameters(obeyed=f"setup_intent {CREATED} {PAGE}"),
    "POST /v1/setup_intents/{id}/cancel": parameters(echoed="cancellation_reason"),
}
