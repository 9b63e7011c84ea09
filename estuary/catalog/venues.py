"""Where a service takes place: a venue with its time zone, or a link to join online."""

from collections.abc import Sequence
from unicodedata import category
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import models

from estuary.accounts.models import Practitioner, validate_time_zone
from estuary.common.validators import check_one_line

ADDRESS_LINES_MAX = 6
JOIN_URL_MAX = 500
# Google's documented address opens the map app of a phone, or a page. https://developers.google.com/maps/documentation/urls
MAP_URL = "https://www.google.com/maps/dir/?api=1&destination={}"


# No address has them: https://datatracker.ietf.org/doc/html/rfc3986#appendix-A
NEVER_IN_URLS = frozenset('<>"\\`')


def check_https_url(url: str) -> None:
    """Reject all but an absolute https address without a password, a space, markup or a control character."""
    try:
        parts = urlsplit(url)
        is_fine = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        is_fine = False
    if not is_fine or any(category(character)[0] in "CZ" or character in NEVER_IN_URLS for character in url):
        raise ValidationError(
            "Give a whole address that begins with https:// and has no spaces, quotes or angle brackets in it."
        )


def check_lines(text: str) -> None:
    """Reject more than a few lines, and control characters other than line breaks."""
    lines = text.splitlines()
    if len(lines) > ADDRESS_LINES_MAX:
        raise ValidationError(f"Write at most {ADDRESS_LINES_MAX} lines.")
    for line in lines:
        check_one_line(line)


class Venue(models.Model):
    """A place where services are given; all dates there are shown in its time zone."""

    practitioner = models.ForeignKey(
        Practitioner,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="venues",
        help_text="Whose place it is. Empty: any practitioner may use it.",
    )
    name = models.CharField(max_length=120, validators=[check_one_line])
    address = models.TextField(
        max_length=400, validators=[check_lines], help_text="As on an envelope, one line each."
    )
    time_zone = models.CharField(max_length=64, validators=[validate_time_zone])
    directions = models.TextField(
        max_length=1000, blank=True, help_text="How to find the door: a floor, a bell, a tram stop."
    )
    map_url = models.CharField(
        max_length=500,
        blank=True,
        validators=[check_https_url],
        help_text="A link to directions. Empty: a map looks the address up.",
    )

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def address_lines(self) -> Sequence[str]:
        return [line.strip() for line in self.address.splitlines() if line.strip()]

    @property
    def directions_url(self) -> str:
        """Return a link that leads there: the venue's own, or a map's."""
        return self.map_url or MAP_URL.format(quote(", ".join([self.name, *self.address_lines]), safe=""))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)
