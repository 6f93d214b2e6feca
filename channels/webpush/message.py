"""What a notification says: level, place and action in a few lines, and the page that a tap opens.

The service worker of the residents' pages reads it (`sw.js`): a name here is a name there.
"""

import hashlib

import msgspec

from channels.webpush.encryption import PAYLOAD_LIMIT
from hub.cap import MsgType
from hub.channel import Content
from hub.clock import cap_time
from hub.evacuation import Level
from hub.subscription import encoded


class Notification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`topic`: the event's; a later message of it takes the place of an earlier one. `id`: the alert's own. `proof`: of a
    canary, what the device sends back once it is shown."""

    title: str
    body: str
    url: str
    language: str
    topic: str
    id: str
    sent: str
    stays: bool
    """Until it is tapped or put away, where a browser can do that."""
    proof: str = ""


def notification(content: Content, *, proof: str = "") -> Notification:
    return Notification(
        title=content.text(content.headline),
        body=content.text(content.short),
        url=content.link,
        language=content.language.value,
        topic=topic(content),
        id=content.identifier,
        sent=cap_time(content.sent),
        stays=urgent(content) and not proof,
        proof=proof,
    )


def payload(content: Content, *, proof: str = "") -> bytes | None:
    """UTF-8 JSON that fits into one push message: without its lines where they are too long, since the title alone
    says level and place. None: not even that fits."""
    whole = notification(content, proof=proof)
    for each in (whole, msgspec.structs.replace(whole, body="")):
        written = msgspec.json.encode(each)
        if len(written) <= PAYLOAD_LIMIT:
            return written
    return None


def topic(content: Content) -> str:
    """RFC 8030 §5.4: at most 32 characters of base64url. The same for every message of one event, and of no other."""
    return encoded(hashlib.sha256((content.thread or content.identifier).encode()).digest()[:24])


def urgent(content: Content) -> bool:
    """Life safety, and every change to what was sent before."""
    level = content.level
    return content.msg_type is not MsgType.ALERT or level is None or level >= Level.ELDERLY_EVACUATE
