"""What ``manage.py check --deploy`` says about a set-up that works and is not safe."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register


@register(Tags.security, deploy=True)
def proxies_are_known(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Without the number of proxies, addresses are not known and the limits for them do not hold."""
    if settings.SANDBOX or settings.TRUSTED_PROXIES is not None:
        return []
    hint = "Set it to 1 behind one proxy that sets X-Forwarded-For, and to 0 when buyers reach this server directly."
    return [
        checks.Warning(
            "ESTUARY_TRUSTED_PROXIES is not set: card testing is not limited by address.",
            hint=hint,
            id="estuary.W001",
        )
    ]
