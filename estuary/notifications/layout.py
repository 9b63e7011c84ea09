"""The layout of all mails: HTML and text of the same content. It takes plain data and knows no model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import category

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from estuary.notifications.calendar_file import CalendarFile

# They turn the direction of what follows, so a name could rewrite the sentence around it.
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)
CODE = re.compile(r"[A-Z0-9]{3,8}([- ][A-Z0-9]{3,8})*")


@dataclass(frozen=True, slots=True)
class Link:
    """A link with its words; in a text mail the address follows them."""

    text: str
    url: str

    def __str__(self) -> str:
        return f"{self.text}: {self.url}"


@dataclass(frozen=True, slots=True)
class Facts:
    """A small table: labels, and values of one line or of several."""

    title: str
    rows: Sequence[tuple[str, str | Link]]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of a mail; ``kind`` is ``text``, ``button``, a link alone, or ``code``, to be typed."""

    kind: str
    html: SafeString


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail says. ``text`` has its paragraphs between empty lines; ``closing`` follows the facts.

    Without ``greets``, the text has a greeting of its own. With ``link_text``, the button with these words is the link
    that has a paragraph of the text for itself.
    ``quote`` are somebody else's words, after the text: they are shown as such, and no link is made of them.
    """

    subject: str
    text: str
    first_name: str = ""
    quote: str = ""
    facts: Sequence[Facts] = ()
    closing: str = ""
    button: Link | None = None
    greets: bool = True
    link_text: str = ""
    files: Sequence[CalendarFile] = ()
    reply_to: str = ""


def clean(text: str) -> str:
    """Return a text without control characters other than line breaks, and without those that turn its direction."""
    return "".join(
        character
        for character in text
        if character == "\n" or (category(character) != "Cc" and character not in BIDI_CONTROLS)
    )


def one_line(text: str) -> str:
    """Return a text for a header: a title or a name may contain a line break, which a header must not."""
    return clean(" ".join(text.split()))


def write_mail(to: Sequence[str], content: Content) -> EmailMultiAlternatives:
    """Return a mail in HTML and text with a greeting and our name; nobody gets it if ``to`` is empty."""
    greeting = greet(content)
    mail = EmailMultiAlternatives(
        one_line(content.subject),
        render_text(content, greeting),
        to=list(to),
        reply_to=[content.reply_to] if content.reply_to else None,
    )
    mail.attach_alternative(render_html(content, greeting), "text/html")
    for file in content.files:
        mail.attach(file.as_part())
    return mail


def greet(content: Content) -> str:
    """Return the first line of a mail; empty where its text greets by itself."""
    return f"Hello {one_line(content.first_name) or 'there'}," if content.greets else ""


def render_text(content: Content, greeting: str) -> str:
    quoted = "\n".join(f"> {line}".rstrip() for line in content.quote.splitlines())
    blocks = [greeting, content.text, quoted]
    for facts in content.facts:
        lines = [facts.title, *(f"{label}: {_indent(str(value))}" for label, value in facts.rows)]
        blocks.append("\n".join(line for line in lines if line))
    blocks += [content.closing, str(content.button) if content.button else "", settings.SITE_NAME]
    return clean("\n\n".join(block.strip() for block in blocks if block.strip())) + "\n"


def _indent(value: str) -> str:
    """Put the further lines of a value under its first."""
    return "\n  ".join(value.splitlines())


def render_html(content: Content, greeting: str = "") -> str:
    """Return the mail's HTML with its styles at each element, which is what mail programs obey."""
    context = {
        "subject": one_line(content.subject),
        "site_name": settings.SITE_NAME,
        "site_url": settings.FRONTEND_URL,
        "greeting": greeting,
        "paragraphs": _paragraphs(content.text, content.link_text),
        "quote": _value(content.quote),
        "facts": [
            {
                "title": clean(facts.title),
                "rows": [(clean(name), _value(value)) for name, value in facts.rows],
            }
            for facts in content.facts
        ],
        "closing": _paragraphs(content.closing),
        "button": _anchor(content.button) if content.button else "",
    }
    return INLINER.inline(render_to_string("mails/layout.html", context))


def _paragraphs(text: str, link_text: str = "") -> list[Paragraph]:
    return [_paragraph(block.strip(), link_text) for block in clean(text).split("\n\n") if block.strip()]


def _paragraph(text: str, link_text: str) -> Paragraph:
    if CODE.fullmatch(text):
        return Paragraph("code", format_html("{}", text))
    if link_text and _own_link().fullmatch(text):
        return Paragraph("button", _anchor(Link(link_text, text)))
    lines = (_linkify(line) for line in text.splitlines())
    return Paragraph("text", format_html_join(SafeString("<br>"), "{}", ((line,) for line in lines)))


def _own_link() -> re.Pattern[str]:
    """Match links to our own site: nobody can have us send a link to another one by calling himself so."""
    return re.compile(rf"({re.escape(settings.FRONTEND_URL)}/[^\s<>\"']*[^\s<>\"'.,:;!?)])")


def _linkify(text: str) -> SafeString:
    parts = _own_link().split(text)
    return format_html_join(
        "",
        "{}",
        ((_anchor(Link(part, part)) if number % 2 else part,) for number, part in enumerate(parts)),
    )


def _value(value: str | Link) -> SafeString:
    if isinstance(value, Link):
        return _anchor(value)
    return format_html_join(SafeString("<br>"), "{}", ((line,) for line in clean(value).splitlines()))


def _anchor(link: Link) -> SafeString:
    if not link.url.startswith(("https://", "http://")):
        return format_html("{}", clean(link.text))
    return format_html('<a href="{}">{}</a>', link.url, clean(link.text))
