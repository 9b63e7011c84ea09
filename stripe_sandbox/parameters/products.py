"""What products and prices model of https://docs.stripe.com/api/products and https://docs.stripe.com/api/prices."""

from stripe_sandbox.parameters.table import CREATED, PAGE, SEARCH, Table, parameters

_PRODUCT = """
    name active description images marketing_features{name} metadata shippable statement_descriptor tax_code
    unit_label url package_dimensions{height length weight width}
"""
_PRICE = "currency unit_amount unit_amount_decimal"

PARAMETERS: dict[str, Table] = {
    "POST /v1/products": parameters(
        obeyed=f"id default_price_data{{{_PRICE} recurring{{interval interval_count}}}}",
        echoed=f"{_PRODUCT} type default_price_data{{metadata tax_behavior}}",
    ),
    "GET /v1/products": parameters(obeyed=f"active ids shippable type url {CREATED} {PAGE}"),
    "GET /v1/products/{id}": parameters(),
    "POST /v1/products/{id}": parameters(obeyed="default_price", echoed=_PRODUCT),
    "POST /v1/prices": parameters(
        obeyed=f"""
            product product_data{{id}} {_PRICE} lookup_key transfer_lookup_key
            recurring{{interval interval_count trial_period_days}}
        """,
        echoed="""
            active metadata nickname tax_behavior
            product_data{active metadata name statement_descriptor tax_code unit_label}
        """,
        default="billing_scheme=per_unit recurring{usage_type=licensed}",
    ),
    "GET /v1/prices": parameters(
        obeyed=f"active currency lookup_keys product type recurring{{interval usage_type}} {CREATED} {PAGE}"
    ),
    "GET /v1/prices/{id}": parameters(),
    "POST /v1/prices/{id}": parameters(
        obeyed="lookup_key transfer_lookup_key", echoed="active metadata nickname tax_behavior"
    ),
    "DELETE /v1/products/{id}": parameters(),
    "GET /v1/products/search": parameters(obeyed=SEARCH),
    "GET /v1/prices/search": parameters(obeyed=SEARCH),
}
