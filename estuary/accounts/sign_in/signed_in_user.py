"""What a sign-in answers about the user: allauth's fields, and whether the user is a practitioner."""

from dataclasses import field, make_dataclass
from typing import Any

from allauth.headless.adapter import DefaultHeadlessAdapter
from django.contrib.auth.base_user import AbstractBaseUser

from estuary.accounts.models import Practitioner

PRACTITIONER = {"description": "Whether the user is a practitioner, who has a roster.", "example": False}


class SignedInUserAdapter(DefaultHeadlessAdapter):
    def get_user_dataclass(self) -> type[Any]:
        base = super().get_user_dataclass()  # type: ignore[no-untyped-call]
        extra = [("practitioner", bool, field(default=False, metadata=PRACTITIONER))]
        return make_dataclass("User", extra, bases=(base,))

    def user_as_dataclass(self, user: AbstractBaseUser) -> Any:
        data = super().user_as_dataclass(user)
        data.practitioner = Practitioner.objects.filter(user=user.pk).exists()
        return data
