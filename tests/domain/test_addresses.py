"""Whose address a request has, and how little is believed of what it says itself."""

import pytest
from django.test import RequestFactory

from estuary.common.api.rates import Rate
from estuary.common.client_ip import client_address


def seen(direct: str, forwarded: str | None = None, *, proxies: int = 0) -> str:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", REMOTE_ADDR=direct, headers=headers)
    return client_address(request, trusted_proxies=proxies)


@pytest.mark.parametrize(
    ("direct", "forwarded", "proxies", "expected"),
    [
        ("198.51.100.7", None, 0, "198.51.100.7"),
        ("198.51.100.7", "203.0.113.1", 0, "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7", 1, "198.51.100.7"),
        ("10.0.0.1", "203.0.113.1, 198.51.100.7", 1, "198.51.100.7"),
        ("10.0.0.1", "203.0.113.1, 198.51.100.7, 10.0.0.2", 2, "198.51.100.7"),
        ("10.0.0.1", "made up, 198.51.100.7:4711", 1, "198.51.100.7"),
        ("10.0.0.1", "[2001:db8:1:2:3:4:5:6]:4711", 1, "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", None, 0, "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", None, 0, "198.51.100.7"),
        ("10.0.0.1", "", 1, "10.0.0.1"),
        ("10.0.0.1", None, 1, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7", 2, "10.0.0.1"),
        ("10.0.0.1", "nonsense", 1, "10.0.0.1"),
        ("10.0.0.1", "x" * 10_000, 1, "10.0.0.1"),
        ("", None, 0, ""),
        ("not an address", None, 1, ""),
    ],
)
def test_only_the_entry_that_our_own_proxy_wrote_is_believed(
    direct: str, forwarded: str | None, proxies: int, expected: str
) -> None:
    assert seen(direct, forwarded, proxies=proxies) == expected


@pytest.mark.parametrize("proxy", ["127.0.0.1", "::1", "10.1.2.3", "172.20.0.1", "192.168.1.1", "fd00::1"])
def test_a_proxy_that_nobody_told_us_of_is_no_buyer(proxy: str) -> None:
    assert seen(proxy) == ""
    assert seen(proxy, "198.51.100.7") == ""


@pytest.mark.parametrize(
    ("text", "times", "seconds"), [("30/10m", 30, 600), ("5/h", 5, 3600), (" 100/2d ", 100, 172_800)]
)
def test_a_rate_says_how_many_in_how_long(text: str, times: int, seconds: int) -> None:
    rate = Rate.parse(text)
    assert (rate.times, rate.period.total_seconds()) == (times, seconds)


@pytest.mark.parametrize(
    "text", ["", "30", "0/h", "-1/h", "30/10", "30/0m", "1.5/h", "1e9/h", "30/10w", "٣/h"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="30/10m"):
        Rate.parse(text)
