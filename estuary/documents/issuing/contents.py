"""What a receipt and a credit note say, from an order and its refunds: rows that still lack a number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import category

from estuary.accounts.models import User
from estuary.accounts.profile.billing_details import get_billing_details
from estuary.common.money import proportion, round_to_payable
from estuary.common.validators import JOINERS, UNWRITTEN
from estuary.documents.models import CreditNote, Receipt
from estuary.documents.render import print_money
from estuary.documents.seller import Seller, Tax
from estuary.orders.models import Order, OrderLine, OrderType
from estuary.payments.models import Refund
from estuary.payments.stripe_objects import UsedMethod

TAXED_WHEN_SPENT = "No tax yet: credits are taxed when they are spent."
TAXED_BEFORE = "Taxed when the credits were bought."


def one_line(text: str, max_length: int) -> str:
    """Return a text as it can be printed: on one line, without invisible marks."""
    return " ".join(_printed(text).split())[:max_length]


def _printed(text: str) -> str:
    return "".join(" " if category(sign) in UNWRITTEN and sign not in JOINERS else sign for sign in text)


def _several_lines(text: str) -> str:
    lines = (one_line(line, 200) for line in text.splitlines())
    return "\n".join(line for line in lines if line)[:1000]


def build_receipt(order: Order, method: UsedMethod | None, seller: Seller, tax: Tax) -> Receipt:
    """Return the receipt of an order; its ``user``, its ``lines`` and their bookings must be loaded."""
    taxable_minor, note = _taxable(order, tax)
    tax_minor = tax.included_minor(taxable_minor, order.currency)
    assert order.completed_at is not None
    return Receipt(
        order=order,
        paid_at=order.completed_at,
        total_minor=order.total_minor,
        credits_minor=order.credits_applied_minor,
        charged_minor=order.amount_due_minor,
        method_type=method.type[:40] if method else "",
        method_brand=method.brand[:40] if method else "",
        method_last4=method.last4[:4] if method else "",
        taxable_minor=taxable_minor,
        tax_minor=tax_minor,
        tax_rate=tax.rate,
        tax_label=tax.label,
        tax_note=note,
        lines=_order_lines(order, seller),
        **_seller_fields(seller),
        **_buyer_fields(order.user),
        currency=order.currency,
    )


def _seller_fields(seller: Seller) -> dict[str, str]:
    return {
        "seller": seller.key,
        "seller_name": one_line(seller.name, 200),
        "seller_address": seller.address,
        "seller_country": seller.country,
        "seller_tax_id": seller.tax_id,
        "seller_email": seller.email,
        "seller_time_zone": seller.zone.key,
    }


def _buyer_fields(user: User) -> dict[str, str]:
    buyer = get_billing_details(user)
    return {
        "buyer_name": one_line(buyer.name, 310),
        "buyer_address": _several_lines(buyer.address),
        "buyer_email": "" if user.is_erased else buyer.email,
    }


def _taxable(order: Order, tax: Tax) -> tuple[int, str]:
    """Return the part of the total that the tax is in, in minor units, and the sentence where there is no tax.

    A session of 50.00, 20.00 of it in credits: the tax is in 50.00, or in 30.00 if credits are taxed when sold.
    """
    if not tax.rate:
        return 0, tax.note
    if order.type == OrderType.CREDIT:
        return (order.total_minor, "") if tax.credits_taxed_when_sold else (0, TAXED_WHEN_SPENT)
    if tax.credits_taxed_when_sold and order.credits_applied_minor:
        return order.amount_due_minor, "" if order.amount_due_minor else TAXED_BEFORE
    return order.total_minor, ""


def _order_lines(order: Order, seller: Seller) -> list[dict[str, Any]]:
    if order.type == OrderType.CREDIT:
        worth = print_money(order.credit_amount_minor, order.currency)
        return [_line(f"Credits worth {worth}", order.total_minor)]
    groups: dict[tuple[str, str, int], list[OrderLine]] = {}
    for line in sorted(order.lines.all(), key=lambda line: line.position):
        practitioner = _practitioner_name(line, order.snapshot)
        groups.setdefault((line.service_name, practitioner, line.amount_minor), []).append(line)
    return [
        _line(
            one_line(group[0].service_name, 200),
            sum(line.amount_minor for line in group),
            quantity=len(group),
            dates=[line.starts_at.astimezone(seller.zone).date() for line in group if line.starts_at],
            details=f"with {practitioner}" if practitioner else "",
        )
        for (_, practitioner, _), group in groups.items()
    ]


def _practitioner_name(line: OrderLine, snapshot: dict[str, Any]) -> str:
    """Return who gives what a line sold, as its booking says: a package may have parts of other practitioners.

    Who sold the order has the name of that moment. A line without a booking names nobody.
    """
    booking = next(iter(line.bookings.all()), None)
    if booking is None:
        return ""
    is_seller = booking.practitioner_id == snapshot["practitioner_id"]
    return one_line(snapshot["practitioner"] if is_seller else booking.practitioner.display_name, 120)


def _line(
    description: str, amount_minor: int, *, quantity: int = 1, dates: Sequence[Any] = (), details: str = ""
) -> dict[str, Any]:
    return {
        "description": description,
        "details": details,
        "quantity": quantity,
        "amount_minor": amount_minor,
        "dates": [date.isoformat() for date in dates],
    }


@dataclass(frozen=True, slots=True)
class Returned:
    """What credit notes say together, those of a refund or those of a receipt. Minor units; ``notes`` counts them."""

    charged_minor: int = 0
    credits_minor: int = 0
    tax_minor: int = 0
    notes: int = 0

    def plus(self, note: CreditNote) -> "Returned":
        return Returned(
            self.charged_minor + note.charged_minor,
            self.credits_minor + note.credits_minor,
            self.tax_minor + note.tax_minor,
            self.notes + 1,
        )


def find_difference(refund: Refund, noted: Returned) -> tuple[int, int]:
    """Return what a refund returned beyond its notes so far: charged and credits, in minor units.

    A refund of 30.00 without a note: 30.00. After the bank has returned it, with a note of 30.00: -30.00.
    """
    is_returned = refund.status == Refund.Status.SUCCEEDED
    charged_minor, credits_minor = (refund.card_minor, refund.credits_minor) if is_returned else (0, 0)
    return charged_minor - noted.charged_minor, credits_minor - noted.credits_minor


def build_credit_note(
    refund: Refund, receipt: Receipt, *, noted: Returned, of_receipt: Returned, seller: Seller
) -> CreditNote | None:
    """Return the note that a refund lacks, or None. ``of_receipt`` is the sum of all notes of its receipt so far."""
    charged_minor, credits_minor = find_difference(refund, noted)
    if not charged_minor and not credits_minor:
        return None
    assert refund.settled_at is not None
    amount_minor = charged_minor + credits_minor
    after = Returned(of_receipt.charged_minor + charged_minor, of_receipt.credits_minor + credits_minor)
    return CreditNote(
        receipt=receipt,
        refund=refund,
        revision=noted.notes + 1,
        refunded_at=refund.settled_at,
        charged_minor=charged_minor,
        credits_minor=credits_minor,
        tax_minor=_returned_tax(receipt, after) - of_receipt.tax_minor,
        tax_rate=receipt.tax_rate,
        tax_label=receipt.tax_label,
        tax_note=receipt.tax_note,
        lines=[_line(_title(refund, amount_minor), amount_minor)],
        # Whom the receipt names: the buyer may have other details since, or be erased.
        buyer_name=receipt.buyer_name,
        buyer_address=receipt.buyer_address,
        buyer_email=receipt.buyer_email,
        currency=receipt.currency,
        **_seller_fields(seller),
    )


def _returned_tax(receipt: Receipt, returned: Returned) -> int:
    """Return the tax in all that was returned; of everything it is the receipt's tax exactly."""
    if not receipt.taxable_minor:
        return 0
    is_total_taxed = receipt.taxable_minor == receipt.total_minor
    returned_minor = returned.charged_minor + (returned.credits_minor if is_total_taxed else 0)
    if returned_minor == receipt.taxable_minor:
        return receipt.tax_minor
    return round_to_payable(
        proportion(returned_minor, receipt.taxable_minor, receipt.tax_minor), receipt.currency
    )


def _title(refund: Refund, amount_minor: int) -> str:
    title = refund.booking.service_name if refund.booking else refund.order.title
    return one_line(f"{'Refund' if amount_minor > 0 else 'Correction of a refund'} of {title}", 200)
