"""allauth's views for second-factor codes, with attempts counted as on the admin's page."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.headless.mfa.inputs import AuthenticateInput, ReauthenticateInput
from allauth.headless.mfa.views import AuthenticateView, ReauthenticateView

from estuary.accounts.guesses import count_code


class _CodeCountingMixin:
    """Counts an attempt before the code is checked; a valid code is not counted."""

    user: Any

    def clean_code(self) -> str:
        guess = count_code(context.request, self.user)
        if guess is None:
            raise get_adapter().validation_error("too_many_login_attempts")
        code = str(super().clean_code())  # type: ignore[misc]
        guess.roll_back()
        return code


class CodeInput(_CodeCountingMixin, AuthenticateInput):
    """The input of the code after the password."""


class RepeatedCodeInput(_CodeCountingMixin, ReauthenticateInput):
    """The input of the code of a signed-in user."""


class CodeView(AuthenticateView):
    """Checks the code after the password."""

    input_class = CodeInput


class RepeatedCodeView(ReauthenticateView):
    """Checks the code of a signed-in user."""

    input_class = RepeatedCodeInput
