"""The admin's own sign-in: the API does not accept its sessions, and it accepts none of the API's."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, authenticate, get_user_model
from django.contrib.auth.backends import BaseBackend
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.module_loading import import_string
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from estuary.accounts.models import User
from estuary.accounts.sign_in.limits import count_guess
from estuary.accounts.staff.second_factor import has_passed
from estuary.accounts.staff.second_factor_pages import address_after_password, code_page, enrol_page

BACKEND = "estuary.accounts.staff.sign_in.StaffBackend"
TOO_MANY_ATTEMPTS = (
    "Too many tries. Set a new password by mail at the shop's sign-in page, in this browser:"
    " that lets you in at once. Or try again in an hour."
)


class StaffBackend(BaseBackend):
    """Marks sessions of the admin's sign-in page; checks no password and grants no permission."""

    def get_user(self, user_id: int) -> User | None:
        user: User | None = get_user_model()._default_manager.filter(pk=user_id, is_active=True).first()
        return user


def is_admin_session(session: SessionBase) -> bool:
    """Return whether the admin's sign-in page opened a session."""
    return bool(session.get(BACKEND_SESSION_KEY) == BACKEND)


class StaffSignInForm(AuthenticationForm):
    """Counts each attempt before the password is checked; a password is hashed once."""

    def clean(self) -> dict[str, Any]:
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if self.request is None or not email or not password:
            return self.cleaned_data
        guess = count_guess(self.request, email)
        if guess is None:
            raise ValidationError(TOO_MANY_ATTEMPTS, code="too_many_tries")
        user = authenticate(self.request, email=email, password=password)
        if not isinstance(user, User):
            raise self.get_invalid_login_error()
        self.confirm_login_allowed(user)
        guess.roll_back()
        user.backend = BACKEND
        self.user_cache = user
        return self.cleaned_data


# Longer than any id or name.
MAX_TERM = 200


class StaffSite(UnfoldAdminSite):
    """The admin, for staff who signed in on its own page with the second factor."""

    login_form = StaffSignInForm

    def has_permission(self, request: HttpRequest) -> bool:
        return self.knows_password(request) and has_passed(request.session, cast(User, request.user))

    def knows_password(self, request: HttpRequest) -> bool:
        """Return whether a member of staff entered the password here, and may enter the second factor."""
        return is_admin_session(request.session) and super().has_permission(request)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        pages = [
            path("second-factor/", self._after_password(code_page), name="second_factor"),
            path("second-factor/enrol/", self._after_password(enrol_page), name="second_factor_enrol"),
        ]
        return [*pages, *super().get_urls()]

    def _after_password(self, page: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest) -> HttpResponse:
            if self.has_permission(request) or not self.knows_password(request):
                return HttpResponseRedirect(reverse("admin:login"))
            return page(request)

        return view

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Ask for the password, then redirect to the second factor."""
        if request.method == "GET" and self.knows_password(request) and not self.has_permission(request):
            return HttpResponseRedirect(address_after_password(request))
        return super().login(request, extra_context)

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Answer the command palette with the lists of that name, and what UNFOLD's ``search_callback`` finds.

        As unfold's own view, which lowers the term before it looks for rows, and keeps what it has found for minutes.
        The hits are few, so there is one page of them.
        """
        started_at = time.monotonic()
        term = request.GET.get("s", "").strip()[:MAX_TERM]
        if not term:
            return HttpResponse()
        find = import_string(self._get_config("COMMAND", request)["search_callback"])
        hits = [*find(request, term), *self._search_apps(self.get_app_list(request), term.lower())]
        pages = Paginator(hits, max(len(hits), 1))
        context = {
            "search_term": term,
            "page_obj": pages,
            "results": pages.page(1),
            "page_counter": 0,
            "execution_time": time.monotonic() - started_at,
        }
        request.current_app = self.name
        return TemplateResponse(
            request, "unfold/helpers/command_results.html", context, headers={"HX-Trigger": "search"}
        )

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Change one's own password, with a notice by mail and the API's limit on guesses of the old one."""
        limits = settings.ACCOUNT_RATE_LIMITS
        if not ratelimit.consume(
            request, app="allauth.account", action="change_password", config=limits, user=request.user
        ):
            return HttpResponse(
                TOO_MANY_ATTEMPTS, status=HTTPStatus.TOO_MANY_REQUESTS, content_type="text/plain"
            )
        with transaction.atomic():
            response = super().password_change(request, extra_context)
            if response.status_code == HTTPStatus.FOUND:
                get_adapter().send_notification_mail(
                    "account/email/password_changed", cast(User, request.user)
                )
        return response
