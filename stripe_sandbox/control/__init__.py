"""Controls: act as the buyer, the bank, the dashboard and the network."""

from stripe_sandbox.control.bank import BankControls
from stripe_sandbox.control.buyer import BuyerControls
from stripe_sandbox.control.dashboard import DashboardControls
from stripe_sandbox.control.network import NetworkControls

__all__ = ["BankControls", "BuyerControls", "Control", "DashboardControls", "NetworkControls"]


class Control(BuyerControls, BankControls, DashboardControls, NetworkControls):
    """All controls. Each returns the object as it then stands; a StripeError says what can't be done."""
