"""Who is calling: the address of a request, believed only as far as the proxies before us are ours."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.http import HttpRequest

# Where proxies and load balancers live. None of these comes from the Internet, so it tells nobody apart.
PRIVATE = [
    ip_network(net)
    for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10")
]


def client_address(request: HttpRequest, *, trusted_proxies: int) -> str:
    """Return the address that a request comes from, or an empty string when only a proxy's is known.

    ``trusted_proxies`` is how many proxies of ours stand in a row before us. Each appends to X-Forwarded-For where its
    request came from, so that entry from the right is the caller's; all to the left of it anyone can make up.
    Of IPv6 the network (/64) is returned, which is what one household or server has to itself.
    """
    direct = _read(request.META.get("REMOTE_ADDR", ""))
    if not trusted_proxies:
        return "" if direct is None or _is_private(direct) else _network(direct)
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    caller = _read(hops[-trusted_proxies]) if len(hops) >= trusted_proxies else None
    caller = caller or direct  # a request that came around the proxies has nothing of theirs
    return _network(caller) if caller else ""


def network_site(address: str) -> str:
    """Return whose an address is likely to be: of IPv6 the /48 that its network is in, of IPv4 itself."""
    if ":" not in address:
        return address
    first = ip_network(address, strict=False).network_address
    return f"{IPv6Address(int(first) >> 80 << 80)}/48"


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in a hop, with or without a port; None for what is no address."""
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
    if isinstance(address, IPv4Address):
        return str(address)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"
