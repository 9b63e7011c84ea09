"""The WSGI entry point of the web server."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "estuary.config.settings")
django = get_wsgi_application()

from django.conf import settings  # noqa: E402

from estuary.common.db import replica  # noqa: E402
from estuary.common.observability import db_pools  # noqa: E402
from estuary.common.postgresql.timeouts import limit_this_process  # noqa: E402
from estuary.common.process import cpu_priority  # noqa: E402
from estuary.config.webhook_gateway import WebhookGateway  # noqa: E402 it needs the settings and the apps
from estuary.payments.refusals.webhook_counter import WEBHOOK_COUNTER  # noqa: E402

# Each waking request thread would preempt the worker.
cpu_priority.lower_cpu_priority()
limit_this_process()
application = WebhookGateway(django)
WEBHOOK_COUNTER.flush_in_background()
if settings.METRICS_TOKEN:
    db_pools.start_recording()
if settings.DATABASE_REPLICA_URL:
    replica.start_monitor()
# All objects loaded so far stay. Collecting them again would delay requests by 40 ms.
gc.freeze()
