"""The jobs of the worker (procrastinate): each calls one verb, and each is safe to run again."""

import structlog
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from estuary.bookings import booking
from estuary.common import clock
from estuary.orders.models import Order
from estuary.payments import mails, methods, refunds, sweep

TRY_AGAIN = RetryStrategy(max_attempts=8, exponential_wait=3)

log = structlog.get_logger(__name__)


@app.task(name="payments.send_refund", retry=TRY_AGAIN)
def send_refund(refund_id: int) -> None:
    refunds.send_refund(refund_id)


@app.task(name="payments.detach_card", retry=TRY_AGAIN)
def detach_card(payment_method_id: str) -> None:
    methods.detach(payment_method_id)


@app.task(name="payments.send_mail", retry=TRY_AGAIN)
def send_mail(order_id: int, template: str) -> None:
    mails.send_order_mail(Order.objects.select_related("user").get(pk=order_id), template)


@app.task(name="payments.alert_staff", retry=TRY_AGAIN)
def alert_staff(code: str, text: str) -> None:
    mails.send_staff_alert(code, text)


@app.periodic(cron="* * * * * */10")  # seconds stand last
@app.task(name="payments.expire_orders", queueing_lock="expire_orders")
def expire_orders(timestamp: int) -> None:
    sweep.expire_orders()


@app.periodic(cron="* * * * *")
@app.task(name="payments.sweep", queueing_lock="sweep")
def sweep_minute(timestamp: int) -> None:
    sweep.send_unsent_refunds()
    sweep.detach_removed_cards()


@app.periodic(cron="*/15 * * * *")
@app.task(name="payments.close_past_bookings", queueing_lock="close_past_bookings")
def close_past_bookings(timestamp: int) -> None:
    booking.close_past(at=clock.now())


@app.periodic(cron="*/5 * * * *")
@app.task(name="payments.ask_about_open_orders", queueing_lock="ask_about_open_orders")
def ask_about_open_orders(timestamp: int) -> None:
    sweep.ask_about_open_orders()
