"""The client's IP address behind proxies. X-Forwarded-For is trusted only as far as our own proxies wrote it."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.http import HttpRequest

# Addresses of proxies and load balancers. They never identify a client from the Internet.
PRIVATE = [
    ip_network(net)
    for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10")
]


def client_address(request: HttpRequest, *, trusted_proxies: int) -> str:
    """Return the address of the client, or an empty string when only a proxy's address is available.

    ``trusted_proxies`` is the number of our own proxies in a row. Each appends the address of its peer to
    X-Forwarded-For. With 2 proxies, the client is the second entry from the right. Clients can forge all entries left
    of it. For IPv6 the /64 network is returned, because one household or server has a whole /64.
    """
    direct = _read(request.META.get("REMOTE_ADDR", ""))
    if not trusted_proxies:
        return "" if direct is None or _is_private(direct) else _network(direct)
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    caller = _read(hops[-trusted_proxies]) if len(hops) >= trusted_proxies else None
    # A request that bypassed the proxies has no entry of theirs.
    caller = caller or direct
    return _network(caller) if caller else ""


def network_site(address: str) -> str:
    """Return the network of one site: the /48 of an IPv6 network, or the IPv4 address itself."""
    return str(ip_network(address, strict=False).supernet(new_prefix=48)) if ":" in address else address


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in one entry, with or without a port; None if the entry is no address."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _is_private(address: IPv4Address | IPv6Address) -> bool:
    return address.is_loopback or any(address in net for net in PRIVATE if net.version == address.version)


def _network(address: IPv4Address | IPv6Address) -> str:
    return str(address if address.version == 4 else ip_network((address, 64), strict=False))
