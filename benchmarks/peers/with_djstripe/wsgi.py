import stripe
from django.core.wsgi import get_wsgi_application

from benchmarks.peers.with_djstripe.at_once import AtOnce

stripe.default_http_client = AtOnce()
application = get_wsgi_application()
