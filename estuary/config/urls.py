"""All URLs: the API under /api/v1/, allauth's sign-in, the docs, the admin and the storefront."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from estuary.common.api.problems import not_found
from estuary.config.error_page import error_page
from estuary.config.openapi import OpenApiView, RedocView, SwaggerView, redoc_script
from estuary.config.site_pages import SitePageView
from estuary.config.storefront import storefront
from estuary.payments.admin.attendees.pages import day_page, session_page
from estuary.payments.admin.exports.pages import exports_page
from estuary.payments.admin.mails.previews import preview_html, previews_page
from estuary.payments.admin.people.buyer_page import buyer_page
from estuary.payments.checkup.admin_page import checkup_page

handler400 = "estuary.common.api.problems.bad_request"
handler404 = "estuary.config.error_page.not_found"
handler500 = "estuary.common.api.problems.server_error"

api_v1: list[URLPattern | URLResolver] = [
    path("", include("estuary.accounts.profile.urls")),
    path("", include("estuary.privacy.urls")),
    path("", include("estuary.catalog.urls")),
    path("", include("estuary.orders.urls")),
    path("", include("estuary.bookings.urls")),
    path("", include("estuary.credits.urls")),
    path("", include("estuary.payments.urls")),
    path("", include("estuary.documents.urls")),
    path("pages/<slug:slug>/", SitePageView.as_view(), name="site-page"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include(api_v1)),
    path("api/schema/", OpenApiView.as_view(), name="schema"),
    path("api/docs/", SwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/redoc/", RedocView.as_view(url_name="schema"), name="redoc"),
    path("api/redoc/script.js", redoc_script, name="redoc-script"),
    path("docs/errors/", error_page, name="error-page"),
    # We store no phone numbers, and allauth's views fail without one.
    re_path("^_allauth/app/v1/(?:account|auth)/phone(?:/|$)", csrf_exempt(not_found)),
    path("_allauth/", include("estuary.accounts.urls")),  # ours first
    path("_allauth/", include("allauth.headless.urls")),
    path("admin/checkup/", admin.site.admin_view(checkup_page), name="admin-checkup"),
    path("admin/buyers/<int:pk>/", admin.site.admin_view(buyer_page), name="admin-buyer"),
    path("admin/attendees/", admin.site.admin_view(day_page), name="admin-attendees"),
    path(
        "admin/attendees/<int:session_id>/",
        admin.site.admin_view(session_page),
        name="admin-attendees-session",
    ),
    path("admin/exports/", admin.site.admin_view(exports_page), name="admin-exports"),
    path("admin/mails/", admin.site.admin_view(previews_page), name="admin-mails"),
    path("admin/mails/html/", admin.site.admin_view(preview_html), name="admin-mail-html"),
    path("admin/", admin.site.urls),
    # A redirect to the URL with a slash would turn a POST into a GET. Only pages for people redirect.
    re_path("^api/(?!(?:docs|redoc)$).*[^/]$", csrf_exempt(not_found)),
    # All other paths fall through to Django: a missing slash, an unknown URL.
    re_path(
        r"^(?!(?:api|_allauth|_next|admin|docs|static)(?:/|$))(?P<path>.*)$", storefront, name="storefront"
    ),
]
