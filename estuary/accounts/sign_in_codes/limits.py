"""Limits on mailed codes: how many are mailed, and how often a wrong one may be tried.

A code has eight digits and three tries. What an attacker can do:

- From one address: 120 mails an hour, to anybody, and 100 tries an hour, which is the limit of passwords too.
- At one account, from any number of addresses: 30 mails a day, so 90 tries of 100,000,000 codes.
- A browser in which the account was opened before is counted by itself. Who has spent an account's mails of a day keeps
  its owner from nothing there; elsewhere the password, or a new one by mail, lets the owner in.
"""

from django.http import HttpRequest

from estuary.accounts.sign_in.devices import find_device
from estuary.accounts.sign_in.limits import Guess, address_and_account

TRIES_PER_CODE = 3


def count_code_mail(request: HttpRequest, email: str) -> bool:
    """Count a code that is to be mailed; returns whether it is within the limits."""
    guess = Guess(request)
    if device := find_device(request, email):
        return guess.count("code_mail_from_device", device)
    return (
        guess.count("code_mail_from_address")
        and guess.count("code_mail_from_address_to_account", address_and_account(request, email))
        and guess.count("code_mail_to_account", email)
    )
