"""An alert as a post of WordPress, and what of WordPress's own posts and users is read."""

from datetime import datetime

import msgspec
from jinja2 import Environment

from channels._xml import printable
from hub.channel import Content
from hub.clock import JST

PREFIX = "yobikake-"
"""Of every slug of ours."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """https://developer.wordpress.org/rest-api/reference/posts/#create-a-post."""

    slug: str
    status: str
    title: str
    content: str
    excerpt: str
    comment_status: str
    ping_status: str
    categories: list[int] | msgspec.UnsetType = msgspec.UNSET
    """Left out, WordPress's own default."""


class _Raw(msgspec.Struct, frozen=True):
    raw: str = ""


class Found(msgspec.Struct, frozen=True):
    """A post as `context=edit` shows it."""

    id: int
    slug: str
    status: str
    title: _Raw = _Raw()
    content: _Raw = _Raw()


class User(msgspec.Struct, frozen=True):
    id: int
    capabilities: dict[str, bool] = {}


def slug(content: Content) -> str:
    """By which the post is found again: WordPress writes it in small letters."""
    return PREFIX + content.number.lower()


def draft(content: Content, *, category: int | None) -> Draft:
    """The same for the same content: nothing in it says when it was written."""
    paragraphs = [part.split("\n") for part in printable(content.text(content.body)).split("\n\n")]
    return Draft(
        slug=slug(content),
        status="publish",
        title=printable(content.text(content.headline)),
        content=_without_shortcodes(_ARTICLE.render(content=content, paragraphs=paragraphs).strip()),
        excerpt=printable(content.text(content.short)),
        comment_status="closed",
        ping_status="closed",
        categories=[category] if category else msgspec.UNSET,
    )


def _without_shortcodes(markup: str) -> str:
    """WordPress carries out what stands in square brackets, where it knows the word."""
    return markup.replace("[", "&#91;")


def _japanese_time(moment: datetime) -> str:
    local = moment.astimezone(JST)
    return f"{local.month}月{local.day}日 {local.hour}時{local.minute:02}分"


_environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
_environment.filters |= {"japanese": _japanese_time}
_ARTICLE = _environment.from_string("""\
{% for lines in paragraphs %}
<p>{% for line in lines %}{{ line }}{% if not loop.last %}<br>{% endif %}{% endfor %}</p>
{% endfor %}
{% if content.link.startswith(("https://", "http://")) %}
<p><a href="{{ content.link }}">避難場所などの最新の情報</a></p>
{% endif %}
<p>{{ content.sender }} {{ content.sent|japanese }} 第{{ content.number }}号</p>
""")
