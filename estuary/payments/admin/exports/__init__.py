"""Exports for bookkeeping: a table of a range of days, as a file that is read while it is sent."""
