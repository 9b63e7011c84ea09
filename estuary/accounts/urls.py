"""allauth's URLs that our own views serve, for each of its clients; they come before allauth's."""

from django.conf import settings
from django.urls import URLPattern, path

from estuary.accounts import views
from estuary.accounts.sign_in_codes import views as code_views

VIEWS = {
    "auth/code/request": code_views.RequestCodeView,
    "auth/code/confirm": code_views.ConfirmCodeView,
    "auth/code/reauthenticate/request": code_views.RequestReauthenticationView,
    "auth/code/reauthenticate": code_views.ReauthenticateByCodeView,
    "auth/signup": views.AtomicSignupView,
    "auth/2fa/authenticate": views.CodeView,
    "auth/2fa/reauthenticate": views.RepeatedCodeView,
    "auth/email/verify": views.ConfirmEmailView,
    "auth/password/reset": views.RecoveryView,
    "account/email": views.ChangeEmailView,
    "account/password/change": views.SetPasswordView,
}

urlpatterns: list[URLPattern] = [
    path(f"{client}/v1/{address}", view.as_api_view(client=client))
    for client in settings.HEADLESS_CLIENTS
    for address, view in VIEWS.items()
]
