"""The sandbox's HTML: templates beside this file, filled with escaped text."""

from functools import cache
from html import escape
from pathlib import Path
from string import Template

from stripe_sandbox.http import Response


class Html(str):
    """HTML text, which is not escaped again."""


def page(template: str, title: str, status: int = 200, /, **values: str) -> Response:
    """Return a page; values are escaped unless they are `Html`."""
    filled = fill(template, **values)
    whole = _template("layout.html").substitute(title=escape(title), style=_text("style.css"), body=filled)
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(status, headers, whole.encode())


def fill(template: str, /, **values: str) -> Html:
    """Return a template with its values."""
    return Html(_template(f"{template}.html").substitute({key: text(value) for key, value in values.items()}))


def text(value: str) -> str:
    return value if isinstance(value, Html) else escape(value)


def redirect(url: str) -> Response:
    """Redirect a browser after a form."""
    return Response(303, {"Location": url, "Cache-Control": "no-store"})


@cache
def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text()


@cache
def _template(name: str) -> Template:
    return Template(_text(name))
