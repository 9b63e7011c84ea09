"""The account of a person who has just proven to read an address's mail: it is opened, or it is the person's now."""

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from estuary.accounts.models import User
from estuary.accounts.profile.email_change import is_taken
from estuary.accounts.recovery import record_verification, recover_account
from estuary.accounts.sign_in.devices import find_device
from estuary.common import clock


def open_account(request: HttpRequest, *, email: str, name: str) -> tuple[User, bool]:
    """Return the account of an address, its row locked, and whether it is new.

    ``name`` is taken where the account has none.
    """
    user = _lock_user(email)
    if user is None:
        try:
            with transaction.atomic():
                return _create_user(email, name), True
        except IntegrityError as error:  # a concurrent sign-up has taken the address
            if not is_taken(error):
                raise
        user = _lock_user(email)
        assert user is not None
    if not _is_verified(user):
        _take_over(request, user)
    if name and not user.get_full_name():
        user.set_name(name)
        user.save(update_fields=["first_name", "last_name"])
    return user, False


def _lock_user(email: str) -> User | None:
    return User.objects.select_for_update(no_key=True).filter(email__iexact=email).first()


def _create_user(email: str, name: str) -> User:
    user = User(email=email, email_verified_at=clock.now())
    user.set_name(name)
    user.set_unusable_password()
    user.save()
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _is_verified(user: User) -> bool:
    return (
        user.email_verified_at is not None
        or EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists()
    )


def _take_over(request: HttpRequest, user: User) -> None:
    """Remove what somebody else may have set up with an address that was never confirmed: password, sessions, factors.

    In a browser that has opened the account by its password, the owner of both is one person, and keeps everything.
    """
    if find_device(request, user.email):
        EmailAddress.objects.update_or_create(
            user=user, defaults={"email": user.email.lower(), "verified": True, "primary": True}
        )
        record_verification(user)
        return
    if user.has_usable_password():
        user.set_unusable_password()
        user.save(update_fields=["password"])
        get_adapter().send_notification_mail("account/email/password_removed", user)
    recover_account(user)
