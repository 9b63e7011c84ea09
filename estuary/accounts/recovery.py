"""Account recovery: after a password reset, only what the owner of the address has set up remains.

Anybody may sign up with an address that is not theirs. A password reset by mail proves who owns the address.
"""

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.dispatch import Signal

from estuary.accounts.models import User
from estuary.accounts.staff.audit import record
from estuary.common import clock

# Sent with ``user`` in the transaction of a reset, so that other apps revoke what they keep.
account_recovered = Signal()


def recover_account(user: User) -> None:
    """Remove what others may have set up in an account. The user's row is locked, and the password is new.

    The new password has already ended all sessions, links and address changes, since each is bound to the old one.
    """
    verified_at = user.email_verified_at or _verified_before_recording(user)
    EmailAddress.objects.filter(user=user).exclude(email=user.email.lower()).delete()
    _drop_factors(user, before=verified_at or clock.now())
    record_verification(user)
    EmailAddress.objects.update_or_create(
        user=user, defaults={"email": user.email.lower(), "verified": True, "primary": True}
    )
    account_recovered.send(User, user=user)


def _verified_before_recording(user: User) -> datetime | None:
    """Return ``date_joined`` if an earlier version verified the address without recording when."""
    verified = EmailAddress.objects.filter(user=user, email=user.email.lower(), verified=True).exists()
    return user.date_joined if verified else None


def _drop_factors(user: User, *, before: datetime) -> None:
    """Drop second factors from before the address was verified, since somebody else may have enrolled them.

    Factors of staff stay: access to a mailbox must not remove them. For a lost factor there is manage.py
    drop_second_factor.
    """
    if user.is_staff or user.is_superuser:
        return
    deleted, _ = Authenticator.objects.filter(user=user.pk, created_at__lt=before).delete()
    if deleted:
        record(
            user,
            user,
            "Second factor dropped by a password reset: it was there before the address was verified",
        )


def record_verification(user: User) -> None:
    """Record when the address was first verified."""
    User.objects.filter(pk=user.pk, email_verified_at=None).update(email_verified_at=clock.now())
