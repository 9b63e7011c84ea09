"""Finding the person that a command names."""

from django.core.management.base import CommandError

from estuary.accounts.models import User
from estuary.common.ids import parse_primary_key


def find_person(ref: str) -> User:
    """Return a user by e-mail address or id; raises CommandError."""
    lookup = {"email__iexact": ref} if "@" in ref else {"pk": parse_primary_key(ref) or 0}
    user = User.objects.filter(**lookup).first()
    if user is None:
        raise CommandError(f"There is no user {ref}. Give an e-mail address, or the id that the admin shows.")
    return user
