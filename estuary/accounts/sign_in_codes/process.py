"""The two processes of allauth that wait for a code: for one to enter, and for one to prove it once more."""

from typing import Any

from allauth.account.internal.constants import LoginStageKey
from allauth.account.internal.flows.code_verification import AbstractCodeVerificationProcess
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.internal.flows.login_by_code import LoginCodeVerificationProcess
from allauth.account.internal.flows.signup import complete_signup
from allauth.account.models import Login
from allauth.account.stages import LoginByCodeStage, LoginStage, LoginStageController
from django.http import HttpRequest, HttpResponse

from estuary.accounts.account_mails import enqueue_mail
from estuary.accounts.mailed_codes import (
    VALID_FOR,
    Purpose,
    compute_code,
    make_mark,
)
from estuary.accounts.models import User
from estuary.accounts.sign_in_codes.limits import TRIES_PER_CODE
from estuary.accounts.sign_in_codes.open_account import open_account

REAUTHENTICATION_KEY = "estuary_reauthentication_by_code"


class EntryProcess(LoginCodeVerificationProcess):
    """allauth's login by code for whoever owns an address. Its session names no account, be there one or not."""

    @classmethod
    def begin(cls, request: HttpRequest, *, email: str, name: str) -> None:
        """Mail a code, and have the session wait for it."""
        login = Login(email=email, state={"stages": {"current": LoginStageKey.LOGIN_BY_CODE.value}})
        stage = LoginByCodeStage(LoginStageController(request, login), request, login)
        stage.state.update(cls.initial_state(user=None, email=email) | {"name": name, "mark": make_mark()})
        process = cls(stage)
        process.send()
        process.persist()

    @classmethod
    def resume(cls, stage: LoginStage) -> "EntryProcess | None":
        process: EntryProcess | None = cls(stage).abort_if_invalid()  # type: ignore[no-untyped-call]
        return process

    @property
    def email(self) -> str:
        return str(self.state["email"])

    @property
    def code(self) -> str:
        return compute_code(self.state["mark"], self.email, Purpose.ENTER)

    def send(self, skip_enumeration_mails: bool = False) -> None:
        _enqueue_code(self.state["mark"], self.email, Purpose.ENTER)

    def finish(self, redirect_url: str | None) -> HttpResponse:
        """Sign the owner of the address in; whoever has no account gets one."""
        user, is_new = open_account(self.request, email=self.email, name=self.state["name"])
        record_authentication(self.request, user, method="code", email=self.email)
        if is_new:
            return complete_signup(self.request, user=user)
        return perform_login(self.request, Login(user=user, email=self.email))


class ReauthenticationProcess(AbstractCodeVerificationProcess):
    """A signed-in person proves once more to read the account's mail, as others enter their password once more."""

    def __init__(self, request: HttpRequest, state: dict[str, Any]) -> None:
        assert isinstance(request.user, User)
        self.request = request
        super().__init__(
            state=state, user=request.user, max_attempts=TRIES_PER_CODE, timeout=VALID_FOR.seconds
        )

    @classmethod
    def begin(cls, request: HttpRequest) -> None:
        process = cls(request, cls.initial_state(user=None) | {"mark": make_mark()})
        process.send()
        process.persist()

    @classmethod
    def resume(cls, request: HttpRequest) -> "ReauthenticationProcess | None":
        state = request.session.get(REAUTHENTICATION_KEY)
        if not state:
            return None
        process: ReauthenticationProcess | None = cls(request, state).abort_if_invalid()  # type: ignore[no-untyped-call]
        return process

    @property
    def email(self) -> str:
        assert isinstance(self.user, User)
        return self.user.email

    @property
    def code(self) -> str:
        return compute_code(self.state["mark"], self.email, Purpose.REAUTHENTICATE)

    def send(self) -> None:
        _enqueue_code(self.state["mark"], self.email, Purpose.REAUTHENTICATE)

    def persist(self) -> None:
        self.request.session[REAUTHENTICATION_KEY] = self.state

    def abort(self) -> None:
        self.request.session.pop(REAUTHENTICATION_KEY, None)

    def finish(self) -> None:
        self.abort()
        record_authentication(self.request, self.user, method="code", email=self.email, reauthenticated=True)


def _enqueue_code(mark: str, email: str, purpose: Purpose) -> None:
    """Enqueue the mail with a code. The job holds the mark, and names no account."""
    enqueue_mail("sign_in_code", email, None, {"mark": mark, "purpose": purpose})
