"""The checkup as a page for staff; the same findings as ``manage.py checkup``."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse

from estuary.payments.checkup.finding import Level
from estuary.payments.checkup.runner import run_checkup

GROUPS = {Level.BROKEN: ("To be mended", "danger"), Level.LOOK: ("To be looked at", "warning")}
PERMISSION = "payments.view_webhookevent"


def checkup_page(request: HttpRequest) -> TemplateResponse:
    """Run the checkup and show its findings, the worst first. Its calls to Stripe share the request's time budget."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    findings = run_checkup()
    by_level = {level: [finding for finding in findings if finding.level == level] for level in Level}
    context = {
        **admin.site.each_context(request),
        "title": "Checkup",
        "groups": [(*group, by_level[level]) for level, group in GROUPS.items() if by_level[level]],
        "in_order": by_level[Level.GOOD],
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "payments/checkup.html", context)
