"""Attacks on a running product: each asserts that others are served and that the attacker is not."""
