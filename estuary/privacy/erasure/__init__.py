"""Erasure of a person, here and at Stripe: what blocks it, its steps, and what is redacted."""
