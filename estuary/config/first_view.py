"""The catalogue's first view: its cards are in the page, so a slow network shows them before any script has run.

The exported page has a placeholder, ``<section id="first-services">``. The server puts the cards and their data there.
The scripts then draw the same from the data, without asking for it. When the catalogue can't be read, the page stays
as it was exported: it asks for the catalogue itself, and says what is wrong.
"""

import re
from typing import Any

import structlog
from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import json_script

from estuary.catalog.api import ServiceList
from estuary.catalog.models import ServiceType
from estuary.common.postgresql.admission import Busy

PLACEHOLDER = re.compile(r'(<section id="first-services"[^>]*>).*?(</section>)', re.DOTALL)
DATA_ID = "first-services-data"
# As lib/service-types.ts names them.
LABELS = {
    ServiceType.SESSION: "1-on-1 session",
    ServiceType.WORKSHOP: "Workshop",
    ServiceType.COURSE: "Course",
    ServiceType.PACKAGE: "Package",
    ServiceType.BUNDLE: "Bundle",
}

log = structlog.get_logger(__name__)


def insert_services(request: HttpRequest, html: bytes) -> bytes | None:
    """Return the catalogue's page with its first services; None when it has no place for them or they can't be read."""
    page = html.decode()
    if not PLACEHOLDER.search(page):
        return None
    services = _read_first_services(request)
    if services is None:
        return None
    cards = [_card(service) for service in services["results"]]
    content = render_to_string("first_services.html", {"cards": cards}) + json_script(
        {"type": request.GET.get("type", ""), "page": services}, DATA_ID
    )
    return PLACEHOLDER.sub(lambda match: match[1] + content + match[2], page, count=1).encode()


def _read_first_services(request: HttpRequest) -> dict[str, Any] | None:
    """Return the first page of the API's own list, for the type in the URL; None when the list refuses it."""
    try:
        response = ServiceList.as_view()(request)
    except (OperationalError, Busy) as error:
        log.warning("catalogue_not_read", error_type=type(error).__name__)
        return None
    return dict(response.data) if response.status_code == 200 else None


def _card(service: dict[str, Any]) -> dict[str, Any]:
    prices = {price["currency"]: price["amount"] for price in service["prices"]}
    currency = settings.CURRENCY if settings.CURRENCY in prices else next(iter(prices), "")
    return {
        "id": service["id"],
        "label": LABELS[service["type"]],
        "name": service["name"],
        "practitioner": service["practitioner"]["name"],
        "summary": service["summary"],
        "price": f"{prices[currency]} {currency.upper()}" if currency else "",
        "on_sale": service["on_sale"],
    }
