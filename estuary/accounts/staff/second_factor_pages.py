"""The admin's pages after the password: enrol an app, show the recovery codes once, enter a code."""

import base64
from typing import Any, cast

from allauth.account.adapter import get_adapter as account_adapter
from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django import forms
from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import urlencode
from unfold.widgets import UnfoldAdminTextInputWidget

from estuary.accounts.models import User
from estuary.accounts.sign_in.limits import Guess, count_code
from estuary.accounts.staff import second_factor

SECRET_SESSION_KEY = "staff_second_factor_secret"  # noqa: S105 the name of one
TOO_MANY_ATTEMPTS = "Too many tries. Wait an hour, and set a new password if somebody else tries them."
WRONG_CODE = (
    "That is not the code of now. Enter the one that your app shows, or a recovery code that was not used."
)


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=20,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": "", "inputmode": "numeric"}
        ),
    )


def address_after_password(request: HttpRequest) -> str:
    """Return the next page after the password: enrolment the first time, the code page afterwards."""
    enrolled = second_factor.find_factor(cast(User, request.user)) is not None
    page = reverse("admin:second_factor" if enrolled else "admin:second_factor_enrol")
    return f"{page}?{urlencode({'next': _next_url(request)})}"


def enrol_page(request: HttpRequest) -> HttpResponse:
    """Show the secret as a QR code, check the app's first code, and then show the recovery codes once."""
    user = cast(User, request.user)
    if second_factor.find_factor(user) is not None:
        return HttpResponseRedirect(address_after_password(request))
    secret = request.session.setdefault(SECRET_SESSION_KEY, generate_totp_secret())
    form = CodeForm(request.POST or None)
    if form.is_valid() and (guess := _count_attempt(request, form)):
        enrolment = second_factor.enrol(user, secret, form.cleaned_data["code"].strip())
        if enrolment is not None:
            guess.roll_back()
            del request.session[SECRET_SESSION_KEY]
            second_factor.record_passed(request.session, enrolment.factor_pk)
            account_adapter(request).send_notification_mail("mfa/email/totp_activated", user)
            return _render_page(request, "second_factor_codes.html", "Recovery codes", codes=enrolment.codes)
        form.add_error(None, WRONG_CODE)
    url = get_adapter().build_totp_url(user, secret)
    picture = base64.b64encode(get_adapter().build_totp_svg(url).encode()).decode()
    return _render_page(
        request, "second_factor_enrol.html", "Second factor", form=form, secret=secret, picture=picture
    )


def code_page(request: HttpRequest) -> HttpResponse:
    """Check a code of the app, or a recovery code."""
    user = cast(User, request.user)
    if second_factor.find_factor(user) is None:
        return HttpResponseRedirect(address_after_password(request))
    form = CodeForm(request.POST or None)
    if form.is_valid() and (guess := _count_attempt(request, form)):
        factor_pk = second_factor.find_factor_by_code(user, form.cleaned_data["code"].strip())
        if factor_pk is not None:
            guess.roll_back()
            second_factor.record_passed(request.session, factor_pk)
            return HttpResponseRedirect(_next_url(request))
        form.add_error(None, WRONG_CODE)
    return _render_page(request, "second_factor_code.html", "Second factor", form=form)


def _count_attempt(request: HttpRequest, form: CodeForm) -> Guess | None:
    guess = count_code(request, cast(User, request.user))
    if guess is None:
        form.add_error(None, TOO_MANY_ATTEMPTS)
    return guess


def _next_url(request: HttpRequest) -> str:
    address: str = LoginView().get_redirect_url(request)
    return address or reverse("admin:index")


def _render_page(request: HttpRequest, template: str, title: str, **more: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "next": _next_url(request), **more}
    page = TemplateResponse(request, f"staff/{template}", context)
    add_never_cache_headers(page)
    return page
