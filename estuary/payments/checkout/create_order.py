"""An order is created in one transaction: its seats reserved, its credits spent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from estuary.accounts.models import User
from estuary.bookings.fulfilment import reserve
from estuary.bookings.order_lines import ScheduleRequest, limit_held_times, plan_lines
from estuary.catalog.models import Service
from estuary.catalog.pricing import PricedItem
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction
from estuary.common.money import display, floor_to_step, min_charge_minor, to_decimal
from estuary.credits import ledger
from estuary.credits.models import CreditAccount
from estuary.orders.models import Order, OrderLine
from estuary.orders.place_order import CheckoutOptions, Line, place_order
from estuary.payments import idempotency
from estuary.payments.checkout import holds
from estuary.payments.checkout.repeats import RepeatGuard
from estuary.payments.customers.consents import Wording, record_consent
from estuary.payments.errors import AmountDueChanged, NotOnSale
from estuary.payments.settlement import load
from estuary.payments.settlement.apply import apply_effects
from estuary.payments.settlement.rules.orders import fulfil
from estuary.payments.settlement.state import state_of


@dataclass(frozen=True, slots=True)
class Purchase:
    """A checked and priced request of a buyer: ``priced`` are the deliverables of ``service``, with their shares.

    ``service=None`` buys ``credits_minor`` of credits. ``shown_due_minor`` is the card's share as the buyer was shown
    it. ``address`` is the client's IP address, for the limits of holds.
    """

    user: User
    service: Service | None
    currency: str
    options: CheckoutOptions
    schedule_request: ScheduleRequest
    priced: Sequence[PricedItem] = ()
    credits_minor: int = 0
    items: Sequence[ScheduleRequest] = ()
    use_credits: bool = False
    shown_due_minor: int | None = None
    consent: Wording | None = None
    request_key: str = ""
    guard: RepeatGuard | None = None
    address: str = ""

    @property
    def total_minor(self) -> int:
        return self.credits_minor + sum(item.amount_minor for item in self.priced)

    def check_amount_due(self, due_minor: int) -> None:
        """Raise AmountDueChanged if the card's share is not what the buyer was shown."""
        if self.shown_due_minor in {None, due_minor}:
            return
        credits_minor = self.total_minor - due_minor
        raise AmountDueChanged(
            f"It is {display(due_minor, self.currency)} by card and {display(credits_minor, self.currency)} with "
            "credits now. Please look at the amount again.",
            amount_due=to_decimal(due_minor, self.currency),
            credits_applied=to_decimal(credits_minor, self.currency),
            currency=self.currency,
        )


@retry_transaction
def create_order(purchase: Purchase) -> Order:
    """Reserve seats and slots, spend credits and insert the order, in one transaction.

    When credits cover the whole price, the order completes in this transaction. Raises SoldOut, SlotTaken,
    AlreadyBooked, AmountDueChanged, BoughtJustNow, HoldLimitReached and others. Raises django.db.IntegrityError when
    the buyer has a live order for the same item (order_one_live_per_item).
    """
    at, user, service, guard = clock.now(), purchase.user, purchase.service, purchase.guard
    with transaction.atomic():
        counts = _read_hold_counts(purchase, at)
        account = ledger.lock_account(user, purchase.currency) if purchase.use_credits and service else None
        applied_minor = _credits_to_apply(account, purchase.total_minor) if account else 0
        purchase.check_amount_due(purchase.total_minor - applied_minor)
        lines = _plan_lines(purchase, at)
        is_held = applied_minor < purchase.total_minor and any(line.starts_at for line in lines)
        held = counts if is_held else None
        if held:
            holds.check_limits(held, at=at)
            lines = limit_held_times(lines)
        order, rows = place_order(
            user=user,
            service=service,
            currency=purchase.currency,
            total_minor=purchase.total_minor,
            credits_applied_minor=applied_minor,
            lines=lines,
            options=purchase.options,
            at=at,
            expires_at=holds.hold_ends_at(service, lines, held, at=at),
        )
        if guard and (order.stripe_payment_method_id or order.amount_due_minor == 0):
            guard.refuse_repeat()
        _reserve_and_spend(order, account, list(zip(rows, lines, strict=True)), at)
        if service and held:
            holds.record_hold(order, held, practitioner_id=service.practitioner_id, at=at)
        if purchase.consent:
            record_consent(user, purchase.consent, order=order)
        idempotency.bind_order(purchase.request_key, order)
    return order


def _read_hold_counts(purchase: Purchase, at: datetime) -> holds.HoldCounts | None:
    """Lock and count the buyer's holds; None for credits, which hold nothing. Raises NotOnSale."""
    service = purchase.service
    if service is None:
        return None
    counts = holds.read_hold_counts(purchase.user.pk, service=service, address=purchase.address, at=at)
    if not counts.service_is_active:
        raise NotOnSale(f"{service.name} is not on sale at the moment.")
    return counts


def _plan_lines(purchase: Purchase, at: datetime) -> list[Line]:
    if purchase.service is None:
        return []
    return plan_lines(
        purchase.service,
        purchase.priced,
        schedule_request=purchase.schedule_request,
        items=purchase.items,
        at=at,
    )


def _reserve_and_spend(
    order: Order, account: CreditAccount | None, lines: list[tuple[OrderLine, Line]], at: datetime
) -> None:
    """Spend the order's credits and hold its seats and slots; fulfil the order if nothing is left to pay."""
    if account and (spent := order.credits_applied_minor):
        ledger.spend(account=account, amount_minor=spent, order_id=order.pk, note=order.title, at=at)
    if lines:
        reserve(order=order, lines=lines)
    if order.amount_due_minor == 0:
        [loaded] = load([order.pk])
        apply_effects([(loaded, fulfil(state_of(loaded), "covered by credits"))], at=at)
        order.refresh_from_db()


def _credits_to_apply(account: CreditAccount, total_minor: int) -> int:
    """Return how many credits are applied, so that the card pays nothing or at least Stripe's minimum.

    Total 10.00, credits 9.80, minimum 0.50: credits pay 9.50 and the card 0.50. The card pays what Stripe accepts: of
    33.333 kwd of credits 33.330 are applied.
    """
    applied_minor = floor_to_step(min(account.spendable_minor, total_minor), account.currency)
    remaining_minor = total_minor - applied_minor
    if remaining_minor and remaining_minor < min_charge_minor(account.currency):
        return max(total_minor - min_charge_minor(account.currency), 0)
    return applied_minor
