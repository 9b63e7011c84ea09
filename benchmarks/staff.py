"""The paths of staff: the admin's lists, pages and searches."""

from datetime import timedelta
from unittest.mock import patch

from benchmarks.buyers import Play
from benchmarks.events import Payment
from benchmarks.harness import Harness
from benchmarks.market import HOSTS

STAFF = "staff-of-the-benchmark@estuary.example"
LISTS = (
    "orders/order/",
    "orders/order/?status__exact=processing",
    "payments/refund/",
    "payments/dispute/",
    "payments/webhookevent/",
    "payments/webhookevent/?status__exact=dead",
    "payments/webhookevent/?age=late",
    "bookings/booking/",
    "credits/creditaccount/",
    "catalog/service/",
    "accounts/user/",
    "accounts/auditlogentry/",
)
# All of market.py's orders are of today, and no shop has ten million of those: the overview is looked at later.
LATER = timedelta(days=2)


def looking(harness: Harness) -> dict[str, Play]:
    from django.test import Client

    from estuary.accounts.models import User
    from estuary.common import clock

    member, _ = User.objects.get_or_create(email=STAFF, defaults={"is_staff": True, "is_superuser": True})
    client = Client(SERVER_NAME="localhost")
    client.force_login(member, backend="estuary.accounts.staff.sign_in.StaffBackend")

    def look(url: str) -> None:
        answer = client.get(f"/admin/{url}")
        assert answer.status_code == 200, f"{url}: {answer.status_code}"

    def overview(turn: int) -> None:
        then = clock.now() + LATER
        with patch.object(clock, "now", lambda: then):
            look("")

    def find(turn: int) -> None:
        payment = Payment.number(1 + turn)
        buyer = f"buyer{HOSTS + 1 + turn}@estuary.example"
        for term in (payment.order_id, payment.intent_id, buyer):
            look(f"orders/order/?q={term}")
        for term in (payment.event_id, payment.intent_id):
            look(f"payments/webhookevent/?q={term}")
        look(f"accounts/user/?q={buyer}")

    def one_order(turn: int) -> None:
        look(f"orders/order/{1 + turn}/change/")

    def lists(url: str) -> Play:
        return lambda _: look(url)

    pages = {f"staff: {url}": lists(url) for url in LISTS}
    return {"staff: overview": overview, "staff: find": find, "staff: one order": one_order} | pages
