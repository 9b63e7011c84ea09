"""Mails about an account: none within a request, none without its job, and no link in a job."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from smtplib import SMTPServerDisconnected
from typing import Any
from urllib.parse import unquote

import allauth
import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import Client
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Job
from pytest_django import Settings

from estuary.accounts import account_mails, adapter
from estuary.accounts.models import User
from estuary.accounts.profile.email_change import state_digest
from estuary.common import clock
from estuary.config.mail import mailers
from estuary.payments import retention, tasks
from estuary.payments.doctor import RULES, run_checks
from tests.factories import make_user
from tests.flows.payments.mailing.reading import html_of, words_of_html
from tests.sandbox_bridge import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a-long-and-odd-one-7"
ADDRESS = "newcomer@example.com"


class DeadServer(EmailBackend):
    """A mail server that is not there."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        raise SMTPServerDisconnected("Nobody answers.")


@pytest.fixture
def dead_server(settings: Settings) -> None:
    settings.MAILERS = {"default": {"BACKEND": f"{__name__}.DeadServer"}}


def ask(path: str, method: str = "post", **body: str) -> tuple[int, dict[str, Any]]:
    client = Client(raise_request_exception=False)
    send = getattr(client, method)
    answer = send(f"/_allauth/app/v1/{path}", json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


def sign_up(email: str = ADDRESS) -> int:
    return ask("auth/signup", email=email, password=PASSWORD)[0]


def key_in(mail: EmailMessage) -> str:
    match = re.search(r"\?key=(\S+)", str(mail.body))
    assert match
    return unquote(match[1])


def jobs() -> list[ProcrastinateJob]:
    return list(ProcrastinateJob.objects.order_by("id"))


@pytest.mark.usefixtures("dead_server")
def test_without_a_mail_server_people_sign_up_and_reset_and_the_mails_wait(settings: Settings) -> None:
    assert sign_up() == 200
    assert ask("auth/password/request", email=ADDRESS)[0] == 200
    assert ask("auth/password/request", email="nobody@example.com")[0] == 200
    waiting = [job.args["template"] for job in jobs()]
    assert waiting == ["email_confirmation_signup", "password_reset_key"]
    with pytest.raises(SMTPServerDisconnected):
        run_jobs()
    assert len(jobs()) == 2


def test_each_mail_is_sent_once_and_its_link_works(mailoutbox: list[EmailMessage]) -> None:
    assert sign_up() == 200
    assert mailoutbox == []
    run_jobs()
    [confirmation] = mailoutbox
    assert confirmation.to == [ADDRESS]
    assert "http://localhost:8000/verify-email/?key=" in str(confirmation.body)
    assert ask("auth/email/verify", key=key_in(confirmation))[0] in {200, 401}
    assert EmailAddress.objects.get(email=ADDRESS).verified
    assert ask("auth/password/request", email=ADDRESS)[0] == 200
    run_jobs()
    reset = mailoutbox[-1]
    assert len(mailoutbox) == 2
    assert ask("auth/password/reset", key=key_in(reset), password=PASSWORD + "8")[0] in {200, 401}
    assert User.objects.get(email=ADDRESS).check_password(PASSWORD + "8")
    run_jobs()
    assert [mail.subject for mail in mailoutbox[2:]] == ["[Estuary] Your password was reset"]
    assert run_jobs() == 0


def _anchors(mail: EmailMessage) -> list[tuple[str, str]]:
    return re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', html_of(mail))


def test_the_heading_of_a_mail_about_an_account_has_no_prefix(mailoutbox: list[EmailMessage]) -> None:
    sign_up()
    user = User.objects.get()
    for template in account_mails.NOTICES:
        account_mails.enqueue_mail(template, ADDRESS, user.pk, {"ip": "198.51.100.7"})
    run_jobs()
    for mail in mailoutbox:
        assert mail.subject.startswith("[Estuary] ")
        assert "[Estuary]" not in words_of_html(mail)
        assert mail.subject.removeprefix("[Estuary] ") in words_of_html(mail)


def test_a_mail_with_a_link_says_what_it_is_about_and_its_button_what_it_does(
    mailoutbox: list[EmailMessage],
) -> None:
    sign_up()
    user = User.objects.get()
    for template in ("email_confirmation", "password_reset_key", "password_changed"):
        account_mails.enqueue_mail(template, ADDRESS, user.pk)
    account_mails.enqueue_mail("email_change", "another@example.com", user.pk, {"state": state_digest(user)})
    run_jobs()
    joined, existing, reset, notice, changed = mailoutbox
    for mail, button, words in (
        (joined, "Confirm this address", "opened an account"),
        (existing, "Confirm this address", "has not been confirmed yet"),
        (changed, "Confirm this address", "new e-mail address of an account"),
        (reset, "Set a new password", "a new password"),
        (notice, "Set a new password", "Your password was changed"),
    ):
        [link] = [href for href, text in _anchors(mail) if text == button]
        assert link.replace("&amp;", "&") in str(mail.body)
        assert words in words_of_html(mail)
        assert "email" not in words_of_html(mail).lower()
        assert "Open the page" not in words_of_html(mail)
    assert changed.subject == "[Estuary] Confirm your new e-mail address"
    assert "opened" not in words_of_html(changed)


def test_a_notice_writes_its_time_as_all_mails_do(mailoutbox: list[EmailMessage], maya: User) -> None:
    with time_machine.travel(datetime(2026, 12, 4, 14, 5, tzinfo=UTC)):
        adapter.QueuedMailAdapter().send_notification_mail("account/email/password_changed", maya)
    run_jobs()
    assert "When: Friday, December 4, 2026, 2:05 PM UTC" in str(mailoutbox[-1].body)


@pytest.mark.usefixtures("dead_server")
def test_what_waits_has_no_link_and_no_secret() -> None:
    sign_up()
    ask("auth/password/request", email=ADDRESS)
    user = User.objects.get(email=ADDRESS)
    for job in jobs():
        assert set(job.args) == {"template", "email", "user_id"}
        assert (job.args["email"], job.args["user_id"]) == (ADDRESS, user.pk)


def test_a_mail_that_has_no_use_any_more_is_not_sent(mailoutbox: list[EmailMessage]) -> None:
    sign_up()
    ask("auth/password/request", email=ADDRESS)
    EmailAddress.objects.update(verified=True)
    User.objects.update(is_active=False)
    run_jobs()
    assert mailoutbox == []


def test_who_has_no_account_is_answered_the_same_and_mailed_nothing(mailoutbox: list[EmailMessage]) -> None:
    make_user("Maya")
    to_owner = ask("auth/password/request", email=User.objects.get().email)
    unknown = ask("auth/password/request", email="nobody@example.com")
    assert to_owner == unknown
    # As code before this enqueued it.
    account_mails.enqueue_mail("unknown_account", "nobody@example.com", None)
    run_jobs()
    assert ["/reset-password/?key=" in str(mail.body) for mail in mailoutbox] == [True]


@pytest.mark.parametrize("host", ["localhost:31337", "127.0.0.1:8000", "[::1]:5"])
def test_a_mail_names_the_site_by_the_settings_whatever_host_a_request_names(
    mailoutbox: list[EmailMessage], host: str
) -> None:
    client = Client(headers={"Host": host})
    for path in ("auth/signup", "auth/password/request"):
        body = json.dumps({"email": ADDRESS, "password": PASSWORD})
        answer = client.post(f"/_allauth/app/v1/{path}", body, content_type="application/json")
        assert answer.status_code == 200
    user = User.objects.get()
    for template in account_mails.NOTICES:
        account_mails.enqueue_mail(template, ADDRESS, user.pk, {"ip": "198.51.100.7"})
    run_jobs()
    assert len(mailoutbox) == 2 + len(account_mails.NOTICES)
    for mail in mailoutbox:
        text = f"{mail.subject}\n{mail.body}"
        assert "Hello from Estuary!" in text
        assert "localhost:8000" in text
        assert host not in text


def test_every_notice_of_allauth_is_written() -> None:
    """A notice that nobody writes would be a 500 of whatever it tells of."""
    folder = Path(allauth.__file__).parent / "templates"
    names = {path.name for path in folder.glob("*/email/*_message.txt")}
    notices = {f.removesuffix("_message.txt") for f in names if _is_notice(folder, f)}
    ours = {template.rpartition("/")[2] for template in account_mails.NOTICES}
    assert (
        notices - ours
        == {"email_deleted", "email_confirm", "account_connected", "account_disconnected"} & notices
    )


def _is_notice(folder: Path, name: str) -> bool:
    [path] = folder.glob(f"*/email/{name}")
    return "base_notification" in path.read_text()


def test_a_sign_up_that_fails_leaves_nothing_and_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> None:
        raise ConnectionRefusedError("Nobody listens.")

    with monkeypatch.context() as patch:
        patch.setattr(account_mails, "enqueue_mail", fail)
        assert sign_up() == 500
    assert (User.objects.count(), EmailAddress.objects.count(), jobs()) == (0, 0, [])
    assert sign_up() == 200
    assert [job.args["template"] for job in jobs()] == ["email_confirmation_signup"]


def test_a_mail_that_nobody_writes_is_found_out_when_it_is_asked_for() -> None:
    with pytest.raises(LookupError, match="accounts/account_mails"):
        adapter.QueuedMailAdapter().send_mail("account/email/login_code", ADDRESS, {})
    for template in account_mails.TEMPLATES:
        account_mails.write_mail(template, ADDRESS, None)


@pytest.mark.parametrize(
    ("retry", "hours"), [(tasks.MAIL_RETRY, 70), (tasks.RETRY, 2.5)], ids=["mails", "calls to Stripe"]
)
def test_a_job_is_tried_for_long_and_never_less_often_than_every_ten_minutes(
    retry: tasks.CappedRetry, hours: float
) -> None:
    def wait_s(attempts: int) -> float | None:
        job = Job(
            id=1, queue="q", lock=None, queueing_lock=None, task_name="payments.send_mail", attempts=attempts
        )
        decision = retry.get_retry_decision(exception=OSError(), job=job)
        return (decision.retry_at - clock.now()).total_seconds() if decision and decision.retry_at else None

    waits = [wait_s(attempts) for attempts in range(retry.attempts + 1)]
    assert waits.pop() is None
    assert all(wait is not None and wait <= 600 for wait in waits)
    assert sum(wait or 0 for wait in waits) > hours * 60 * 60


def _set_jobs(assignment: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE procrastinate_jobs SET {assignment}")  # noqa: S608


def test_the_doctor_names_mails_that_wait_and_what_was_given_up_is_forgotten() -> None:
    def codes() -> set[str]:
        return {breach.code for breach in run_checks(RULES, at=clock.now()).violations}

    sign_up()
    assert codes() == set()
    _set_jobs("attempts = 6")
    assert codes() == {"mail_waiting"}
    assert retention.delete_unsent_account_mails() == 0
    _set_jobs("status = 'failed'")
    assert codes() == {"mail_waiting"}
    assert retention.delete_unsent_account_mails() == 1
    assert codes() == set()


def test_a_mail_within_a_request_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(account_mails, "enqueue_mail", tasks.send_account_mail)
        assert sign_up() == 500
    assert sign_up() == 200


def test_every_job_that_sends_mail_is_tried_as_long_and_looked_at_by_the_doctor() -> None:
    [rule] = [rule for rule in RULES if rule.code == "mail_waiting"]
    for name, task in app.tasks.items():
        if re.match(r"payments\.(?:send_(?!refund)|alert_)", name):
            assert task.retry_strategy is tasks.MAIL_RETRY, name
            assert f"'{name}'" in rule.sql


def test_the_link_in_a_laptops_mail_can_be_followed_as_it_is_printed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.MAILERS = mailers("console:")
    sign_up()
    ask("auth/password/request", email=ADDRESS)
    capsys.readouterr()
    run_jobs()
    printed = capsys.readouterr().out
    links = re.findall(
        rf"^{re.escape(settings.FRONTEND_URL)}/reset-password/\?key=(\S+)$", printed, re.MULTILINE
    )
    assert len(links) == 1, printed
    status, _ = ask("auth/password/reset", key=unquote(links[0]), password="another-long-and-odd-one-8")
    assert status == 401  # set; sign in with it
    status, _ = ask("auth/login", email=ADDRESS, password="another-long-and-odd-one-8")
    assert status == 200
