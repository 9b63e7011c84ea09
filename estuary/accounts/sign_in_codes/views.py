"""The views of mailed codes: request one and confirm it, to enter; the same for who is signed in, to prove it again."""

from http import HTTPStatus
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.constants import LoginStageKey
from allauth.account.internal.stagekit import get_pending_stage
from allauth.core import context
from allauth.core.internal.cryptokit import compare_user_code
from allauth.headless.base.response import AuthenticationResponse, ConflictResponse
from allauth.headless.base.views import APIView, AuthenticatedAPIView
from allauth.headless.internal.restkit.inputs import CharField, EmailField, Input
from allauth.headless.internal.restkit.response import APIResponse, ErrorResponse
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from estuary.accounts.contact.names import clean_name
from estuary.accounts.mailed_codes import VALID_FOR
from estuary.accounts.sign_in.limits import count_guess
from estuary.accounts.sign_in_codes.limits import count_code_mail
from estuary.accounts.sign_in_codes.process import EntryProcess, ReauthenticationProcess

# Longer than a code is valid, so that whoever is late is told so.
SESSION_WAITS_FOR = 4 * VALID_FOR.seconds

type Process = EntryProcess | ReauthenticationProcess


class RequestCodeInput(Input):
    """An address, and the name of who wants to join."""

    email = EmailField()
    name = CharField(required=False)

    def clean_email(self) -> str:
        return str(get_adapter().validate_unique_email(self.cleaned_data["email"].lower()))

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])


class RequestCodeView(APIView):
    """Mails a code. The answer is the same whether the address has an account, has none, or is closed."""

    input_class = RequestCodeInput

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return ConflictResponse(request)
        email, name = self.input.cleaned_data["email"], self.input.cleaned_data["name"]
        if not count_code_mail(request, email):
            return _refuse(request, "too_many_codes")
        request.session.set_expiry(SESSION_WAITS_FOR)
        EntryProcess.begin(request, email=email, name=name)
        return AuthenticationResponse(request)


class ConfirmCodeInput(Input):
    """A code. A try is counted before it is compared, and a right one is not counted."""

    code = CharField(max_length=40)

    def __init__(self, *args: Any, process: Process, **kwargs: Any) -> None:
        self._process = process
        super().__init__(*args, **kwargs)

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"])
        guess = count_guess(context.request, self._process.email)
        if guess is None:
            raise get_adapter().validation_error("too_many_login_attempts")
        if not compare_user_code(actual=code, expected=self._process.code):
            has_tries_left = self._process.record_invalid_attempt()
            raise get_adapter().validation_error("incorrect_code" if has_tries_left else "code_used_up")
        guess.roll_back()
        return code


class _WaitingForCodeView(APIView):
    """Has an input that needs the process which waits for a code; without one there is nothing to confirm."""

    input_class = ConfirmCodeInput
    process: Process | None

    def find_process(self, request: HttpRequest) -> Process | None:
        raise NotImplementedError

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with transaction.atomic():
            self.process = self.find_process(request)
            if self.process is None:
                return _refuse(request, "no_code_expected", HTTPStatus.CONFLICT)
            return super().handle(request, *args, **kwargs)

    def get_input_kwargs(self) -> dict[str, Any]:
        return {"process": self.process}


class ConfirmCodeView(_WaitingForCodeView):
    """Signs the owner of the address in, as a new person if need be."""

    def find_process(self, request: HttpRequest) -> EntryProcess | None:
        stage = get_pending_stage(request)
        if stage is None or stage.key != LoginStageKey.LOGIN_BY_CODE:
            return None
        return EntryProcess.resume(stage)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        assert isinstance(self.process, EntryProcess)
        return AuthenticationResponse.from_response(request, self.process.finish(None))


class RequestReauthenticationView(AuthenticatedAPIView):
    """Mails a code to the account's own address."""

    handle_json_input = False

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not count_code_mail(request, request.user.email):  # type: ignore[union-attr]
            return _refuse(request, "too_many_codes")
        ReauthenticationProcess.begin(request)
        return APIResponse(request)


class ReauthenticateByCodeView(AuthenticatedAPIView, _WaitingForCodeView):
    """Records that the person was there just now, as allauth does after the password."""

    def find_process(self, request: HttpRequest) -> ReauthenticationProcess | None:
        return ReauthenticationProcess.resume(request)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        assert isinstance(self.process, ReauthenticationProcess)
        self.process.finish()
        return AuthenticationResponse(request)


def _refuse(request: HttpRequest, code: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> ErrorResponse:
    """Return a refusal with one of the adapter's sentences."""
    return ErrorResponse(request, exception=get_adapter().validation_error(code), status=status)
