"""allauth's adapter: its mails are sent by our worker, and its limits identify clients as ours do."""

from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from estuary.accounts import account_mails
from estuary.accounts.contact.email_addresses import check_email_address
from estuary.accounts.models import User
from estuary.accounts.sign_in.limits import clear_guesses, count_guess
from estuary.common import clock
from estuary.common.client_ip import client_address
from estuary.common.english_times import describe_moment

SIGN_IN_SESSION_KEY = "estuary_sign_in_began_with"


class QueuedMailAdapter(DefaultAccountAdapter):
    """Sends no mail within a request, so a slow mail server delays nobody."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_taken": "There is an account with this address already. Sign in, or set a new password by mail:"
        " that gives it back to you, whoever opened it.",
        "too_many_login_attempts": "Too many tries. Set a new password by mail, in this browser: that lets you in at"
        " once. Or try again in an hour.",
        "incorrect_code": "That is not the code. Look at the newest mail from us, and type its eight digits.",
        "code_used_up": "That was the last try with this code. Ask for another one.",
        "no_code_expected": "There is no code to confirm here, or it is over. Ask for another one.",
        "too_many_codes": "Too many codes were mailed already. Type the newest one, sign in with your password, or"
        " set a new password by mail. Or try again in an hour.",
    }

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Enqueue a mail; of its context only the user is kept."""
        user = context.get("user")
        account_mails.enqueue_mail(template_prefix, email, user.pk if user else None)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: AbstractBaseUser,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Enqueue a mail to the owner of an account: what was changed, when, and from where."""
        assert isinstance(user, User)
        details = {
            "at": describe_moment(clock.now(), ZoneInfo("UTC")),
            "ip": self.get_client_ip(self.request) if self.request else "",
            **{name: str(value) for name, value in (context or {}).items() if name.endswith("_email")},
        }
        account_mails.enqueue_mail(template_prefix, email or user.email, user.pk, details)

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **hooks: Any) -> HttpResponse | None:
        """Record the password hash with which a sign-in started; a second factor may follow 15 minutes later."""
        assert isinstance(user, User)
        request.session[SIGN_IN_SESSION_KEY] = user.get_session_auth_hash()
        return super().pre_login(request, user, **hooks)

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Sign a user in, unless the password was reset since the sign-in started."""
        assert isinstance(user, User)
        began_with = request.session.get(SIGN_IN_SESSION_KEY)
        if began_with and not constant_time_compare(began_with, user.get_session_auth_hash()):
            raise ImmediateHttpResponse(HttpResponse(status=HTTPStatus.UNAUTHORIZED))
        super().login(request, user)
        request.session.pop(SIGN_IN_SESSION_KEY, None)

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """Save the password alone: a user read before a change of address must not restore the old address."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def validate_unique_email(self, email: str) -> str:
        """Refuse addresses that no mail can reach (called by allauth at sign-up); raises ValidationError."""
        check_email_address(email)
        return email

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the client's address as the limits of payments do: of IPv6, the network."""
        address = client_address(request, trusted_proxies=settings.TRUSTED_PROXIES or 0)
        return address or request.META.get("REMOTE_ADDR") or "unknown"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count an attempt by the rule of all sign-ins, instead of allauth's; raises ValidationError beyond it."""
        self._guess = count_guess(request, str(credentials.get("email", "")))
        if self._guess is None:
            raise self.validation_error("too_many_login_attempts")

    def _rollback_login_failed_rl_usage(self) -> None:
        """Take back an attempt with the right password."""
        if self._guess:
            self._guess.roll_back()

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Clear the wrong attempts at a reset account, but not the same client's attempts at others."""
        clear_guesses(request, str(credentials.get("email", "")))
