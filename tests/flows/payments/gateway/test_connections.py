"""What the SDK's requests go through on their way to Stripe."""

import threading
from http import HTTPStatus
from pathlib import Path

import pytest
import requests
import stripe as sdk

from estuary.payments import client
from estuary.payments.errors import StripeUnreachable
from estuary.payments.gateway.http import open_http_session
from stripe_sandbox import Sandbox
from tests.environment import NOBODY_LISTENS
from tests.servers import listening

pytestmark = pytest.mark.django_db(transaction=True)


def sdk_at(address: str) -> sdk.StripeClient:
    http_client = sdk.RequestsClient(session=open_http_session(address))
    return sdk.StripeClient("sk_test_of_nobody", http_client=http_client, base_addresses={"api": address})


def test_requests_with_and_without_a_body_or_a_query_arrive_as_the_sdk_means_them(
    stripe: Sandbox, address: str
) -> None:
    v1 = sdk_at(address).v1
    customer = v1.customers.create({"email": "maya@example.com", "metadata": {"user_id": "7"}})
    assert v1.customers.retrieve(customer.id).metadata == customer.metadata
    assert [one.id for one in v1.customers.list({"email": "maya@example.com", "limit": 1})] == [customer.id]


def test_an_error_of_stripe_s_is_the_sdk_s_error(stripe: Sandbox, address: str) -> None:
    with pytest.raises(sdk.InvalidRequestError) as caught:
        sdk_at(address).v1.customers.retrieve("cus_of_nobody")
    assert (caught.value.code, caught.value.http_status) == ("resource_missing", HTTPStatus.NOT_FOUND)


def test_passwords_that_the_machine_keeps_for_the_host_do_not_replace_the_key(
    stripe: Sandbox, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert sdk_at(address).v1.customers.create({"email": "maya@example.com"}).id


def test_a_redirect_is_an_error_and_is_not_followed() -> None:
    listener, address = listening()

    def redirect_once() -> None:
        with listener, listener.accept()[0] as line:
            line.recv(4096)
            line.sendall(
                b"HTTP/1.1 307 Temporary\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
            )

    threading.Thread(target=redirect_once, daemon=True).start()
    with pytest.raises(requests.TooManyRedirects):
        open_http_session(address).post(address, data={"amount": 100})


def test_a_stripe_that_nobody_reaches_is_a_connection_error() -> None:
    with pytest.raises(sdk.APIConnectionError):
        sdk_at(NOBODY_LISTENS).v1.customers.retrieve("cus_any")
    with pytest.raises(requests.ConnectionError):
        open_http_session(NOBODY_LISTENS).get(f"{NOBODY_LISTENS}/v1/customers")


def test_a_proxy_that_the_environment_names_is_asked_and_told_the_whole_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listener, proxy = listening()
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    heard: list[bytes] = []

    def answer_once() -> None:
        with listener, listener.accept()[0] as line:
            heard.append(line.recv(4096))
            line.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    answering = threading.Thread(target=answer_once, daemon=True)
    answering.start()
    answer = open_http_session("http://stripe.example").get("http://stripe.example/v1/balance")
    answering.join(timeout=10)
    assert answer.status_code == HTTPStatus.NO_CONTENT
    assert heard[0].startswith(b"GET http://stripe.example/v1/balance HTTP/1.1\r\n")


def test_a_stripe_out_of_reach_is_described_without_what_was_asked_of_it(
    stripe: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = sdk_at(NOBODY_LISTENS)
    with monkeypatch.context() as patch:
        patch.setattr(client, "_client", lambda: away)
        with pytest.raises(StripeUnreachable) as caught, client._guard("customers.list") as v1:
            v1.customers.list({"email": "maya@example.com"})
    assert "/v1/customers" in str(caught.value)
    assert "maya" not in str(caught.value)
