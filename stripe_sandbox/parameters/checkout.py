"""What Checkout Sessions model of https://docs.stripe.com/api/checkout/sessions."""

from stripe_sandbox.parameters.table import CREATED, PAGE, SHIPPING, Table, parameters

_PRICE_DATA = """
    price_data{
        currency product unit_amount unit_amount_decimal
        product_data{name unit_label}
    }
"""
_PRICE_DATA_ECHOED = "price_data{product_data{description images metadata tax_code} tax_behavior}"

PARAMETERS: dict[str, Table] = {
    "POST /v1/checkout/sessions": parameters(
        obeyed=f"""
            mode=payment|setup success_url cancel_url expires_at currency
            customer customer_email customer_creation
            allowed_payment_method_types excluded_payment_method_types payment_method_types
            line_items{{price quantity {_PRICE_DATA}}}
            payment_intent_data{{
                capture_method description metadata receipt_email setup_future_usage {SHIPPING}
                statement_descriptor statement_descriptor_suffix transfer_group
            }}
            setup_intent_data{{description metadata}}
            payment_method_options{{
                card{{capture_method request_three_d_secure setup_future_usage}}
                us_bank_account{{setup_future_usage}}
                sepa_debit{{setup_future_usage}}
            }}
            payment_method_data{{allow_redisplay}}
            saved_payment_method_options{{allow_redisplay_filters payment_method_save}}
            custom_text{{submit{{message}}}}
            custom_fields{{
                key type label{{custom}} optional dropdown{{default_value options{{label value}}}}
                numeric{{default_value maximum_length minimum_length}}
                text{{default_value maximum_length minimum_length}}
            }}
            phone_number_collection{{enabled}}
            submit_type
        """,
        echoed=f"""
            client_reference_id metadata locale integration_identifier origin_context
            adaptive_pricing{{enabled}} allow_promotion_codes=false billing_address_collection=auto
            line_items{{metadata {_PRICE_DATA_ECHOED}}}
        """,
        default="""
            ui_mode=hosted_page redirect_on_completion=always
            automatic_tax{enabled=false} tax_id_collection{enabled=false} invoice_creation{enabled=false}
            managed_payments{enabled=false}
            after_expiration{recovery{enabled=false}}
            customer_update{address=never name=never shipping=never}
            custom_fields{label{type=custom}}
            line_items{adjustable_quantity{enabled=false}}
            saved_payment_method_options{payment_method_remove=disabled}
            payment_method_options{
                card{
                    installments{enabled=false} request_extended_authorization=never
                    request_incremental_authorization=never request_multicapture=never
                    request_overcapture=never
                }
                us_bank_account{verification_method=automatic}
            }
        """,
    ),
    "GET /v1/checkout/sessions": parameters(
        obeyed=f"customer customer_details{{email}} payment_intent status {CREATED} {PAGE}"
    ),
    "GET /v1/checkout/sessions/{id}": parameters(),
    "GET /v1/checkout/sessions/{id}/line_items": parameters(obeyed=PAGE),
    "POST /v1/checkout/sessions/{id}": parameters(echoed="metadata"),
    "POST /v1/checkout/sessions/{id}/expire": parameters(),
    # The hosted page's own API, for Stripe's command line tool.
    "GET /v1/payment_pages/{id}": parameters(),
    "POST /v1/payment_pages/{id}/confirm": parameters(obeyed="payment_method expected_amount"),
}
