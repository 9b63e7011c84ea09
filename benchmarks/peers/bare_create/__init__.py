"""The least that a payment takes: one row, and the two calls to Stripe that a new buyer needs."""
