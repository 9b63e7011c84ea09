"""An order is created in one transaction: priced, its seats reserved, its credits spent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from estuary.accounts.models import User
from estuary.bookings.fulfilment import reserve
from estuary.bookings.order_lines import ScheduleRequest, limit_held_times, plan_lines
from estuary.catalog.models import Service
from estuary.common import clock
from estuary.common.db.transactions import retry_transaction
from estuary.common.money import min_charge_minor
from estuary.credits import ledger
from estuary.credits.models import CreditAccount
from estuary.orders.creation import CheckoutOptions, Line, place_order
from estuary.orders.models import Order
from estuary.payments import idempotency
from estuary.payments.checkout import holds, stripe_creation
from estuary.payments.checkout.repeats import RepeatGuard
from estuary.payments.customers.customers import get_or_create_customer
from estuary.payments.errors import NotOnSale
from estuary.payments.models import StripeCustomer
from estuary.payments.settlement import load
from estuary.payments.settlement.apply import apply_effects
from estuary.payments.settlement.rules.orders import fulfil
from estuary.payments.settlement.state import state_of


@retry_transaction
def create_order(
    *,
    user: User,
    service: Service | None,
    currency: str,
    total_minor: int,
    options: CheckoutOptions,
    schedule_request: ScheduleRequest,
    items: Sequence[ScheduleRequest],
    use_credits: bool = False,
    request_key: str = "",
    guard: RepeatGuard | None = None,
    address: str = "",
) -> tuple[Order, StripeCustomer | None]:
    """Price the order, reserve seats and slots, spend credits and insert the order, in one transaction.

    1. With ``service=None`` the order buys credits for ``total_minor``.
    2. When credits cover the whole price, the order completes in this transaction.
    3. Otherwise the customer who pays is returned as well, and its idempotency key is committed with the order.
    4. If that customer already exists at Stripe, the request to Stripe is recorded on the order here, as
       ``stripe_creation.record_request`` does.

    ``address`` is the client's IP address, for the limits of holds. Raises SoldOut, SlotTaken, AlreadyBooked,
    NotEnoughCredits, BoughtJustNow, HoldLimitReached and others. Raises django.db.IntegrityError when the buyer has a
    live order for the same item (order_one_live_per_item).
    """
    at = clock.now()
    with transaction.atomic():
        counts = holds.read_hold_counts(user.pk, service=service, address=address, at=at) if service else None
        if service and counts and not counts.service_is_active:
            raise NotOnSale(f"{service.name} is not on sale at the moment.")
        account = ledger.lock_account(user, currency) if use_credits and service else None
        applied_minor = _credits_to_apply(account, total_minor) if account else 0
        lines = (
            plan_lines(service, schedule_request=schedule_request, items=items, currency=currency, at=at)
            if service
            else []
        )
        customer = get_or_create_customer(user) if applied_minor < total_minor else None
        allowance = None
        if counts and customer and any(line.starts_at for line in lines):
            lines, allowance = limit_held_times(lines), holds.allow(counts, at=at)
        deadline = _deadline(service, lines, allowance, at)
        order, rows = place_order(
            user=user,
            service=service,
            currency=currency,
            total_minor=total_minor,
            credits_applied_minor=applied_minor,
            lines=lines,
            options=options,
            at=at,
            expires_at=deadline,
            stripe_customer_id=customer.stripe_customer_id if customer else "",
            page_expires_at=stripe_creation.page_expiry(options.payment_type, hold_ends_at=deadline, at=at),
        )
        if guard and (options.payment_method_id or order.amount_due_minor == 0):
            guard.refuse_repeat()
        _reserve_and_spend(order, account, list(zip(rows, lines, strict=True)), at)
        if service and allowance:
            holds.record_hold(order, allowance, practitioner_id=service.practitioner_id, at=at)
        idempotency.bind_order(request_key, order)
    return order, customer


def _deadline(
    service: Service | None, lines: Sequence[Line], allowance: holds.Allowance | None, at: datetime
) -> datetime:
    """Return when an unpaid order expires: no later than the order it replaces, nor than its first session starts."""
    deadlines = [at + _hold_length(service), *(line.starts_at for line in lines if line.starts_at)]
    if allowance and allowance.deadline:
        deadlines.append(allowance.deadline)
    return min(deadlines)


def _reserve_and_spend(
    order: Order, account: CreditAccount | None, lines: list[tuple[Any, Line]], at: datetime
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

    Total 10.00, credits 9.80, minimum 0.50: credits pay 9.50 and the card 0.50.
    """
    applied_minor = min(account.spendable_minor, total_minor)
    remaining_minor = total_minor - applied_minor
    if remaining_minor and remaining_minor < min_charge_minor(account.currency):
        return max(total_minor - min_charge_minor(account.currency), 0)
    return applied_minor


def _hold_length(service: Service | None) -> timedelta:
    return timedelta(seconds=service.hold_s) if service and service.hold_s else settings.HOLD
