"""Postal addresses as people write them: a few lines, checked wherever one is taken."""

from django.core.exceptions import ValidationError

from estuary.common.validators import check_one_line

ADDRESS_MAX = 400
ADDRESS_LINES_MAX = 6


def check_address(address: str) -> None:
    """Reject an address that fits on no receipt: too many lines, invisible marks; raises ValidationError."""
    lines = address.splitlines()
    for line in lines:
        check_one_line(line)
    if len(lines) > ADDRESS_LINES_MAX:
        raise ValidationError(
            f"Write the address on at most {ADDRESS_LINES_MAX} lines.", code="too_many_lines"
        )


def clean_address(address: str) -> str:
    """Return an address as it is stored: its lines without blanks around them; raises ValidationError."""
    cleaned = "\n".join(line.strip() for line in address.strip().splitlines())
    check_address(cleaned)
    return cleaned
