"""What PaymentIntents model of https://docs.stripe.com/api/payment_intents."""

from stripe_sandbox.parameters.table import (
    CREATED,
    MANDATE_DATA,
    METHOD_DATA,
    PAGE,
    SEARCH,
    SHIPPING,
    Table,
    parameters,
)

_OPTIONS = """
    payment_method_options{
        card{
            capture_method request_incremental_authorization request_three_d_secure setup_future_usage
        }
        us_bank_account{setup_future_usage}
        sepa_debit{setup_future_usage}
    }
"""
# What Stripe assumes for the options that the sandbox does not model.
_OPTIONS_AS_ASSUMED = """
    payment_method_options{
        card{
            installments{enabled=false} moto=false require_cvc_recollection=false
            request_extended_authorization=never request_multicapture=never request_overcapture=never
        }
        us_bank_account{verification_method=automatic}
    }
"""
_METHOD_TYPES = "allowed_payment_method_types excluded_payment_method_types payment_method_types"
_TEXTS = "description statement_descriptor statement_descriptor_suffix transfer_group"

PARAMETERS: dict[str, Table] = {
    "POST /v1/payment_intents": parameters(
        obeyed=f"""
            amount currency customer capture_method confirm confirmation_method confirmation_token
            payment_method {METHOD_DATA} {_METHOD_TYPES}
            automatic_payment_methods{{enabled allow_redirects}}
            off_session error_on_requires_action return_url use_stripe_sdk {MANDATE_DATA}
            setup_future_usage {_OPTIONS}
        """,
        echoed=f"{_TEXTS} metadata receipt_email {SHIPPING}",
        default=_OPTIONS_AS_ASSUMED,
    ),
    "GET /v1/payment_intents": parameters(obeyed=f"customer {CREATED} {PAGE}"),
    "GET /v1/payment_intents/{id}": parameters(obeyed="client_secret"),
    "POST /v1/payment_intents/{id}": parameters(
        obeyed=f"""
            amount currency customer capture_method payment_method {METHOD_DATA} {_METHOD_TYPES}
            setup_future_usage {_OPTIONS}
        """,
        echoed=f"{_TEXTS} metadata receipt_email {SHIPPING}",
        default=_OPTIONS_AS_ASSUMED,
    ),
    "POST /v1/payment_intents/{id}/confirm": parameters(
        obeyed=f"""
            capture_method confirmation_token payment_method {METHOD_DATA} {_METHOD_TYPES}
            off_session error_on_requires_action return_url use_stripe_sdk {MANDATE_DATA}
            setup_future_usage {_OPTIONS}
            client_secret client_context{{mode currency setup_future_usage}}
        """,
        echoed=f"receipt_email {SHIPPING}",
        default=f"set_as_default_payment_method=false {_OPTIONS_AS_ASSUMED}",
    ),
    "POST /v1/payment_intents/{id}/capture": parameters(
        obeyed="amount_to_capture",
        echoed="metadata statement_descriptor_suffix",
        default="final_capture=true",
    ),
    "POST /v1/payment_intents/{id}/increment_authorization": parameters(
        obeyed="amount", echoed="description metadata statement_descriptor"
    ),
    "GET /v1/payment_intents/search": parameters(obeyed=SEARCH),
    "POST /v1/payment_intents/{id}/cancel": parameters(echoed="cancellation_reason"),
}
