"""A shop that leaves Stripe's events to dj-stripe; it runs in a virtual environment of its own."""
