"""Repeatable measurements of the product's hot paths."""
