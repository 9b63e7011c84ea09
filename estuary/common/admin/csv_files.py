"""CSV files for spreadsheets, streamed: one line at a time, however many there are."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.http import StreamingHttpResponse

# A spreadsheet runs a cell that begins with one of these, also in its full width, as a formula.
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Where a spreadsheet's list separator is a semicolon, a cell may begin in the middle of a text as well.
INNER_FORMULA = re.compile(r"""([;\t\r\n][\s"']*)(?=[=+\-@＝＋－＠])""")
# Excel takes a file for UTF-8 when this stands at its beginning.
BYTE_ORDER_MARK = "\ufeff"


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """Return a download of a file called ``name``, whose rows are read while it is sent."""
    response = StreamingHttpResponse(csv_lines(header, rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    # ``writerow`` returns what ``_Line.write`` returns: the line.
    yield f"{BYTE_ORDER_MARK}{writer.writerow(header)}"
    for row in rows:
        yield str(writer.writerow([cell(value) for value in row]))


class _Line:
    """A file that returns what is written to it."""

    def write(self, text: str) -> str:
        return text


def cell(value: Any) -> str:
    """Return a value as it stands in a file: times in UTC, numbers as they are, and text that is never a formula."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | Decimal():
            return str(value)
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    text = INNER_FORMULA.sub(r"\1'", str(value))
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
