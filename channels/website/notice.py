"""What stands on the city's site now, and the three forms in which the site can pull it."""

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

import msgspec
from jinja2 import Environment
from lxml import etree

from channels._xml import printable
from hub.cap import MsgType
from hub.channel import Content
from hub.clock import JST, cap_time
from hub.evacuation import Level


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One alert as the site shows it. Times have an offset; the site hides it after `expires`."""

    identifier: str
    number: str
    msg_type: MsgType
    level: Level | None
    sender: str
    sent: datetime
    expires: datetime
    headline: str
    body: str
    link: str


class Notices(msgspec.Struct, frozen=True, kw_only=True):
    """`alerts.json`: newest first. Also what the connector itself knows after a restart."""

    generated: datetime
    notices: tuple[Notice, ...] = ()


class Masthead(msgspec.Struct, frozen=True, kw_only=True):
    """What the feed says of itself: RSS 2.0 channel/title and channel/link; atom:link of the feed."""

    title: str
    link: str
    feed_url: str | None = None


def notice(content: Content, *, expires: datetime) -> Notice:
    return Notice(
        identifier=content.identifier,
        number=content.number,
        msg_type=content.msg_type,
        level=content.level,
        sender=content.sender,
        sent=content.sent,
        expires=expires,
        headline=printable(content.text(content.headline)),
        body=printable(content.text(content.body)),
        link=content.link,
    )


def as_json(notices: Notices) -> bytes:
    return msgspec.json.format(msgspec.json.encode(notices), indent=1)


def as_html(notices: Notices) -> bytes:
    """A fragment to include as it stands: no script, no style, no id; everything escaped."""
    return _FRAGMENT.render(notices=notices.notices, generated=notices.generated).encode()


def as_rss(notices: Notices, masthead: Masthead) -> bytes:
    """RSS 2.0 (https://www.rssboard.org/rss-specification). A guid is the alert's identifier."""
    rss = etree.Element("rss", version="2.0", nsmap={"atom": _ATOM})
    channel = etree.SubElement(rss, "channel")
    _texts(
        channel,
        title=masthead.title,
        link=masthead.link,
        description=masthead.title,
        language="ja",
        lastBuildDate=format_datetime(notices.generated.astimezone(JST)),
        ttl="1",
    )
    if masthead.feed_url:
        attributes = {"href": masthead.feed_url, "rel": "self", "type": "application/rss+xml"}
        etree.SubElement(channel, f"{{{_ATOM}}}link", attributes)
    for each in notices.notices:
        _item(channel, each)
    document: bytes = etree.tostring(rss, xml_declaration=True, encoding="utf-8", pretty_print=True)
    return document


def in_force(notices: Sequence[Notice], now: datetime) -> tuple[Notice, ...]:
    """Without the expired, newest first."""
    current = (each for each in notices if each.expires > now)
    return tuple(sorted(current, key=lambda each: each.sent, reverse=True))


def _item(channel: etree._Element, each: Notice) -> None:
    item = etree.SubElement(channel, "item")
    _texts(
        item,
        title=each.headline,
        link=each.link,
        description=each.body,
        pubDate=format_datetime(each.sent.astimezone(JST)),
    )
    etree.SubElement(item, "guid", isPermaLink="false").text = each.identifier


def _texts(parent: etree._Element, **texts: str) -> None:
    for name, text in texts.items():
        etree.SubElement(parent, name).text = printable(text)


_ATOM = "http://www.w3.org/2005/Atom"


def _japanese_time(moment: datetime) -> str:
    local = moment.astimezone(JST)
    return f"{local.month}月{local.day}日 {local.hour}時{local.minute:02}分"


_environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
_environment.filters |= {"japanese": _japanese_time, "machine": cap_time}
_FRAGMENT = _environment.from_string("""\
<section class="yobikake" lang="ja" aria-label="緊急情報">
{% for notice in notices %}
<article class="yobikake-alert"{% if notice.level %} data-level="{{ notice.level.value }}"{% endif %} data-expires="{{ notice.expires|machine }}">
<h2>{{ notice.headline }}</h2>
<p class="yobikake-meta"><time datetime="{{ notice.sent|machine }}">{{ notice.sent|japanese }}</time> {{ notice.sender }} 第{{ notice.number }}号</p>
{% for paragraph in notice.body.split("\\n\\n") %}
<p>{% for line in paragraph.split("\\n") %}{{ line }}{% if not loop.last %}<br>{% endif %}{% endfor %}</p>
{% endfor %}
{% if notice.link.startswith(("https://", "http://")) %}
<p><a href="{{ notice.link }}">避難場所などの最新の情報</a></p>
{% endif %}
</article>
{% else %}
<p>いま、お知らせする緊急情報はありません。</p>
{% endfor %}
<p class="yobikake-meta"><time datetime="{{ generated|machine }}">{{ generated|japanese }}</time>現在</p>
</section>
""")
