"""allauth's views with additions: atomic sign-up, one e-mail address per account, recovery, and codes counted."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.internal.flows.email_verification import handle_verification_email_rate_limit
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.core.exceptions import ReauthenticationRequired
from allauth.headless.account.inputs import (
    AddEmailInput,
    ResetPasswordInput,
    SignupInput,
    VerifyEmailInput,
)
from allauth.headless.account.views import (
    ChangePasswordView,
    ManageEmailView,
    ResetPasswordView,
    SignupView,
    VerifyEmailView,
)
from allauth.headless.base.response import AuthenticationResponse
from allauth.headless.internal.restkit.inputs import CharField
from allauth.headless.internal.restkit.response import ErrorResponse
from allauth.headless.mfa.inputs import AuthenticateInput, ReauthenticateInput
from allauth.headless.mfa.views import AuthenticateView, ReauthenticateView
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from estuary.accounts.account_mails import enqueue_mail
from estuary.accounts.contact.names import clean_name, split_name
from estuary.accounts.models import User
from estuary.accounts.profile.email_change import (
    EmailChange,
    is_free,
    is_taken,
    read_email_change,
    state_digest,
)
from estuary.accounts.recovery import record_verification, recover_account
from estuary.accounts.sign_in.devices import remember_device
from estuary.accounts.sign_in.hashing import wait_for_sign_up_turn
from estuary.accounts.sign_in.limits import clear_guesses, count_code
from estuary.accounts.sign_in.reauthentication import has_reauthenticated


class NamedSignupInput(SignupInput):
    """allauth's sign-up with a name, which an API's client may leave out."""

    name = CharField(required=False)

    def clean_name(self) -> str:
        name = clean_name(self.cleaned_data["name"])
        self.cleaned_data["first_name"], self.cleaned_data["last_name"] = split_name(name)
        return name


class AtomicSignupView(SignupView):
    """Creates the user, the address, the session and the job of the first mail in one transaction.

    So a sign-up that failed can be repeated, without an error that the address is taken.
    """

    input_class = {"POST": NamedSignupInput}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            with wait_for_sign_up_turn(), transaction.atomic():
                return super().post(request, *args, **kwargs)
        except IntegrityError as error:  # a concurrent sign-up has taken the address
            if not is_taken(error):
                raise
            return error_response(request, "email_taken")


class ChangeEmailInput(AddEmailInput):
    user: User

    def clean_email(self) -> str:
        return str(get_adapter().validate_unique_email(super().clean_email()))

    def save(self, request: HttpRequest) -> EmailAddress:
        """Mail the link to the new address. A taken address gets no mail, and the response does not reveal it."""
        email = self.cleaned_data["email"]
        if is_free(email, except_for=self.user) and handle_verification_email_rate_limit(request, email):
            enqueue_mail("email_change", email, self.user.pk, {"state": state_digest(self.user)})
        return EmailAddress(user=self.user, email=email)


class ChangeEmailView(ManageEmailView):
    """Requests a change of address. allauth asks for the password first, and the new address must be confirmed."""

    input_class = ManageEmailView.input_class | {"POST": ChangeEmailInput}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not has_reauthenticated(request.session):
            raise ReauthenticationRequired
        return super().post(request, *args, **kwargs)


class SetPasswordView(ChangePasswordView):
    """Changes a password, or sets the first one. The first needs a mailed code, as a change needs the old password."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        assert isinstance(request.user, User)
        if not request.user.has_usable_password() and not has_reauthenticated(request.session):
            raise ReauthenticationRequired
        super().post(request, *args, **kwargs)
        # The session has another key now, so the tokens from before are void. Tokens go to whoever was nobody before.
        request.allauth.headless._pre_user = AnonymousUser()  # type: ignore[attr-defined]
        return AuthenticationResponse(request)


class ConfirmEmailInput(VerifyEmailInput):
    """The key from a mail: of a sign-up, or of a change of address."""

    verification: Any

    def clean_key(self) -> str:
        change = read_email_change(self.cleaned_data["key"])
        if change is None:
            return str(super().clean_key())  # type: ignore[no-untyped-call]
        if not is_free(change.email, except_for=change.user):
            raise get_adapter().validation_error("email_taken")
        self.verification = change
        return str(self.cleaned_data["key"])


class ConfirmEmailView(VerifyEmailView):
    """Confirms the address of a sign-up, or replaces the old address by the new one."""

    input_class = ConfirmEmailInput

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        verification: Any = self.input.verification
        if isinstance(verification, EmailChange):
            try:
                verification.confirm(request)
            except ValidationError as error:
                return ErrorResponse(request, exception=error)
            return AuthenticationResponse(request)
        with transaction.atomic():
            # An address that was replaced since the key was checked must not be restored.
            user = User.objects.select_for_update(no_key=True).get(pk=verification.email_address.user_id)
            current_address = EmailAddress.objects.filter(
                pk=verification.email_address.pk, email=user.email.lower()
            )
            if not current_address.exists():
                return error_response(request, "invalid_or_expired_key")
            response = super().post(request, *args, **kwargs)
            record_verification(user)
        return response


class RecoveryInput(ResetPasswordInput):
    """The key from a mail and a new password; allauth would crash on a key without a user."""

    def clean_key(self) -> str:
        if not self.cleaned_data["key"].partition("-")[0]:
            raise get_adapter().validation_error("invalid_password_reset")
        return str(super().clean_key())  # type: ignore[no-untyped-call]


class RecoveryView(ResetPasswordView):
    """Sets a new password for the owner of the address, and removes what others have set up in the account."""

    input_class = RecoveryInput

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.headers.get("X-Password-Reset-Key", "").startswith("-"):
            return error_response(request, "invalid_password_reset")
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():
            user = User.objects.select_for_update(no_key=True).get(pk=self.input.user.pk)
            token = self.input.cleaned_data["key"].partition("-")[2]
            if not user.is_active or not default_token_generator.check_token(user, token):
                return error_response(request, "invalid_password_reset")  # another reset was faster
            self.input.user = user
            response = super().post(request, *args, **kwargs)
            recover_account(user)
            clear_guesses(request, user.email)
            remember_device(User, request, user)
        return response


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
    input_class = CodeInput


class RepeatedCodeView(ReauthenticateView):
    input_class = RepeatedCodeInput


def error_response(request: HttpRequest, code: str) -> ErrorResponse:
    """Return a 400 with one of allauth's own errors."""
    return ErrorResponse(request, exception=get_adapter().validation_error(code))
