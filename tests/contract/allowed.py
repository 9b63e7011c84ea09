"""What Stripe really does although its types or its document say otherwise, each with the reason."""

# Keys of an answer that Stripe sends and the SDK's annotations lack: (value of "object" or path suffix, key).
UNTYPED_ANSWER_KEYS: dict[tuple[str, str], str] = {}

# What a browser sends with a publishable key and the SDK's parameters do not name.
CLIENT_PARAMS: dict[str, str] = {
    "client_secret": "stands for the secret key on what one payment may do",
    "key": "the publishable key, sent in the form by Stripe.js",
}

# Keys that came to an answer after the OpenAPI document's version.
NEWER_ANSWER_KEYS: dict[str, str] = {}

# Keys that are null at Stripe although the document does not say so.
NULLABLE_ANSWER_KEYS: dict[str, str] = {}

# Parameters that came after the document's version.
NEWER_PARAMS: dict[str, str] = {}
