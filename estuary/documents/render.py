"""Receipts and credit notes as PDF: the same bytes for the same document, in a few milliseconds.

typst brings its own fonts and layout; ours are in ``fonts/``, for Latin, Greek, Cyrillic, Hebrew and Arabic script.
Why: docs/decisions/0030-receipts.md.
"""

import json
import re
from datetime import date
from decimal import Decimal
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from estuary.common.english_times import write_date
from estuary.common.money import WHOLE_UNITS_ONLY, exponent
from estuary.documents.models import CreditNote, IssuedDocument, Receipt

FOLDER = Path(__file__).parent
LAYOUT = (FOLDER / "document.typ").read_bytes()
# Raise it when the texts of the same document change, such as the format of its dates.
TEXTS_VERSION = 2
# Longer words are broken, or they would run over the margin.
LONGEST_WORD = 24
LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD}}}(?=\S)")
ZERO_WIDTH_SPACE = "\u200b"

# A compiler serves one thread at a time.
_lock = Lock()


@cache
def _compiler() -> Any:
    # Of 80 MB: loaded with the first receipt, and never where none is shown.
    import typst  # noqa: PLC0415

    return typst.Compiler(font_paths=[str(FOLDER / "fonts")], ignore_system_fonts=True)


def layout_version() -> str:
    """Return a text that changes whenever the same document would look different."""
    parts = LAYOUT + version("typst").encode() + TEXTS_VERSION.to_bytes()
    return blake2b(parts, digest_size=6).hexdigest()


def render_pdf(document: Receipt | CreditNote) -> bytes:
    pdf: bytes = _render(document, "pdf")
    return pdf


def render_png(document: Receipt | CreditNote, *, ppi: float) -> bytes:
    """Return the first page as a picture."""
    pages = _render(document, "png", ppi=ppi)
    return pages if isinstance(pages, bytes) else bytes(pages[0])


def _render(document: Receipt | CreditNote, format: str, **options: Any) -> Any:
    inputs = {"document": json.dumps(_texts(document), ensure_ascii=False)}
    with _lock:
        return _compiler().compile(
            LAYOUT,
            format=format,
            sys_inputs=inputs,
            timestamp=document.issued_at.replace(microsecond=0),
            **options,
        )


def print_money(minor: int, currency: str) -> str:
    """Return an amount as receipts show it: ``1,234.50 USD``, ``1,500 ISK``."""
    digits = exponent(currency)
    shown = 0 if currency in WHOLE_UNITS_ONLY else digits
    return f"{Decimal(minor).scaleb(-digits):,.{shown}f} {currency.upper()}".replace("-", "−")


def print_rate(rate: Decimal) -> str:
    """Return a rate without needless zeros: ``23 %``, ``8.875 %``."""
    return f"{rate.normalize():f} %"


def _texts(document: Receipt | CreditNote) -> dict[str, Any]:
    """Return everything that the layout shows, as texts."""
    is_receipt = isinstance(document, Receipt)
    own = _receipt_texts(document) if isinstance(document, Receipt) else _note_texts(document)
    texts = {
        "number": document.number,
        "seller": _seller_lines(document),
        "buyer-label": "Buyer" if is_receipt else "Credited to",
        "buyer": _buyer_lines(document),
        "lines": [_line_texts(line, document.currency) for line in document.lines],
        "notes": [document.tax_note] if document.tax_note else [],
        **own,
    }
    broken: dict[str, Any] = _break_long_words(texts)
    return broken


def _receipt_texts(receipt: Receipt) -> dict[str, Any]:
    def amount(minor: int) -> str:
        return print_money(minor, receipt.currency)

    sums = [("Total", amount(receipt.total_minor), True)]
    sums += [
        (label, amount(minor), False)
        for label, minor in [
            (tax_label(receipt), receipt.tax_minor),
            ("Paid with credits", receipt.credits_minor),
            (f"Paid by {receipt.method}", receipt.charged_minor),
        ]
        if minor
    ]
    paid_on = receipt.paid_at.astimezone(ZoneInfo(receipt.seller_time_zone)).date()
    facts = [("Number", receipt.number, True), ("Date", write_date(receipt.issued_on), False)]
    facts += [("Paid", write_date(paid_on), False), ("Order", receipt.order.public_id, False)]
    return {"title": "Receipt", "facts": facts, "sums": sums}


def _note_texts(note: CreditNote) -> dict[str, Any]:
    def amount(minor: int) -> str:
        return print_money(minor, note.currency)

    receipt = note.receipt
    sums = [("Total", amount(note.total_minor), True)]
    sums += [
        (label, amount(minor), False)
        for label, minor in [
            (tax_label(note), note.tax_minor),
            ("To your credits", note.credits_minor),
            (f"To {receipt.method}", note.charged_minor),
        ]
        if minor
    ]
    facts = [
        ("Number", note.number, True),
        ("Date", write_date(note.issued_on), False),
        ("For receipt", f"{receipt.number} of {write_date(receipt.issued_on)}", False),
        ("Order", receipt.order.public_id, False),
    ]
    title = "Credit note" if note.total_minor >= 0 else "Correction of a credit note"
    return {"title": title, "facts": facts, "sums": sums}


def tax_label(document: IssuedDocument) -> str:
    return f"including {document.tax_label} {print_rate(document.tax_rate)}"


def _seller_lines(document: IssuedDocument) -> list[str]:
    lines = [document.seller_name, *document.seller_address.splitlines(), document.seller_country]
    tax_id = f"Tax ID {document.seller_tax_id}" if document.seller_tax_id else ""
    return [line for line in [*lines, tax_id, document.seller_email] if line]


def _buyer_lines(document: IssuedDocument) -> list[str]:
    lines = [document.buyer_name, *document.buyer_address.splitlines(), document.buyer_email]
    return [line for line in lines if line] or ["–"]


def _line_texts(line: dict[str, Any], currency: str) -> dict[str, Any]:
    times = f"{line['quantity']} × " if line["quantity"] > 1 else ""
    dates = ", ".join(write_date(date.fromisoformat(day)) for day in line["dates"])
    return {
        "title": times + line["description"],
        "details": [text for text in (line["details"], dates) if text],
        "amount": print_money(line["amount_minor"], currency),
    }


def _break_long_words(value: Any) -> Any:
    if isinstance(value, str):
        return LONG_WORD.sub(lambda match: match[0] + ZERO_WIDTH_SPACE, value)
    if isinstance(value, list | tuple):
        return [_break_long_words(item) for item in value]
    return (
        {name: _break_long_words(item) for name, item in value.items()} if isinstance(value, dict) else value
    )
