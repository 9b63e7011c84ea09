"""Joining and signing in by a code that is mailed, and proving it once more: allauth's login by code, with our rules.

One flow serves people with an account and people without one, so that no answer tells which an address is. An account
comes into being when the code was right, and so its address is its owner's from the first moment.
"""
