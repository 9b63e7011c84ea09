"""Sign-up as allauth has it, but all of it or nothing."""

from typing import Any

from allauth.headless.account.views import SignupView
from django.db import transaction
from django.http import HttpRequest, HttpResponse


class AtomicSignupView(SignupView):
    """Writes the user, the address, the session and the job of the first mail in one transaction.

    A sign-up that fails can then be tried again, and is not told that its address is taken.
    """

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():
            return super().post(request, *args, **kwargs)
