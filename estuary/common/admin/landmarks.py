"""A template filter that makes the content of unfold's pages a landmark, which readers of screens jump to."""

from django import template
from django.utils.safestring import SafeString, mark_safe

CONTENT = '<div id="main"'

register = template.Library()


@register.filter
def with_main_landmark(page: SafeString) -> SafeString:
    """Return unfold's page with the role of its content; unfold makes it a ``div`` without one."""
    return mark_safe(page.replace(CONTENT, f'{CONTENT} role="main"', 1))  # noqa: S308
