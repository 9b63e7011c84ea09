"""What a buyer reads on a bank statement: https://docs.stripe.com/get-started/account/statement-descriptors."""

from typing import Any

from stripe_sandbox.errors import InvalidParameter


def check(types: list[str], params: dict[str, Any], where: str = "statement_descriptor") -> None:
    """Refuse a full statement descriptor for cards."""
    if params.get("statement_descriptor") and "card" in types:
        message = (
            "The statement_descriptor parameter is not supported for the payment_method_type `card`. To continue "
            "supporting payment_method_type `card`, please pass in `statement_descriptor_suffix` or remove the "
            "`statement_descriptor` parameter altogether."
        )
        raise InvalidParameter(message, param=where)
