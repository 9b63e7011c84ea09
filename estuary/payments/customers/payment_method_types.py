"""The payment method types that this shop takes: for intents, SetupIntents, Checkout Sessions and Elements alike."""

# Apple Pay and Google Pay are cards. Other types are never offered, even if the dashboard enables them.
ALLOWED_PAYMENT_METHOD_TYPES: tuple[str, ...] = ("card",)
