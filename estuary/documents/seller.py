"""The seller that receipts name and the tax that they show, as the settings say (config/seller.py)."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings

from estuary.common.money import round_to_payable

# The only seller until practitioners sell for themselves.
HOUSE = "house"


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells. ``key`` names the seller's own series of numbers; ``address`` has one line for each of its lines."""

    key: str = HOUSE
    name: str = ""
    address: str = ""
    country: str = ""
    tax_id: str = ""
    email: str = ""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    @property
    def is_known(self) -> bool:
        """Whether receipts can name the seller; without a name none is issued, since it could not be put right."""
        return bool(self.name)

    def year_of(self, moment: datetime) -> int:
        """Return the year of a moment where the seller is."""
        return moment.astimezone(self.zone).year


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax that prices include: ``rate`` in percent. With a rate of 0, receipts show ``note`` instead.

    ``credits_taxed_when_sold``: credits are taxed when they are bought, and no more when they are spent.
    """

    rate: Decimal = Decimal(0)
    label: str = "VAT"
    note: str = ""
    credits_taxed_when_sold: bool = False

    def included_minor(self, gross_minor: int, currency: str) -> int:
        """Return the tax within a gross amount, rounded to what the currency has: 23 % of 123.00 is 23.00.

        In 1,500 ISK it is 280 ISK: there are no hundredths.
        """
        return round_to_payable(Decimal(gross_minor) * self.rate / (100 + self.rate), currency)


def house() -> Seller:
    seller: Seller = settings.SELLER
    return seller


def tax() -> Tax:
    tax: Tax = settings.TAX
    return tax
