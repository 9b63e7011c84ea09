"""A password reset gives an account back to the owner of its address, with nothing in it that opens it to others.

Anybody may sign up with an address that is not theirs. Its owner, who comes later, proves by a mail to it who they are.
"""

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.dispatch import Signal

from estuary.accounts.audit import record
from estuary.accounts.models import User
from estuary.common import clock

# Sent with ``user`` in the transaction of a reset, for what other apps hold open.
account_recovered = Signal()


def recover_account(user: User) -> None:
    """Leave to a user, whose row is locked and whose password is new, only what the owner of the address has made.

    The new password has ended all sessions, links and wishes for another address by itself: each is bound to the old
    one.
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
    """Return when the user joined, if the address was verified by code that kept no date: before any second factor."""
    verified = EmailAddress.objects.filter(user=user, email=user.email.lower(), verified=True).exists()
    return user.date_joined if verified else None


def _drop_factors(user: User, *, before: datetime) -> None:
    """Drop the second factors that were enrolled before the address was first verified: by whom, nobody knows.

    Those of staff stay: they were enrolled in the admin, and whoever reads a mailbox is not to take them off. Who lost
    theirs asks for manage.py drop_second_factor.
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
    """Note when the owner of the address first proved to be its owner."""
    User.objects.filter(pk=user.pk, email_verified_at=None).update(email_verified_at=clock.now())
