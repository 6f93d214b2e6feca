"""The latest alerts as a JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/), each with its page and its CAP document."""

from collections.abc import Sequence

import msgspec

from hub.clock import cap_time
from hub.language import Language
from operator_ui.residents.cap import CONTENT_TYPE as CAP_TYPE
from operator_ui.residents.masthead import Masthead
from operator_ui.residents.notice import Notice
from operator_ui.residents.portal import alert_path, cap_path, feed_path, home_path

VERSION = "https://jsonfeed.org/version/1.1"
CONTENT_TYPE = "application/feed+json"
FILE = "feed.json"


def json_feed(notices: Sequence[Notice], language: Language, masthead: Masthead) -> bytes:
    """UTF-8, the newest first. A drill's title says that it is one; `_alert` marks it for programs as well."""
    city, url, title, _ = masthead
    return msgspec.json.encode(
        {
            "version": VERSION,
            "title": title,
            "home_page_url": url + home_path(language),
            "feed_url": url + feed_path(language, FILE),
            "language": language.value,
            "authors": [{"name": city.names[language], "url": city.website}],
            "items": [_item(each, language, url) for each in notices],
        }
    )


def _item(each: Notice, language: Language, url: str) -> dict[str, object]:
    alert, page = each.alert, url + alert_path(each.number, language)
    return {
        "id": page,
        "url": page,
        "title": each.headline,
        "content_text": each.short,
        "language": each.language.value,
        "date_published": cap_time(alert.sent),
        "tags": [alert.status.value, each.event],
        "attachments": [{"url": url + cap_path(alert.identifier), "mime_type": CAP_TYPE}],
        "_alert": {"status": alert.status, "level": alert.level, "over": each.ended},
    }
