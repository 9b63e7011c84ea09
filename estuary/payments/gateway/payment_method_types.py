"""The ways to pay that this shop takes: one list for intents, saved cards, hosted pages and the browser's Elements."""

# Apple Pay and Google Pay are cards. What the dashboard has on besides is never offered.
ALLOWED_PAYMENT_METHOD_TYPES: tuple[str, ...] = ("card",)
