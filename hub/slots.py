"""Slots: the named gaps in an approved text, and what may fill each of them.

A text is fixed segments with slots in braces, `{issued_at}`. People approve the segments and the
slots' names with the version of their grammar; the renderer fills the slots later.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from hub import shelter_list
from hub.channel import Span, Spans
from hub.errors import BadInput
from hub.language import Language


class Form(StrEnum):
    """The texts of an `AlertInfo`."""

    EVENT = "event"
    HEADLINE = "headline"
    DESCRIPTION = "description"
    INSTRUCTION = "instruction"
    SHORT = "short"
    SPEECH = "speech"


DRILL = "drill"
"""The slot of the drill framing. Only the renderer writes it; nobody types it (I6)."""

_LINES = frozenset({Form.HEADLINE, Form.DESCRIPTION, Form.INSTRUCTION, Form.SHORT, Form.SPEECH})
_LONG = frozenset({Form.DESCRIPTION, Form.INSTRUCTION, Form.SPEECH})
_JAPANESE = frozenset({Language.JA, Language.JA_EASY})
_HAN = frozenset({Language.ZH_HANS, Language.ZH_HANT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """`version` changes with the grammar, so that an approval names what it approved."""

    name: str
    version: int
    fits: Callable[[str, Language], bool]
    forms: frozenset[Form] = _LINES
    languages: frozenset[Language] = frozenset(Language)


@lru_cache(maxsize=512)
def parse(template: str, *, place: str, form: Form, language: Language) -> Spans:
    """The template as spans: fixed text, and empty spans that name their slot. Each variant of an alert asks.

    Line ends become `\\n`, and spaces at the end of a line and empty lines around the text go.

    Raises:
        BadInput: an unknown or misplaced slot, an unbalanced brace, a character nobody sees; `place`
            (`$.infos[0].description`) stands in front.
    """
    text = normalise(template)
    refuse_unseen(text, place, language)
    spans: list[Span] = []
    end = 0
    for gap in _BRACES.finditer(text):
        spans += [Span(text[end : gap.start()]), Span("", _named(gap, text, place, form, language).name)]
        end = gap.end()
    return join((*spans, Span(text[end:])))


def normalise(text: str) -> str:
    """What is approved, shown and sent: `\\n` between lines, no space before it, none around the text."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def join(spans: Spans) -> Spans:
    """Without empty fixed spans, and with neighbouring fixed spans as one."""
    joined: list[Span] = []
    for span in spans:
        if span.slot is None and joined and joined[-1].slot is None:
            joined[-1] = Span(joined[-1].text + span.text)
        elif span.slot is not None or span.text:
            joined.append(span)
    return tuple(joined)


def refuse_unseen(text: str, place: str, language: Language) -> None:
    """Every character can be seen, so that what is read is what is approved and sent.

    Raises:
        BadInput: a control, format, private or unassigned character; names `place` and the line.
    """
    if not any(map(_is_unseen, set(text) - {"\n"})):
        return
    for number, line in enumerate(text.split("\n"), start=1):
        for character in line:
            if _is_unseen(character) and not (character in _JOINERS and language is Language.NE):
                raise BadInput(
                    place,
                    f"line {number}: U+{ord(character):04X} cannot be sent / {number}行目: 送れない文字があります",
                )


def fits(span: Span, language: Language) -> bool:
    """Whether a filled slot holds what its grammar allows, or its approved fallback."""
    if span.slot == "shelters" and _no_list(language).fullmatch(span.text):
        return True
    slot = SLOTS.get(span.slot or "")
    return slot is not None and slot.fits(span.text, language)


_INVISIBLE = frozenset("\u2028\u2029\u034f\u115f\u1160\u3164\uffa0")
"""Line separators, and fillers that Unicode counts as letters or marks."""

_JOINERS = frozenset("\u200c\u200d")
"""Nepali spells with them."""


@lru_cache(maxsize=4_096)
def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") or character in _INVISIBLE


_BRACES = re.compile(r"\{([^{}\n]*)\}|[{}]")


def _named(gap: re.Match[str], text: str, place: str, form: Form, language: Language) -> Slot:
    name = gap[1]
    if name is None:
        line = text.count("\n", 0, gap.start()) + 1
        raise BadInput(
            place, f"line {line}: a brace has no partner / {line}行目: かっこ {gap[0]} の片方がありません"
        )
    if name == DRILL:
        raise BadInput(
            place, "{drill} is added by the hub itself / 【訓練】は自動で付きます。書かないでください"
        )
    slot = SLOTS.get(name)
    if slot is None:
        raise BadInput(
            place, f"{{{name}}} is no slot; there are {_listed()} / {{{name}}} という差し込みはありません"
        )
    if form not in slot.forms:
        raise BadInput(place, f"{{{name}}} cannot stand here / {{{name}}} はここでは使えません")
    if language not in slot.languages:
        raise BadInput(
            place, f"{{{name}}} is in Japanese: write it out / {{{name}}} は日本語です。訳して書いてください"
        )
    return slot


def _listed() -> str:
    return ", ".join(f"{{{name}}}" for name in SLOTS)


def _one_line(longest: int) -> Callable[[str, Language], bool]:
    pattern = re.compile(rf"[^\n{{}}<>]{{1,{longest}}}")
    return lambda value, _language: bool(pattern.fullmatch(value))


def _clock(value: str, language: Language) -> bool:
    return bool(re.fullmatch(shelter_list.clock_pattern(language), value))


_NUMBER = re.compile(r"(?:[A-Z]-)?[0-9]{4}-[0-9]{3,6}")

SLOTS: Mapping[str, Slot] = {
    slot.name: slot
    for slot in (
        Slot(name="issued_at", version=1, fits=_clock),
        Slot(name="number", version=1, fits=lambda value, _: bool(_NUMBER.fullmatch(value))),
        Slot(name="city", version=1, fits=_one_line(40)),
        Slot(name="area", version=1, fits=_one_line(200), languages=_JAPANESE),
        Slot(name="issuer", version=1, fits=_one_line(30), languages=_JAPANESE),
        Slot(name="shelters", version=3, fits=shelter_list.fits, forms=_LONG),
    )
}
"""`issued_at`: when it was ordered (発令時刻). `area` and `issuer`: as the order has them, in Japanese."""

VERSIONS: Mapping[str, int] = {slot.name: slot.version for slot in SLOTS.values()}
"""The grammars in force: what an approval binds beside the texts (I10)."""

SHELTERS_UNKNOWN: Mapping[Language, str] = {
    Language.JA: "いま開いている場所は、市のホームページで確かめてください。",
    Language.JA_EASY: "今（いま）開（あ）いているところは、市（し）のホームページで見（み）てください。",
    Language.EN: "Please check the city's website for the places that are open now.",
    Language.ZH_HANS: "目前开放的场所，请在市政府网站上确认。",
    Language.ZH_HANT: "目前開放的場所，請在市政府網站上確認。",
    Language.KO: "지금 열려 있는 곳은 시 홈페이지에서 확인해 주십시오.",
    Language.VI: "Vui lòng xem trang web của thành phố để biết những nơi đang mở cửa.",
    Language.NE: "अहिले खुला रहेका ठाउँहरू सहरको वेबसाइटमा हेर्नुहोस्।",
}
"""In place of a list that is empty, older than 30 minutes, or not in its grammar."""

SHELTERS_BY_TELEPHONE: Mapping[Language, str] = {
    Language.JA: "いま開いている場所は、電話 {number} で確かめてください。",
    Language.JA_EASY: "今、開いているところは、電話 {number} で聞いてください。",
    Language.EN: "To hear which places are open now, call {number}.",
    Language.ZH_HANS: "目前开放的场所，请拨打{number}确认。",
    Language.ZH_HANT: "目前開放的場所，請撥打{number}確認。",
    Language.KO: "지금 열려 있는 곳은 전화 {number}번으로 확인해 주십시오.",
    Language.VI: "Để biết những nơi đang mở cửa, hãy gọi {number}.",
    Language.NE: "अहिले खुला ठाउँहरू थाहा पाउन {number} मा फोन गर्नुहोस्।",
}
"""The same where it is spoken: whoever is called may have no internet."""

_EARLIER = {Language.JA_EASY: "いま あいている ばしょは、市のホームページで 見てください。"}
"""What stood there before, in texts that are frozen, and is spoken where no number is known: it has no readings."""


def shelters_unknown(language: Language, *, telephone: str = "", spoken: bool = False) -> str:
    """What stands in place of a list of sites. `telephone`: as `hub.channel.Content` has it."""
    if spoken and telephone:
        return SHELTERS_BY_TELEPHONE[language].format(number=figures(telephone, language))
    return _EARLIER.get(language, SHELTERS_UNKNOWN[language]) if spoken else SHELTERS_UNKNOWN[language]


def figures(number: str, language: Language) -> str:
    """A telephone number figure by figure, with a breath at each hyphen, for a voice."""
    breath = "、" if language in _JAPANESE | _HAN else ", "
    return breath.join(" ".join(part) for part in number.split("-"))


@lru_cache(maxsize=len(Language))
def _no_list(language: Language) -> re.Pattern[str]:
    before, after = map(re.escape, SHELTERS_BY_TELEPHONE[language].split("{number}"))
    written = re.escape(SHELTERS_UNKNOWN[language])
    earlier = re.escape(_EARLIER.get(language, SHELTERS_UNKNOWN[language]))
    return re.compile(rf"{written}|{earlier}|{before}[+0-9](?:(?: |、|, )[0-9]){{2,19}}{after}")
