"""``Idempotency-Key``: a client that got no answer repeats its request, and nothing happens twice.

- The same key and body get the first answer again.
- Another body, or a first request that is still running, is refused.
- The key is bound to the order or refund of its request, so an interrupted request is resumed where it stopped.

Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from estuary.accounts.models import User
from estuary.common import clock
from estuary.common.api.problems import problem_response
from estuary.common.db.batch_delete import delete_in_batches
from estuary.common.db.transactions import execute
from estuary.common.errors import Conflict, EstuaryError, InvalidRequest
from estuary.common.observability import metrics
from estuary.common.observability.redaction import redact
from estuary.orders.models import Order
from estuary.orders.states import Status
from estuary.payments.errors import OrderChanged
from estuary.payments.models import IdempotencyKey, Refund

HEADER, REPLAYED_HEADER = "Idempotency-Key", "Idempotency-Replayed"
KEY_MAX = 255
# Longer than any request takes.
LEASE = timedelta(seconds=60)
# The only refusal that is stored as an answer: trying a card again takes a new key.
DECLINED_STATUS = HTTPStatus.PAYMENT_REQUIRED
SECRET_FIELDS = frozenset({"client_secret"})
# What a page shows of the balance. After a lost answer the balance may be another one, and the request is the same.
SHOWN_FIELDS = frozenset({"amount_due"})

PARAMETER = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="A random name for this attempt. Sent again with the same body, it gets the first answer again.",
)


class InvalidIdempotencyKey(InvalidRequest):
    code = "invalid_idempotency_key"


class IdempotencyKeyReused(EstuaryError):
    code, status, title = "idempotency_key_reused", 422, "This key was used for another request"


class IdempotencyKeyInFlight(Conflict):
    code, title = "idempotency_key_in_flight", "The first request with this key is still under way"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.headers["Retry-After"] = "1"


@dataclass(frozen=True, slots=True)
class Claim:
    """A request to carry out; ``request_key`` is stored on what it creates, and is empty without a key.

    ``is_retry`` means that an earlier run was interrupted and may have created something.
    """

    request_key: str = ""
    is_retry: bool = False


CLAIM = """INSERT INTO payments_idempotencykey (user_id, key, request_key, fingerprint, leased_until, created_at)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (request_key) DO NOTHING RETURNING id"""
STORE_ANSWER = (
    "UPDATE payments_idempotencykey SET status_code = %s, answer = %s WHERE id = %s AND leased_until = %s"
)
# A key is bound to another order only when its first order was canceled.
BIND_ORDER = """UPDATE payments_idempotencykey bound SET order_id = %s WHERE request_key = %s AND (order_id IS NULL
OR EXISTS (SELECT FROM orders_order ended WHERE ended.id = bound.order_id AND ended.status = 'canceled'))"""

type Post = Callable[..., Response]


def idempotent(post: Post) -> Post:
    """Make a view's ``post`` repeatable; ``post`` gets the ``claim`` and looks for what an earlier run created.

    The view's ``complete``, if it has one, adds the secrets to a stored answer.
    """

    @functools.wraps(post)
    def wrapped(view: Any, request: Request, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return post(view, request, claim=Claim(), **kwargs)
        row, is_retry = _claim(cast(User, request.user), _check_key(key), _fingerprint(request))
        if row.status_code is not None:
            return _replay(view, row)
        try:
            response = post(view, request, claim=Claim(row.request_key, is_retry), **kwargs)
        except Exception as error:
            _release_claim(row, error)
            raise
        _store_answer(row, response.status_code, response.data)
        return response

    return wrapped


def _check_key(key: str) -> str:
    if not (
        key.strip() and key.isascii() and key.isprintable() and len(key) <= KEY_MAX and redact(key) == key
    ):
        raise InvalidIdempotencyKey(
            f"Send an {HEADER} of 1 to {KEY_MAX} plain characters, such as a random UUID."
        )
    return key


def _fingerprint(request: Request) -> str:
    data = request.data
    if isinstance(data, dict):
        data = {name: value for name, value in data.items() if name not in SHOWN_FIELDS}
    body = json.dumps(data, sort_keys=True, default=str)
    return hashlib.sha256(f"{request.method} {request.path} {body}".encode()).hexdigest()


def _claim(user: User, key: str, fingerprint: str) -> tuple[IdempotencyKey, bool]:
    """Insert the key, or resume an interrupted one (then True); raises for a key that is used or running."""
    while True:
        if row := _insert_claim(user, key, fingerprint):
            return row, False
        # None when a refusal has deleted the key since the insert was tried: then insert it again.
        if row := _resume_claim(user, key, fingerprint):
            return row, True


def _insert_claim(user: User, key: str, fingerprint: str) -> IdempotencyKey | None:
    """Return the new row, committed, or None when the key exists."""
    at, request_key = clock.now(), _request_key(user, key)
    lease = at + LEASE
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [user.pk, key, request_key, fingerprint, lease, at])
        inserted = cursor.fetchone()
    if inserted is None:
        return None
    return IdempotencyKey(pk=inserted[0], user=user, request_key=request_key, leased_until=lease)


def _resume_claim(user: User, key: str, fingerprint: str) -> IdempotencyKey | None:
    with transaction.atomic():
        locked = IdempotencyKey.objects.select_for_update(no_key=True)
        row = locked.filter(request_key=_request_key(user, key)).first()
        if row is None:
            return None
        if row.fingerprint != fingerprint:
            raise IdempotencyKeyReused(
                "This key was sent with another request before. Use a new key for this one."
            )
        if row.status_code is None:
            if row.leased_until > clock.now():
                raise IdempotencyKeyInFlight("The same request is being carried out. Ask again in a moment.")
            row.leased_until = clock.now() + LEASE
            row.save(update_fields=["leased_until"])
    return row


def _request_key(user: User, key: str) -> str:
    return hashlib.sha256(f"{user.pk} {key}".encode()).hexdigest()


def _replay(view: Any, row: IdempotencyKey) -> Response:
    metrics.REPLAYS.inc()
    answer = dict(row.answer or {})
    kind = "application/problem+json" if row.status_code == DECLINED_STATUS else None
    if row.status_code != DECLINED_STATUS and hasattr(view, "complete"):
        answer = view.complete(answer)
    return Response(answer, status=row.status_code, headers={REPLAYED_HEADER: "true"}, content_type=kind)


def _release_claim(row: IdempotencyKey, error: Exception) -> None:
    """Store a decline as the answer. Another refusal frees the key, unless a retry has something to resume."""
    response = problem_response(error, {})
    is_refused = response is not None and response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    if response is not None and response.status_code == DECLINED_STATUS:
        _store_answer(row, response.status_code, response.data)
    elif is_refused and not _has_effect(row):
        _in_flight(row).delete()
    else:
        _in_flight(row).update(leased_until=clock.now())


def _in_flight(row: IdempotencyKey) -> QuerySet[IdempotencyKey]:
    """Return the key's row while this run holds its lease; after a retry has taken over, no row."""
    return IdempotencyKey.objects.filter(pk=row.pk, leased_until=row.leased_until)


def _has_effect(row: IdempotencyKey) -> bool:
    return (
        order_of(row.user, row.request_key) is not None
        or Refund.objects.filter(request_key=row.request_key).exists()
    )


def _store_answer(row: IdempotencyKey, status_code: int, data: Any) -> None:
    public = {name: value for name, value in data.items() if name not in SECRET_FIELDS}
    answer = JSONRenderer().render(public).decode()
    execute(STORE_ANSWER, [status_code, answer, row.pk, row.leased_until])


def order_of(user: User, request_key: str) -> Order | None:
    """Return the order of a request, unless it was canceled."""
    orders = Order.objects.select_related("user").exclude(status=Status.CANCELED)
    return orders.filter(user=user, idempotency_keys__request_key=request_key).first()


def bind_order(request_key: str, order: Order) -> None:
    """Bind the order to its request, in the order's transaction; raises OrderChanged when another run was first."""
    if not request_key:
        return
    if not execute(BIND_ORDER, [order.pk, request_key]):
        raise OrderChanged("The same request is being carried out elsewhere. Ask again in a moment.")


def record_order(request_key: str, order: Order) -> None:
    """Bind an existing order to the request that resumes it, before the request may charge anyone."""
    if request_key:
        IdempotencyKey.objects.filter(request_key=request_key).update(order=order)


def delete_old_keys() -> int:
    """Delete keys that no client repeats any more; returns how many."""
    before = clock.now() - timedelta(days=settings.IDEMPOTENCY_KEYS_KEPT_DAYS)
    return delete_in_batches(IdempotencyKey.objects.filter(created_at__lt=before))
