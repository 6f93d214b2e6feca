"""What is true now, as a voice tells it on the telephone: of when, the alerts in force, the sites for them.

Corrections are in force, what they ended is not. Drills are told only where nothing live is in force: nobody who calls in
an emergency hears the word 訓練.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import structlog

from channels.telephone.phone_in import Said
from channels.telephone.spoken import VOICES
from hub import shelter_list
from hub.alert import Mode
from hub.channel import Content
from hub.city import City
from hub.clock import Clock
from hub.delivery import Variant
from hub.errors import HubError
from hub.language import Language
from hub.ledger.alerts import Accepted
from hub.render import SlotSource, render
from hub.shelter_list import ShelterLines
from hub.slots import figures
from operator_ui.pages import Pages
from operator_ui.residents.reader import Reader
from operator_ui.residents.snapshot import Snapshot

log = structlog.get_logger(__name__)

MOST = 5
"""Alerts told whole; how many more there are is said."""

_READING = re.compile("（[ぁ-ゖー]+）")
"""In やさしい日本語, which a voice needs no reading for."""

SITES_FOR = "%(hazard)sのときに使える避難場所"
"""As the pages head their lists: translated there."""


class Words(NamedTuple):
    """`now`, `nothing` have {city} and {time}; `stuck` {time}; `ask` {number}; `more` {number}."""

    now: str
    nothing: str
    more: str
    broken: str
    stuck: str
    ask: str
    bye: str


WORDS: Mapping[Language, Words] = {
    Language.JA: Words(
        now="{city}の災害情報です。{time}現在です。",
        nothing="いま、{city}が出している緊急の情報はありません。{time}に確かめました。",
        more="ほかに{number}件の情報があります。市のホームページで確かめてください。",
        broken="くわしい内容は、市のホームページで確かめてください。",
        stuck="{time}より後の情報は、まだ確かめられていません。",
        ask="最新の情報は、電話 {number} で確かめてください。",
        bye="以上です。電話を切ります。",
    ),
    Language.JA_EASY: Words(
        now="{city}の災害の情報です。{time}の情報です。",
        nothing="今、{city}から、災害の情報はありません。{time}に、調べました。",
        more="ほかに、{number}つの情報があります。市のホームページを、見てください。",
        broken="くわしいことは、市のホームページを、見てください。",
        stuck="{time}より後のことは、まだ、わかりません。",
        ask="新しいことは、電話 {number} で聞いてください。",
        bye="終わりです。電話を切ります。",
    ),
    Language.EN: Words(
        now="This is emergency information from {city}, as of {time}.",
        nothing="There is no emergency information from {city} now. Checked at {time}.",
        more="There are {number} more notices. Please see the city's website.",
        broken="Please see the city's website for details.",
        stuck="Nothing after {time} has been confirmed yet.",
        ask="For the latest, call {number}.",
        bye="That is all. Goodbye.",
    ),
    Language.ZH_HANS: Words(
        now="这里是{city}的灾害信息，截至{time}。",
        nothing="目前{city}没有发布紧急信息。确认时间为{time}。",
        more="另有{number}条信息，请在市政府网站上确认。",
        broken="详细内容请在市政府网站上确认。",
        stuck="{time}以后的信息尚未确认。",
        ask="最新信息请拨打{number}确认。",
        bye="播报完毕，电话即将挂断。",
    ),
    Language.ZH_HANT: Words(
        now="這裡是{city}的災害資訊，截至{time}。",
        nothing="目前{city}沒有發布緊急資訊。確認時間為{time}。",
        more="另有{number}則資訊，請在市政府網站上確認。",
        broken="詳細內容請在市政府網站上確認。",
        stuck="{time}以後的資訊尚未確認。",
        ask="最新資訊請撥打{number}確認。",
        bye="播報完畢，電話即將掛斷。",
    ),
    Language.KO: Words(
        now="{city}의 재난 정보입니다. {time} 현재입니다.",
        nothing="지금 {city}에서 내린 긴급 정보는 없습니다. {time}에 확인했습니다.",
        more="그 밖에 {number}건의 정보가 있습니다. 시 홈페이지에서 확인해 주십시오.",
        broken="자세한 내용은 시 홈페이지에서 확인해 주십시오.",
        stuck="{time} 이후의 정보는 아직 확인되지 않았습니다.",
        ask="최신 정보는 전화 {number}번으로 확인하십시오.",
        bye="이상입니다. 전화를 끊습니다.",
    ),
    Language.VI: Words(
        now="Đây là thông tin khẩn cấp của {city}, lúc {time}.",
        nothing="Hiện {city} không có thông tin khẩn cấp nào. Đã kiểm tra lúc {time}.",
        more="Còn {number} thông tin khác. Vui lòng xem trang web của thành phố.",
        broken="Vui lòng xem trang web của thành phố để biết chi tiết.",
        stuck="Thông tin sau {time} chưa được xác nhận.",
        ask="Để biết tin mới nhất, hãy gọi {number}.",
        bye="Hết tin. Xin tạm biệt.",
    ),
}
assert WORDS.keys() == VOICES.keys()  # noqa: S101 - whoever can be spoken to can call in


class Briefing:
    """Of one city. `telephone`: where people ask when the hub cannot say."""

    def __init__(self, city: City, pages: Pages, clock: Clock) -> None:
        self._city = city
        self._pages = pages
        self._clock = clock

    def whole(self, language: Language, snapshot: Snapshot) -> list[Said]:
        """Of when it is, whether that can be believed, the alerts one by one, and the sites that none of them named."""
        alerts, words = told(snapshot), WORDS[language]
        said = [*self.stuck(language, snapshot)] if snapshot.stuck else []
        if not alerts:
            return [*said, self._line(words.nothing, language, snapshot)]
        said.append(self._line(words.now, language, snapshot))
        named: set[str] = set()
        for accepted in alerts[:MOST]:
            said += self._alert(accepted, language, snapshot, named)
        if (more := len(alerts) - MOST) > 0:
            said.append(Said(language, words.more.format(number=more)))
        return [*said, *self._sites(alerts, language, snapshot, named)]

    def first(self, language: Language, snapshot: Snapshot) -> list[Said]:
        """In a few words: the headline of each alert."""
        alerts = told(snapshot)
        if not alerts:
            return [self._line(WORDS[language].nothing, language, snapshot)]
        heads = [self._line(WORDS[language].now, language, snapshot)]
        for accepted in alerts[:MOST]:
            content = self._content(accepted, language, snapshot)
            info = accepted.alert.info(language)
            text = Content.text(content.headline) if content else info.event
            heads.append(_said(info.language, text))
        return heads

    def stuck(self, language: Language, snapshot: Snapshot) -> list[Said]:
        """That nothing could be checked since, and where to ask."""
        words = WORDS[language]
        number = figures(self._city.contact.telephone, language)
        return [
            self._line(words.stuck, language, snapshot),
            Said(language, words.ask.format(number=number)),
        ]

    def bye(self, language: Language) -> Said:
        return Said(language, WORDS[language].bye)

    def _alert(
        self, accepted: Accepted, language: Language, snapshot: Snapshot, named: set[str]
    ) -> Iterator[Said]:
        """Adds to `named` the hazard of a text that lists its sites itself."""
        content = self._content(accepted, language, snapshot)
        if content is None:
            info = accepted.alert.info(language)
            yield _said(info.language, info.event)
            yield Said(language, WORDS[language].broken)
            return
        if any(span.slot == "shelters" for span in content.speech):
            named.add(accepted.alert.hazard)
        yield _said(content.language, Content.text(content.speech))

    def _content(self, accepted: Accepted, language: Language, snapshot: Snapshot) -> Content | None:
        variant, desk = Variant(language, None), _Desk(snapshot.slots, self._city.contact.telephone)
        try:
            return render(accepted.alert, variant, desk, self._clock, number=accepted.number)
        except HubError as e:
            log.error("an alert cannot be told whole", alert=accepted.alert.identifier, reason=e.message)
            return None

    def _sites(
        self, alerts: Sequence[Accepted], language: Language, snapshot: Snapshot, named: set[str]
    ) -> Iterator[Said]:
        hazards = {each.alert.hazard for each in alerts} - named
        for hazard in (each for each in snapshot.hazards if each in hazards):
            lines = snapshot.slots.shelters(None, hazard, language)
            if lines is None or not lines.lines or not self._usable(lines, snapshot):
                continue
            if not (sites := shelter_list.spoken(lines, language)):
                continue
            name = self._pages.translated(hazard.japanese, language)
            head = self._pages.translated(SITES_FOR, language) % {"hazard": name}
            yield _said(language, f"{head}\n{sites}")

    def _usable(self, lines: ShelterLines, snapshot: Snapshot) -> bool:
        """As in a text: not old, and official names alone (I13, I16)."""
        fresh = self._clock() - lines.as_of <= shelter_list.STALE_AFTER
        return fresh and all(snapshot.slots.official(line.name) for line in lines.lines)

    def _line(self, words: str, language: Language, snapshot: Snapshot) -> Said:
        reader = Reader(language, self._clock())
        return Said(
            language,
            words.format(city=self._city.names[language], time=reader.time(snapshot.checked_at)),
        )


class _Desk:
    """A `SlotSource` that names the city's own number: whoever hears this has called the other one."""

    def __init__(self, source: SlotSource, telephone: str) -> None:
        self._telephone = telephone
        self.shelters, self.official, self.city, self.link = (
            source.shelters,
            source.official,
            source.city,
            source.link,
        )

    def telephone(self) -> str:
        return self._telephone


def told(snapshot: Snapshot) -> list[Accepted]:
    """The alerts that are told: the live ones; drills only where there is no live one."""
    live = [each for each in snapshot.alerts if each.alert.mode is Mode.LIVE]
    return live or list(snapshot.alerts)


def _said(language: Language, text: str) -> Said:
    """In the fallback's voice where a text is in a language that has none."""
    speakable = language if language in VOICES else language.fallback
    return Said(speakable, _READING.sub("", text) if language is Language.JA_EASY else text)
