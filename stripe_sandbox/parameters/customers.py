"""What customers, payment methods and tokens model of https://docs.stripe.com/api/customers and the like."""

from stripe_sandbox.parameters.table import (
    ADDRESS,
    BILLING_DETAILS,
    CREATED,
    METHOD_DATA,
    PAGE,
    RAW_METHOD,
    SEARCH,
    Table,
    parameters,
)

_CUSTOMER = f"""
    name email phone description metadata {ADDRESS} shipping{{name phone {ADDRESS}}}
    balance business_name individual_name invoice_prefix next_invoice_sequence preferred_locales tax_exempt
    invoice_settings{{custom_fields{{name value}} footer rendering_options{{amount_tax_display}}}}
"""
CARD_ADDRESS = "name address_line1 address_line2 address_city address_state address_zip address_country"
_DEFAULT_METHOD = "invoice_settings{default_payment_method}"

PARAMETERS: dict[str, Table] = {
    "POST /v1/customers": parameters(obeyed=f"payment_method {_DEFAULT_METHOD}", echoed=_CUSTOMER),
    "GET /v1/customers": parameters(obeyed=f"email {CREATED} {PAGE}"),
    "GET /v1/customers/{id}": parameters(),
    "POST /v1/customers/{id}": parameters(obeyed=_DEFAULT_METHOD, echoed=_CUSTOMER),
    "DELETE /v1/customers/{id}": parameters(),
    "GET /v1/customers/{id}/payment_methods": parameters(obeyed=f"type allow_redisplay {PAGE}"),
    "GET /v1/customers/{id}/payment_methods/{payment_method}": parameters(),
    "POST /v1/payment_methods": parameters(
        obeyed=RAW_METHOD, echoed=f"{BILLING_DETAILS} allow_redisplay metadata"
    ),
    "GET /v1/payment_methods": parameters(obeyed=f"customer type allow_redisplay {PAGE}"),
    "GET /v1/payment_methods/{id}": parameters(),
    "POST /v1/payment_methods/{id}": parameters(
        echoed=f"""
            {BILLING_DETAILS} allow_redisplay metadata card{{exp_month exp_year networks{{preferred}}}}
            us_bank_account{{account_holder_type account_type}}
        """
    ),
    "POST /v1/payment_methods/{id}/attach": parameters(obeyed="customer"),
    "POST /v1/payment_methods/{id}/detach": parameters(),
    "POST /v1/tokens": parameters(
        obeyed="card{number exp_month exp_year cvc}",
        echoed=f"card{{{CARD_ADDRESS} networks{{preferred}}}}",
    ),
    "GET /v1/tokens/{id}": parameters(),
    "GET /v1/mandates/{id}": parameters(),
    "POST /v1/customers/{id}/sources": parameters(obeyed="source", echoed="metadata"),
    "GET /v1/customers/{id}/sources": parameters(obeyed=PAGE, default="object=card"),
    "GET /v1/customers/{id}/sources/{source}": parameters(),
    "POST /v1/customers/{id}/sources/{source}": parameters(
        echoed=f"{CARD_ADDRESS} exp_month exp_year metadata"
    ),
    "DELETE /v1/customers/{id}/sources/{source}": parameters(),
    "GET /v1/customers/{id}/cash_balance": parameters(),
    "POST /v1/customers/{id}/cash_balance": parameters(obeyed="settings{reconciliation_mode}"),
    "GET /v1/customers/{id}/cash_balance_transactions": parameters(obeyed=PAGE),
    "GET /v1/customers/{id}/cash_balance_transactions/{transaction}": parameters(),
    "POST /v1/test_helpers/customers/{id}/fund_cash_balance": parameters(
        obeyed="amount currency", echoed="reference"
    ),
    "GET /v1/customers/search": parameters(obeyed=SEARCH),
    "POST /v1/customers/{id}/balance_transactions": parameters(
        obeyed="amount currency", echoed="description metadata"
    ),
    "GET /v1/customers/{id}/balance_transactions": parameters(obeyed=f"{CREATED} {PAGE}"),
    "GET /v1/customers/{id}/balance_transactions/{transaction}": parameters(),
    "POST /v1/customers/{id}/balance_transactions/{transaction}": parameters(echoed="description metadata"),
    "POST /v1/test_helpers/confirmation_tokens": parameters(
        obeyed=f"payment_method {METHOD_DATA} return_url setup_future_usage",
        echoed=f"shipping{{name phone {ADDRESS}}}",
    ),
    "GET /v1/confirmation_tokens/{id}": parameters(),
}
