"""The second factor of staff: codes of an authenticator app, and recovery codes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import QuerySet
from django.utils.functional import SimpleLazyObject

from estuary.accounts.models import User
from estuary.accounts.staff import audit

PASSED_FACTOR_KEY = "staff_second_factor"


def find_factor(user: User) -> Authenticator | None:
    return Authenticator.objects.filter(user=user.pk, type=Authenticator.Type.TOTP).first()


def bind_passed_factors(user: User, factor_pks: Iterable[int]) -> None:
    """Attach the passed factors of a sign-in to the user of the request; they are read at the first check."""
    user._passed_factors = SimpleLazyObject(lambda: frozenset(factor_pks))  # type: ignore[attr-defined]


def lacks_factor(user: User) -> bool:
    """Return whether the sign-in has passed none of the user's current factors, and so grants no staff rights.

    A sign-in from before the enrolment lacks the factor. So does a sign-in with a factor that was dropped since.
    """
    if not settings.STAFF_SECOND_FACTOR:
        return False
    passed: Collection[int] = getattr(user, "_passed_factors", ())
    if not passed:
        return True
    factors: frozenset[int] | None = getattr(user, "_factors", None)
    if factors is None:  # queried once per request
        factors = frozenset(_factors_of(user).values_list("pk", flat=True))
        user._factors = factors  # type: ignore[attr-defined]
    return factors.isdisjoint(passed)


def _factors_of(user: User) -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(
        user=user.pk, type__in=(Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    )


@dataclass(frozen=True)
class Enrolment:
    """A new factor and its recovery codes, which are shown once."""

    factor_pk: int
    codes: list[str]


def enrol(user: User, secret: str, code: str) -> Enrolment | None:
    """Enrol the app with this secret if the code is valid; returns None if it is not."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if find_factor(user) is not None:
            return None
        # This uses the code up; it can't be entered again.
        if not (factor := TOTP.activate(user, secret)).validate_code(code):
            factor.instance.delete()
            return None
        Authenticator.objects.filter(user=user.pk, type=Authenticator.Type.RECOVERY_CODES).delete()
        audit.record(user, user, "Enrolled a second factor")
        return Enrolment(factor.instance.pk, RecoveryCodes.activate(user).generate_codes())


def find_factor_by_code(user: User, code: str) -> int | None:
    """Return the factor that this code belongs to, and use the code up; None if it is invalid."""
    for factor in _factors_of(user).order_by("-type"):
        if factor.wrap().validate_code(code):  # type: ignore[no-untyped-call]
            factor.record_usage()
            return factor.pk
    return None


def drop_factor(user: User, message: str) -> bool:
    """Drop a user's factors, and record ``message`` in the audit trail; returns whether there were any."""
    with transaction.atomic():
        deleted, _ = Authenticator.objects.filter(user=user.pk).delete()
        if deleted:
            audit.record(user, user, message)
    return bool(deleted)


def record_passed(session: SessionBase, factor_pk: int) -> None:
    """Record the passed factor in a session, under a new session id, so that the old id grants nothing."""
    session.cycle_key()
    session[PASSED_FACTOR_KEY] = factor_pk


def has_passed(session: SessionBase, user: User) -> bool:
    """Return whether a session may open the admin; a session with a dropped factor may not."""
    passed = session.get(PASSED_FACTOR_KEY)
    bind_passed_factors(user, [] if passed is None else [passed])
    return not lacks_factor(user)
