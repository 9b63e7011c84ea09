"""Problems with URLs in the environment. No returned text repeats any part of a URL."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

STRIPE_HOST = "api.stripe.com"
SANDBOX_PORT = 12111
HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", re.ASCII)
EXAMPLES = {"your-host", "your-domain", "your-domain.com", "yourdomain.com", "your_host"}
FRONTEND_EXAMPLE = "such as https://estuary.example"


def split(url: str) -> SplitResult | None:
    """Return the parts of a URL; None if Python can't parse the URL or its port.

    Python's error messages repeat the text that they could not parse, which may be a password.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return None if any(not char.isprintable() or char.isspace() for char in url) else parts


def split_http(url: str) -> SplitResult | None:
    """Return the parts of an absolute http(s) URL without a user; None for anything else."""
    parts = split(url)
    if parts is None or parts.scheme not in {"http", "https"} or "@" in parts.netloc:
        return None
    return parts if HOST.fullmatch(parts.hostname or "") else None


def is_loopback(host: str | None) -> bool:
    if host == "localhost" or str(host).endswith(".localhost"):
        return True
    try:
        return ip_address(host or "").is_loopback or ip_address(host or "").is_unspecified
    except ValueError:
        return False


def find_frontend_problems(url: str, *, live: bool) -> list[str]:
    """Return what is wrong with the storefront's URL."""
    parts = split_http(url)
    if parts is None:
        return [f"FRONTEND_URL must be an absolute http(s) URL, {FRONTEND_EXAMPLE}"]
    problems = []
    if parts.hostname in EXAMPLES:
        problems.append("FRONTEND_URL still names the example's host: put your own in its place")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        problems.append(
            "FRONTEND_URL must end behind the host: the storefront stands at the root of it, "
            f"{FRONTEND_EXAMPLE}, and every link is made by adding a path"
        )
    if live and parts.scheme == "http":
        problems.append(
            "FRONTEND_URL must begin with https:// with a live key: cookies would go in the clear"
        )
    if live and is_loopback(parts.hostname):
        problems.append(
            "FRONTEND_URL is this machine alone, with a live key: buyers could not come back to it. "
            "Set it to the shop's own address, or use a test key"
        )
    return problems


def find_api_base_problem(url: str, *, live: bool) -> str:
    """Return why the key must not be sent to this URL; empty if it may."""
    parts = split_http(url)
    if parts is None:
        return "STRIPE_API_BASE must be an absolute http(s) URL, such as http://127.0.0.1:12111"
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        return "STRIPE_API_BASE must end behind the host and port: /v1 is added to it"
    stripe = parts.scheme == "https" and parts.hostname == STRIPE_HOST
    sandbox = is_loopback(parts.hostname) and parts.port == SANDBOX_PORT
    if live and not stripe and (sandbox or not is_loopback(parts.hostname)):
        return (
            "STRIPE_API_BASE leads elsewhere than to Stripe, and STRIPE_SECRET_KEY is a live key, which would be sent "
            "there: unset STRIPE_API_BASE, or use a test key"
        )
    return ""


def find_database_problem(name: str, url: str) -> str:
    """Return what is wrong with a database URL. Special characters in its password must be escaped."""
    # A URL without a host names the folder of a socket in a parameter.
    parts = split(url)
    if parts is None or parts.scheme not in {"postgresql", "postgres"}:
        return (
            f"{name} must be postgresql://user:password@host:5432/name; in the password, signs such as / @ : # ? "
            "are written %2F %40 %3A %23 %3F"
        )
    return ""


def find_mail_problem(url: str, *, live: bool) -> str:
    """Return what is wrong with the mail server's URL."""
    if url == "console:":
        return (
            "EMAIL_URL is console:, which writes links to reset passwords into a log: name a server"
            if live
            else ""
        )
    parts = split(url)
    if parts is None or parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        return (
            "EMAIL_URL must be smtp://user:password@host:587/?tls=1, smtps://… or, with test keys, console:; in the "
            "password, signs such as / @ : # ? are written %2F %40 %3A %23 %3F"
        )
    return ""


def find_origin_problem(url: str) -> str:
    """Return what is wrong with an origin that buyers may return to."""
    return (
        "" if split_http(url) else "ESTUARY_RETURN_ORIGINS must be absolute http(s) URLs, separated by commas"
    )


def find_cors_problem(url: str, *, live: bool) -> str:
    """Return why pages of this origin may not call the API from a browser; empty if they may."""
    parts = split_http(url)
    if parts is None or parts.path not in {"", "/"} or parts.query or parts.fragment:
        return (
            "ESTUARY_CORS_ORIGINS must be origins separated by commas, such as https://shop.example: a scheme, a host "
            "and a port if there is one, no * and nothing behind"
        )
    if live and parts.scheme == "http":
        return (
            "ESTUARY_CORS_ORIGINS must begin with https:// with a live key: anybody on the way could change such a "
            "page and take its tokens"
        )
    return ""
