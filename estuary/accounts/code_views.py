"""allauth's views that take a code of a second factor, with codes counted by the rule of the admin's page."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.headless.mfa.inputs import AuthenticateInput, ReauthenticateInput
from allauth.headless.mfa.views import AuthenticateView, ReauthenticateView

from estuary.accounts.guesses import count_code


class _CodeCountingMixin:
    """Counts a code before it is looked at; a right one uses up no try."""

    user: Any

    def clean_code(self) -> str:
        guess = count_code(context.request, self.user)
        if guess is None:
            raise get_adapter().validation_error("too_many_login_attempts")
        code = str(super().clean_code())  # type: ignore[misc]
        guess.roll_back()
        return code


class CodeInput(_CodeCountingMixin, AuthenticateInput):
    """The code after the password."""


class RepeatedCodeInput(_CodeCountingMixin, ReauthenticateInput):
    """The code of who is signed in already."""


class CodeView(AuthenticateView):
    """Takes the code after the password."""

    input_class = CodeInput


class RepeatedCodeView(ReauthenticateView):
    """Takes the code of who is signed in already."""

    input_class = RepeatedCodeInput
