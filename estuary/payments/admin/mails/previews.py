"""A page with a sample of each mail, as HTML and as text. Nothing is sent and no row is read."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin

from estuary.payments.mailing.samples import SAMPLE_GROUPS, SAMPLES

PERMISSION = "orders.view_order"


def previews_page(request: HttpRequest) -> TemplateResponse:
    """List all mails, and show the one that ``kind`` names."""
    _check(request)
    kind = request.GET.get("kind", next(iter(SAMPLES)))
    if kind not in SAMPLES:
        raise Http404
    context = {
        **admin.site.each_context(request),
        "title": "Mails",
        "groups": {title: list(titles.items()) for title, titles in SAMPLE_GROUPS.items()},
        "kind": kind,
        "sample": SAMPLES[kind](),
        "html_url": f"{reverse('admin-mail-html')}?kind={kind}",
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "payments/mail_previews.html", context)


@xframe_options_sameorigin
def preview_html(request: HttpRequest) -> HttpResponse:
    """Return the HTML of one sample, for the frame on the page; its policy lets no script run in it."""
    _check(request)
    kind = request.GET.get("kind", "")
    if kind not in SAMPLES:
        raise Http404
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    return HttpResponse(SAMPLES[kind]().html, headers={"Content-Security-Policy": policy})


def _check(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
