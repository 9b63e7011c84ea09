"""The second factor of staff: an app on their phone that shows codes, and recovery codes for when the phone is lost."""

from collections.abc import Iterable
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import QuerySet

from estuary.accounts import audit
from estuary.accounts.models import User

PASSED_FACTOR_KEY = "staff_second_factor"


def find_factor(user: User) -> Authenticator | None:
    """Return the app that somebody enrolled."""
    return Authenticator.objects.filter(user=user.pk, type=Authenticator.Type.TOTP).first()


def bind_passed_factors(user: User, factor_pks: Iterable[int]) -> None:
    """Note on the user of a request which factors the sign-in behind it was given a code of."""
    user._passed_factors = frozenset(factor_pks)  # type: ignore[attr-defined]


def lacks_factor(user: User) -> bool:
    """Return whether the sign-in of a request passed no factor that its user has now, and so is not of staff.

    A sign-in from before a factor was enrolled lacks it, and so does one of a factor that was dropped since.
    """
    if not settings.STAFF_SECOND_FACTOR:
        return False
    passed: frozenset[int] = getattr(user, "_passed_factors", frozenset())
    if not passed:
        return True
    factors: frozenset[int] | None = getattr(user, "_factors", None)
    if factors is None:  # asked for once a request
        factors = frozenset(_factors_of(user).values_list("pk", flat=True))
        user._factors = factors  # type: ignore[attr-defined]
    return not passed & factors


def _factors_of(user: User) -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(
        user=user.pk, type__in=(Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    )


@dataclass(frozen=True)
class Enrolment:
    """A factor that was just enrolled, and the recovery codes, which are shown once."""

    factor_pk: int
    codes: list[str]


def enrol(user: User, secret: str, code: str) -> Enrolment | None:
    """Enrol the app that shows a code of this secret; None if the code is wrong."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if find_factor(user) is not None:
            return None
        # The code is used up with this: nobody enters it once more.
        if not (factor := TOTP.activate(user, secret)).validate_code(code):
            factor.instance.delete()
            return None
        Authenticator.objects.filter(user=user.pk, type=Authenticator.Type.RECOVERY_CODES).delete()
        audit.record(user, user, "Enrolled a second factor")
        return Enrolment(factor.instance.pk, RecoveryCodes.activate(user).generate_codes())


def find_factor_by_code(user: User, code: str) -> int | None:
    """Return which factor of somebody shows this code, the app or the recovery codes; each code is good once."""
    for factor in _factors_of(user).order_by("-type"):
        if factor.wrap().validate_code(code):  # type: ignore[no-untyped-call]
            factor.record_usage()
            return factor.pk
    return None


def drop_factor(user: User, message: str) -> bool:
    """Drop somebody's factors, and write down how; returns whether there were any."""
    with transaction.atomic():
        deleted, _ = Authenticator.objects.filter(user=user.pk).delete()
        if deleted:
            audit.record(user, user, message)
    return bool(deleted)


def record_passed(session: SessionBase, factor_pk: int) -> None:
    """Note in a session which factor it passed; a new id, so that one from before the code opens nothing."""
    session.cycle_key()
    session[PASSED_FACTOR_KEY] = factor_pk


def has_passed(session: SessionBase, user: User) -> bool:
    """Return whether a session may open pages of staff; one of a factor that was dropped since may not."""
    passed = session.get(PASSED_FACTOR_KEY)
    bind_passed_factors(user, [] if passed is None else [passed])
    return not lacks_factor(user)
