"""Slips with secrets, and with the one default card."""

from dataclasses import asdict
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter

from estuary.common.observability import redaction
from estuary.payments import client, event_store, idempotency
from estuary.payments.customers import payment_methods
from estuary.payments.models import PaymentMethod
from estuary.payments.refunds import request_refund as refunds
from tests.simulation.mutants.patching import breaks, instead_of, rebind, weaken

KEPT, LOGGED = "no secret is written down", "no secret is written down"


@breaks("S12", "secret_kept", KEPT)
def an_event_is_kept_as_it_came() -> None:
    """Neither are its secrets taken out, nor is it read once more for what looks like one."""
    instead_of(event_store.without_secrets, lambda value: value)
    instead_of(redaction.may_need_redaction, lambda json: False)


@breaks("S12", KEPT)
def an_answer_is_kept_with_its_secret() -> None:
    instead_of(idempotency.SECRET_FIELDS, frozenset())


@breaks("S12", LOGGED)
def a_payment_is_logged_whole() -> None:
    """What is made is logged field by field; it shows no secret of itself, and the formatter would redact it."""
    formatter: Any = redaction.RedactingFormatter
    rebind(formatter, "format", ProcessorFormatter.format)
    send = client.create_intent

    def telling(params: Any, *, key: str) -> Any:
        intent = send(params, key=key)
        structlog.get_logger("estuary.payments.client").info("intent_made", intent=asdict(intent))
        return intent

    instead_of(send, telling)


@breaks("S12", KEPT)
def a_reason_is_kept_as_it_was_typed() -> None:
    rebind(refunds, "redact", str)


@breaks("S12", "default_card_not_one", "a user has one default card")
def a_new_default_card_stands_beside_the_old() -> None:
    weaken("payments_paymentmethod", "payment_method_one_default_per_user")

    def another(*, user: Any, ref: str) -> PaymentMethod:
        row = payment_methods.find_card(user, ref)
        PaymentMethod.objects.filter(pk=row.pk).update(is_default=True)
        return row

    instead_of(payment_methods.set_default, another)


@breaks("S12", "default_card_not_one")
def a_removed_default_card_has_no_heir() -> None:
    def childless(row: PaymentMethod, *, at: Any) -> None:
        row.detached_at, row.is_default = at, False
        row.save()

    instead_of(payment_methods._remove, childless)
