"""Mails of many orders: few jobs, one connection, and one that fails keeps none of the others back."""

from collections.abc import Sequence
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from estuary.notifications.order_mail_texts import OrderMail
from estuary.payments import outbox
from estuary.payments.inbox import processor
from stripe_sandbox import Sandbox
from tests.factories import make_user, signed_in
from tests.flows import buying
from tests.sandbox_bridge import post_all, run_jobs

pytestmark = pytest.mark.django_db(transaction=True)

BUYERS = outbox.MAILS_PER_JOB + 3


class Server(EmailBackend):
    """A mail server that counts who connects, and refuses for as long as it is told to."""

    opened = 0
    refuses_all = False
    refuses: Sequence[str] = ()

    def open(self) -> None:
        if Server.refuses_all:
            raise SMTPServerDisconnected("The server is down.")
        Server.opened += 1

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        for message in messages:
            if set(message.to) & set(Server.refuses):
                raise SMTPRecipientsRefused(dict.fromkeys(message.to, (452, b"mailbox full")))
        return super().send_messages(messages)


@pytest.fixture
def server(settings: Settings) -> type[Server]:
    settings.MAILERS = {"default": {"BACKEND": f"{__name__}.Server"}}
    Server.opened, Server.refuses_all, Server.refuses = 0, False, ()
    return Server


def have_many_pay(stripe: Sandbox) -> list[str]:
    """Have everyone buy credits, and have it all settled in one batch; returns the addresses."""
    users = [make_user(f"Buyer {number}") for number in range(BUYERS)]
    for user in users:
        buying.pay_only(stripe, buying.credits(signed_in(user)))
    post_all(stripe)
    processor.drain()
    return sorted(user.email for user in users)


def buyers_thanked(outbox: list[EmailMessage]) -> list[str]:
    return sorted(address for mail in outbox for address in mail.to if "Thank you" in mail.subject)


def jobs() -> list[str]:
    return list(ProcrastinateJob.objects.order_by("id").values_list("task_name", flat=True))


def test_a_batch_has_few_jobs_for_its_mails_and_each_opens_one_connection(
    stripe: Sandbox, server: type[Server], mailoutbox: list[EmailMessage]
) -> None:
    everyone = have_many_pay(stripe)
    assert jobs() == ["payments.send_mails"] * 2
    run_jobs()
    assert (buyers_thanked(mailoutbox), server.opened) == (everyone, 2)


def test_a_mail_that_is_refused_keeps_none_back_and_is_tried_again_alone(
    stripe: Sandbox, server: type[Server], mailoutbox: list[EmailMessage]
) -> None:
    everyone = have_many_pay(stripe)
    full, *others = everyone
    server.refuses = [full]
    run_jobs()
    assert buyers_thanked(mailoutbox) == others
    assert jobs() == ["payments.send_mail"]
    with pytest.raises(SMTPRecipientsRefused):
        run_jobs()  # which the worker tries again, ever later
    server.refuses = []
    run_jobs()
    assert (buyers_thanked(mailoutbox), jobs()) == (everyone, [])


def test_while_the_mail_server_is_down_nothing_is_sent_and_nothing_is_lost(
    stripe: Sandbox, server: type[Server], mailoutbox: list[EmailMessage]
) -> None:
    everyone = have_many_pay(stripe)
    server.refuses_all = True
    with pytest.raises(SMTPServerDisconnected):
        run_jobs()
    assert buyers_thanked(mailoutbox) == []
    server.refuses_all = False
    run_jobs()
    assert buyers_thanked(mailoutbox) == everyone


def test_every_mail_about_an_order_can_be_written(stripe: Sandbox, mailoutbox: list[EmailMessage]) -> None:
    order = buying.buy_credits(stripe, signed_in(make_user("Maya")))
    mailoutbox.clear()
    outbox.send_mails([(buying.order_of(order), template) for template in OrderMail])
    run_jobs()
    # A paid order needs no action, and these tell of what never happened to this one.
    unsent = {
        OrderMail.ACTION_NEEDED,
        OrderMail.MOVED,
        OrderMail.DECLINED,
        OrderMail.NEW_LINK,
        OrderMail.OTHER_REFUNDED,
    }
    assert len(mailoutbox) == len(set(OrderMail) - unsent)
    assert all(order["order_id"] in str(mail.body) for mail in mailoutbox)
