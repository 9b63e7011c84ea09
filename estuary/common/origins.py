"""The origin of a URL, as browsers compare it."""

from urllib.parse import urlsplit


def origin_of(url: str) -> str:
    """Return ``scheme://host[:port]`` of a URL, in lower case and without the scheme's default port."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{(parts.hostname or '').lower()}{port}"
