"""Two messages side by side: the order and whom it goes to, then the texts of each language."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from hub.alert import AlertInfo
from hub.cap import MsgType
from hub.capabilities import Capabilities
from hub.draft import Message
from hub.language import Language
from operator_ui import moments
from operator_ui.staff.differences import Kind, Piece, differences

PARTS = {
    "headline": "見出し",
    "description": "本文",
    "instruction": "行動",
    "short": "短い文",
    "speech": "電話の音声",
}
"""Of the texts of a language, in the order of the form."""
TYPES = {MsgType.ALERT: "新しい配信", MsgType.UPDATE: "続報", MsgType.CANCEL: "解除・取消"}
ORDER = "発令・対象"
FACTS = (
    "種類",
    "災害",
    "警戒レベル",
    "発令者",
    "決定方法",
    "発令時刻",
    "根拠",
    "地域",
    "手段",
    "使わない手段",
    "有効期限",
)


class Field(NamedTuple):
    name: str
    pieces: Sequence[Piece]

    @property
    def changed(self) -> bool:
        return any(piece.kind is not Kind.SAME for piece in self.pieces)


class Section(NamedTuple):
    """What belongs together: the order and whom it goes to, or the texts of one language."""

    id: str
    title: str
    language: str
    fields: Sequence[Field]

    @property
    def changes(self) -> int:
        return sum(field.changed for field in self.fields)


def sections(before: Message, after: Message, capabilities: Mapping[str, Capabilities]) -> Iterator[Section]:
    """Both of them whole, the parts that are the same too."""
    yield Section("order", ORDER, "ja", _order(before, after, capabilities))
    old, new = _by_language(before), _by_language(after)
    for language in Language:
        if language in old or language in new:
            fields = [
                Field(name, differences(_text(old, language, part), _text(new, language, part)))
                for part, name in PARTS.items()
            ]
            yield Section(f"text-{language}", language.autonym, language.value, fields)


def _order(before: Message, after: Message, capabilities: Mapping[str, Capabilities]) -> list[Field]:
    old, new = _facts(before, capabilities), _facts(after, capabilities)
    return [Field(name, differences(old[name], new[name])) for name in FACTS]


def _facts(message: Message, capabilities: Mapping[str, Capabilities]) -> dict[str, str]:
    order, hours = message.order, message.valid_for_s / 3600
    level = f"{int(message.level)} {message.level.meaning.name}" if message.level else "レベルなし"

    def name(kind: str) -> str:
        return capabilities[kind].japanese if kind in capabilities else kind

    return {
        "種類": "訂正" if message.correction else TYPES[message.msg_type],
        "災害": message.hazard.japanese,
        "警戒レベル": level,
        "発令者": order.issuer,
        "決定方法": order.method.value,
        "発令時刻": f"{moments.day(order.ordered_at, 'ja')} {moments.clock(order.ordered_at)}",
        "根拠": order.grounds,
        "地域": message.area.description,
        "手段": "、".join(map(name, message.targeting.channels)),
        "使わない手段": "\n".join(f"{name(each.channel)}：{each.reason}" for each in message.left_out),
        "有効期限": f"{hours:g}時間",
    }


def _by_language(message: Message) -> dict[Language, AlertInfo]:
    return {info.language: info for info in message.infos}


def _text(infos: dict[Language, AlertInfo], language: Language, part: str) -> str:
    return str(getattr(infos[language], part)) if language in infos else ""
