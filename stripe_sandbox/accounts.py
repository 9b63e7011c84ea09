"""The account itself: https://docs.stripe.com/api/accounts."""

from stripe_sandbox.endpoint_call import Call, Routes
from stripe_sandbox.store import Obj

_PROFILE = (
    "annual_revenue estimated_worker_count product_description support_address support_email support_phone "
    "support_url url"
)


def retrieve(call: Call) -> Obj:
    settings = call.state.settings
    return {
        "id": settings.account_id,
        "object": "account",
        "business_profile": dict.fromkeys(_PROFILE.split()) | {"mcc": "8099", "name": settings.account_name},
        "business_type": "company",
        "capabilities": {
            "card_payments": "active",
            "transfers": "active",
            "us_bank_account_ach_payments": "active",
        },
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": settings.country,
        "created": 1_700_000_000,
        "default_currency": settings.currency,
        "details_submitted": True,
        "email": "sandbox@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_payments": {
                "decline_on": {"avs_failure": False, "cvc_failure": True},
                "statement_descriptor_prefix": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": settings.account_name, "timezone": "Etc/UTC"},
            "payments": {
                "statement_descriptor": "ESTUARY SANDBOX",
                "statement_descriptor_kana": None,
                "statement_descriptor_kanji": None,
            },
        },
        "type": "standard",
    }


ROUTES: Routes = {"GET /v1/account": retrieve}
