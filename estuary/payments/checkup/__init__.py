"""The checkup reads how the shop is set up, here and at Stripe, and names each mistake with its cure."""

from estuary.payments.checkup.finding import Finding, Level
from estuary.payments.checkup.runner import run_checkup

__all__ = ["Finding", "Level", "run_checkup"]
