"""The part of the environment that receipts show: the seller, and the tax."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field
from pydantic_settings import BaseSettings

from estuary.documents.seller import Seller, Tax

NAME_MAX, ADDRESS_LINES_MAX = 200, 6
SANDBOX_SELLER = {
    "estuary_seller_name": "Estuary Sandbox",
    "estuary_seller_address": "12 Riverside Walk | 1200-109 Lisbon",
    "estuary_seller_country": "PT",
    "estuary_seller_mail": "hello@estuary.example",
    "estuary_tax_note": "VAT exempt.",
}


class SellerEnvironment(BaseSettings):
    """The variables of the seller and the tax."""

    estuary_seller_name: str = Field(default="", max_length=NAME_MAX)
    # Its lines are separated by |.
    estuary_seller_address: str = Field(default="", max_length=400)
    estuary_seller_country: str = ""
    estuary_seller_tax_id: str = Field(default="", max_length=64)
    estuary_seller_mail: str = Field(default="", max_length=254)
    estuary_seller_time_zone: str = "UTC"
    estuary_tax_rate: Decimal = Field(default=Decimal(0), ge=0, lt=100, max_digits=6, decimal_places=3)
    estuary_tax_label: str = Field(default="VAT", max_length=32)
    estuary_tax_note: str = Field(default="", max_length=200)
    estuary_credits_taxed: Literal["when_spent", "when_sold"] = "when_spent"

    def find_seller_problems(self) -> Iterator[str]:
        country = self.estuary_seller_country
        if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
            yield "ESTUARY_SELLER_COUNTRY must be two letters, such as PT"
        if self.estuary_seller_time_zone not in available_timezones():
            yield "ESTUARY_SELLER_TIME_ZONE must be a time zone, such as Europe/Lisbon"
        if self.estuary_seller_mail and "@" not in self.estuary_seller_mail:
            yield "ESTUARY_SELLER_MAIL must be an address, such as hello@estuary.example"
        if len(self._address_lines) > ADDRESS_LINES_MAX:
            yield f"ESTUARY_SELLER_ADDRESS may have {ADDRESS_LINES_MAX} lines at most, separated by |"

    @property
    def _address_lines(self) -> list[str]:
        return [line.strip() for line in self.estuary_seller_address.split("|") if line.strip()]

    @property
    def seller(self) -> Seller:
        return Seller(
            name=self.estuary_seller_name.strip(),
            address="\n".join(self._address_lines),
            country=self.estuary_seller_country.upper(),
            tax_id=self.estuary_seller_tax_id.strip(),
            email=self.estuary_seller_mail.strip(),
            zone=ZoneInfo(self.estuary_seller_time_zone),
        )

    @property
    def tax(self) -> Tax:
        return Tax(
            rate=self.estuary_tax_rate,
            label=self.estuary_tax_label.strip(),
            note=self.estuary_tax_note.strip(),
            credits_taxed_when_sold=self.estuary_credits_taxed == "when_sold",
        )
