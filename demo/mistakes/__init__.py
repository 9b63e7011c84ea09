"""Mistakes of set-up, each made on purpose in a running shop, and what ``manage.py checkup`` says of it."""
