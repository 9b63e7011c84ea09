"""Every address of the project: the API under /api/v1/, sign-in by allauth, the admin, the docs."""

from django.urls import URLPattern, URLResolver, include, path

handler400 = "estuary.common.problems.bad_request"
handler404 = "estuary.common.problems.not_found"
handler500 = "estuary.common.problems.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("_allauth/", include("allauth.headless.urls")),
]
