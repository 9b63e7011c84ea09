"""Receipts and credit notes: numbered without gaps, frozen when they are issued."""
