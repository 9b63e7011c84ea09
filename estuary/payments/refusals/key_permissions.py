"""What Stripe does not allow our restricted key is recorded by each 403: no call of Stripe's API lists its permissions.

The checkup reads the record. A call that succeeds again in the same process removes it; another key has its own.
"""

import hashlib
import re

from django.conf import settings

from estuary.common import clock
from estuary.common.observability.redaction import redact
from estuary.payments.models import Refusal
from estuary.payments.refusals.daily_counts import add_refusals

# "Having the 'rak_charge_write' permission would allow this request to continue."
PERMISSION = re.compile(r"'(rak_\w+)'")
DETAIL_MAX = 500

_refused_here: set[str] = set()


def find_permission(sentence: str) -> str:
    """Return the permission that Stripe's sentence names, such as ``rak_charge_write``; empty if it names none."""
    return " or ".join(dict.fromkeys(PERMISSION.findall(sentence)))


def key_digest() -> str:
    """Return what tells one key from another, and tells nothing about it."""
    return hashlib.blake2b(settings.STRIPE_SECRET_KEY.encode(), digest_size=8).hexdigest()


def record_missing_permission(call: str, sentence: str) -> None:
    _refused_here.add(call)
    add_refusals(
        Refusal.Source.STRIPE,
        {call: (1, clock.now())},
        key_digest=key_digest(),
        detail=redact(sentence)[:DETAIL_MAX],
    )


def forget_missing_permission(call: str) -> None:
    """Remove the record of a call that is allowed now; costs a query only after a refusal in this process."""
    if call in _refused_here:
        _refused_here.discard(call)
        Refusal.objects.filter(source=Refusal.Source.STRIPE, reason=call, key_digest=key_digest()).delete()
