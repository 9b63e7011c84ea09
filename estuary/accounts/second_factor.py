"""The second factor of staff: an app on their phone that shows codes, and recovery codes for when the phone is lost."""

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction

from estuary.accounts import audit
from estuary.accounts.models import User

PASSED = "staff_second_factor"


def factor_of(user: User) -> Authenticator | None:
    """Return the app that somebody enrolled."""
    return Authenticator.objects.filter(user=user.pk, type=Authenticator.Type.TOTP).first()


def lacks_factor(user: User) -> bool:
    """Return whether somebody of staff has yet to enrol, and may do nothing as staff until then."""
    if not settings.STAFF_SECOND_FACTOR:
        return False
    has_factor: bool | None = getattr(user, "_has_second_factor", None)
    if has_factor is None:  # asked for once a request
        has_factor = user._has_second_factor = factor_of(user) is not None  # type: ignore[attr-defined]
    return not has_factor


def enrol(user: User, secret: str, code: str) -> list[str] | None:
    """Enrol the app that shows a code of this secret; returns the recovery codes, or None if the code is wrong."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if factor_of(user) is not None:
            return None
        # The code is used up with this: nobody enters it once more.
        if not (factor := TOTP.activate(user, secret)).validate_code(code):
            factor.instance.delete()
            return None
        Authenticator.objects.filter(user=user.pk, type=Authenticator.Type.RECOVERY_CODES).delete()
        audit.record(user, user, "Enrolled a second factor")
        codes: list[str] = RecoveryCodes.activate(user).generate_codes()
        return codes


def is_code_of(user: User, code: str) -> bool:
    """Return whether this is a code of somebody's app or a recovery code; each is good once."""
    factors = Authenticator.objects.filter(
        user=user.pk, type__in=(Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    )
    for factor in factors.order_by("-type"):
        if factor.wrap().validate_code(code):
            factor.record_usage()
            return True
    return False


def drop_factor(user: User, what: str) -> bool:
    """Drop somebody's factors, and write down how; returns whether there were any."""
    with transaction.atomic():
        deleted, _ = Authenticator.objects.filter(user=user.pk).delete()
        if deleted:
            audit.record(user, user, what)
    return bool(deleted)


def note_passed(session: SessionBase, user: User) -> None:
    """Note in a session that the code was asked for; a new id, so that one from before the code opens nothing."""
    factor = factor_of(user)
    session.cycle_key()
    session[PASSED] = factor.pk if factor else None


def has_passed(session: SessionBase, user: User) -> bool:
    """Return whether a session may open pages of staff; one of a factor that was dropped since may not."""
    if not settings.STAFF_SECOND_FACTOR:
        return True
    passed = session.get(PASSED)
    if passed is None:
        return False
    known_pk: int | None = getattr(user, "_second_factor_pk", None)
    if known_pk is None:  # asked for once a request
        factor = factor_of(user)
        known_pk = user._second_factor_pk = factor.pk if factor else 0  # type: ignore[attr-defined]
    return bool(known_pk == passed)
