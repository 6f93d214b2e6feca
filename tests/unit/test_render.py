"""What leaves the renderer is what was approved: nothing more, nothing less, in every mode and language."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from structlog.testing import capture_logs

from hub import codec, framing, render, shelter_list, slots, wording
from hub.alert import Alert, AlertInfo, Area, DecisionMethod, Mode, Order
from hub.cap import MsgType
from hub.channel import Content, Span
from hub.clock import Clock
from hub.delivery import Variant
from hub.errors import BadInput, HubError, Refused
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.language import Language
from hub.place import Name
from hub.recipient import Targeting, Towns, Zone
from hub.shelter_list import Crowding, ShelterLine, ShelterLines

NOW = datetime(2026, 9, 8, 12, 50, tzinfo=UTC)
KAWAZOI = Zone("kawazoi")
OPEN = ShelterLines(
    lines=(
        ShelterLine(name="つつじ小学校", latin="Tsutsuji Elementary School", crowding=Crowding.HAS_ROOM),
        ShelterLine(name="かわべ中学校", latin="Kawabe Junior High School", crowding=Crowding.SOME),
    ),
    as_of=NOW - timedelta(minutes=5),
)

JA = AlertInfo(
    language=Language.JA,
    event="避難指示",
    headline="避難指示　青波川の洪水（よびかけ市 {issued_at}発令）",
    description="{city}は{issued_at}、青波川の洪水について警戒レベル4 避難指示を発令しました。\n対象は、{area}です。",
    instruction="全員避難してください。\n洪水のときに使える避難場所：\n{shelters}",
    short="よびかけ市は{issued_at}、青波川の洪水について避難指示を発令しました。（{number}）",
    speech="こちらは、よびかけ市です。{issued_at}、避難指示を発令しました。避難場所です。{shelters}",
)
EN = AlertInfo(
    language=Language.EN,
    event="Evacuation Order",
    headline="Evacuation Order: Aonami River flood",
    description="At {issued_at}, {city} issued an Evacuation Order.",
    instruction="Evacuate.\n{shelters}",
    short="{city}, {issued_at}: Evacuation Order ({number})",
    speech="This is {city}. Evacuate. {shelters}",
)


class Shelters:
    """The city's sites as they are now."""

    def __init__(self, shelters: ShelterLines | None = OPEN) -> None:
        self._shelters = shelters
        self.asked: list[tuple[Zone | None, Hazard, Language]] = []

    def shelters(self, zone: Zone | None, hazard: Hazard, language: Language) -> ShelterLines | None:
        self.asked.append((zone, hazard, language))
        return self._shelters

    def official(self, site: str) -> bool:
        return site in {"つつじ小学校", "かわべ中学校"}

    def city(self, language: Language) -> str:
        return "よびかけ市" if language in (Language.JA, Language.JA_EASY) else "Yobikake City"

    def link(self, number: str, language: Language) -> str:
        return f"https://hub.example/a/{number}/{language}"

    def telephone(self) -> str:
        return "042-555-0100"


def alert(*infos: AlertInfo, mode: Mode = Mode.LIVE, correction: bool = False) -> Alert:
    return Alert(
        identifier="yobikake-2026-0147",
        sender="yobikake",
        sent=NOW,
        mode=mode,
        msg_type=MsgType.UPDATE if correction else MsgType.ALERT,
        hazard=Hazard.FLOOD,
        level=Level.EVACUATE,
        order=Order(
            issuer="よびかけ市長",
            method=DecisionMethod.HEADQUARTERS,
            ordered_at=datetime(2026, 9, 8, 12, 47, tzinfo=UTC),
            grounds="青波観測所で氾濫危険水位に到達",
        ),
        area=Area(description="川沿い町"),
        targeting=Targeting(audience=Towns(towns=("t-1",)), channels=("mail",)),  # type: ignore[arg-type]
        infos=infos or (JA, EN),
        expires=NOW + timedelta(hours=6),
        references=("yobikake-2026-0146",) if correction else (),
        correction=correction,
    )


def rendered(
    of: Alert,
    language: Language = Language.JA,
    *,
    source: Shelters | None = None,
    clock: Clock = lambda: NOW,
) -> Content:
    return render.render(of, Variant(language, KAWAZOI), source or Shelters(), clock, number="2026-0147")


def test_a_resident_reads_the_order_and_the_open_shelters() -> None:
    content = rendered(alert())
    assert Content.text(content.headline) == "避難指示　青波川の洪水（よびかけ市 21時47分発令）"
    assert Content.text(content.body) == (
        "よびかけ市は21時47分、青波川の洪水について警戒レベル4 避難指示を発令しました。\n"
        "対象は、川沿い町です。\n"
        "全員避難してください。\n"
        "洪水のときに使える避難場所：\n"
        "・つつじ小学校：空いています\n"
        "・かわべ中学校：やや混雑\n"
        "（21時45分の情報）"
    )
    assert Content.text(content.short).endswith("避難指示を発令しました。（2026-0147）")
    assert Content.text(content.speech).endswith(
        "避難場所です。つつじ小学校、空いています。かわべ中学校、やや混雑。21時45分の情報です。"
    )
    assert (content.number, content.sender) == ("2026-0147", "よびかけ市")
    assert content.link == "https://hub.example/a/2026-0147/ja"


def test_the_same_alert_gives_the_same_content_and_name() -> None:
    first, second = rendered(alert()), rendered(alert())
    assert first == second
    assert render.content_hash(first) == render.content_hash(second)
    assert render.content_hash(first) != render.content_hash(rendered(alert(), Language.EN))


def test_a_frozen_content_is_still_the_approved_one_after_storage() -> None:
    content = rendered(alert())
    render.verify(codec.content_from(codec.encode(content)), alert())


def test_shelters_are_asked_for_the_zone_the_hazard_and_the_language() -> None:
    source = Shelters()
    rendered(alert(), Language.EN, source=source)
    assert source.asked == [(KAWAZOI, Hazard.FLOOD, Language.EN)]


def test_a_language_without_a_text_gets_its_fallback() -> None:
    content = rendered(alert(), Language.NE)
    assert content.language is Language.EN
    assert content.sender == "Yobikake City"


@pytest.mark.parametrize(
    "shelters",
    [
        pytest.param(None, id="not known"),
        pytest.param(ShelterLines(lines=(), as_of=NOW), id="none open"),
        pytest.param(
            msgspec.structs.replace(OPEN, as_of=NOW - shelter_list.STALE_AFTER - timedelta(seconds=1)),
            id="old",
        ),
        pytest.param(
            ShelterLines(lines=(*OPEN.lines, ShelterLine(name="だれかの家")), as_of=NOW), id="not official"
        ),
        pytest.param(
            ShelterLines(lines=(ShelterLine(name="つつじ小学校", latin="W" * 300),), as_of=NOW),
            id="not in the grammar",
        ),
    ],
)
def test_a_list_that_cannot_be_trusted_gives_the_approved_sentence(shelters: ShelterLines | None) -> None:
    with capture_logs():
        content = rendered(alert(), Language.EN, source=Shelters(shelters))
    assert content.body[-1] == Span(slots.SHELTERS_UNKNOWN[Language.EN], "shelters")
    said = "To hear which places are open now, call 0 4 2, 5 5 5, 0 1 0 0."
    assert content.speech[-1] == Span(said, "shelters")


def test_a_list_just_within_its_time_is_shown() -> None:
    content = rendered(alert(), clock=lambda: OPEN.as_of + shelter_list.STALE_AFTER)
    assert "つつじ小学校" in Content.text(content.body)


# --- drills (I6) ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.STAFF_DRILL, Mode.RESIDENT_DRILL])
@pytest.mark.parametrize("language", Language)
def test_every_text_of_a_drill_says_so(mode: Mode, language: Language) -> None:
    info = msgspec.structs.replace(EN, language=language)
    content = rendered(alert(info, mode=mode), language)
    sentence = framing.FRAMINGS[language].sentence
    body = Content.text(content.body).split("\n")
    speech = Content.text(content.speech)
    assert Content.text(content.headline).startswith("【訓練】")
    assert Content.text(content.short).startswith("【訓練】")
    assert body[0] == body[-1] == framing.FRAMINGS[language].mark + sentence
    assert speech.startswith(sentence)
    assert speech.endswith(sentence)
    assert "【" not in speech


def test_a_japanese_drill_reads_as_one() -> None:
    content = rendered(alert(mode=Mode.STAFF_DRILL))
    assert Content.text(content.headline).startswith("【訓練】避難指示")
    assert Content.text(content.body).startswith("【訓練】これは訓練です。\nよびかけ市は")
    assert Content.text(content.body).endswith("の情報）\n【訓練】これは訓練です。")
    assert Content.text(content.speech).startswith("これは訓練です。こちらは")


def test_a_live_alert_says_nothing_of_drills() -> None:
    content = rendered(alert())
    spans = (*content.headline, *content.body, *content.short, *content.speech)
    assert not any(span.slot == slots.DRILL for span in spans)
    assert "訓練" not in "".join(span.text for span in spans)


@pytest.mark.parametrize("form", ["event", "headline", "description", "instruction", "short", "speech"])
@pytest.mark.parametrize(
    ("language", "word"),
    [
        (Language.JA, "訓練"),
        (Language.JA, "ﾄﾞﾘﾙ"),
        (Language.JA_EASY, "くんれん"),
        (Language.EN, "This is a Drill"),
        (Language.EN, "ＥＸＥＲＣＩＳＥ"),
        (Language.EN, "【訓練】"),
        (Language.ZH_HANS, "演练"),
        (Language.ZH_HANS, "演习"),
        (Language.ZH_HANT, "演習"),
        (Language.KO, "훈련"),
        (Language.VI, "Diễn tập"),
        (Language.VI, "die\u0302\u0303n ta\u0323\u0302p"),
        (Language.NE, "अभ्यास"),
    ],
)
def test_a_live_alert_with_a_word_of_a_drill_is_refused(form: str, language: Language, word: str) -> None:
    info = msgspec.structs.replace(EN, language=language, **{form: f"X {word} X"})
    with pytest.raises(Refused) as refused:
        rendered(alert(info), language)
    assert refused.value.message.startswith(f"$.infos[0].{form}: ")


def test_a_draft_is_refused_before_anyone_approves_it() -> None:
    with pytest.raises(Refused, match=r"\$\.infos\[1\]\.short"):
        render.check((JA, msgspec.structs.replace(EN, short="drill")), mode=Mode.LIVE, correction=False)
    render.check((JA, msgspec.structs.replace(EN, short="drill")), mode=Mode.STAFF_DRILL, correction=False)


@pytest.mark.parametrize(
    ("language", "word"),
    [
        (Language.JA, "訓\u200b練"),
        (Language.JA, "訓\u00ad練"),
        (Language.JA, "訓\u2060練"),
        (Language.JA, "訓\ufe00練"),
        (Language.JA, "訓 練"),
        (Language.JA, "訓\u3000練"),
        (Language.JA, "訓\n練"),
        (Language.JA, "drillです"),
        (Language.KO, "훈 련"),
        (Language.EN, "dr\u00adill"),
        (Language.NE, "अभ्\u200dयास"),
    ],
)
def test_nothing_unseen_and_no_gap_hides_a_word_of_a_drill(language: Language, word: str) -> None:
    assert wording.drill_word(f"X {word} X", language)


def test_words_that_stand_beside_each_other_are_no_word_of_a_drill() -> None:
    assert wording.drill_word("자연 습지", Language.KO) is None
    assert wording.drill_word("a quadrillion", Language.EN) is None


@pytest.mark.parametrize(
    ("place", "order", "area"),
    [
        ("$.order.issuer", {"issuer": "昭島市長（訓練）"}, "多摩川沿い"),
        ("$.order.grounds", {"grounds": "drill"}, "多摩川沿い"),
        ("$.area", {}, "訓 練会場"),
    ],
)
def test_the_order_of_a_live_alert_does_not_speak_of_a_drill(
    place: str, order: dict[str, str], area: str
) -> None:
    said = {"order": msgspec.structs.replace(alert(JA).order, **order), "area": Area(description=area)}
    with pytest.raises(Refused) as refused:
        rendered(msgspec.structs.replace(alert(JA), **said))
    assert refused.value.message.startswith(f"{place}: ")
    rendered(msgspec.structs.replace(alert(JA, mode=Mode.STAFF_DRILL), **said))


def test_a_place_named_after_manoeuvres_can_be_warned() -> None:
    named = alert(msgspec.structs.replace(JA, headline="避難指示　北演習場の下流"))
    rendered(msgspec.structs.replace(named, area=Area(description="北演習場の下流")))


@pytest.mark.parametrize("form", ["headline", "description", "short", "speech"])
def test_a_correction_admits_the_mistake_in_every_text_that_stands_alone(form: str) -> None:
    said = {
        each: f"先ほどのお知らせは誤りです。{each}" for each in ("headline", "description", "short", "speech")
    }
    info = msgspec.structs.replace(JA, **said)
    content = rendered(alert(info, correction=True))
    assert "訓練" not in Content.text(content.body)
    silent = msgspec.structs.replace(info, **{form: "先ほどのお知らせを取り消します。"})
    with pytest.raises(Refused, match=rf"\$\.infos\[0\]\.{form}: .*誤り"):
        rendered(alert(silent, correction=True))


# --- what was approved, byte for byte ------------------------------------------------------------


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("form", ["headline", "body", "short", "speech"])
def test_a_changed_byte_anywhere_is_refused(mode: Mode, form: str) -> None:
    approved = alert(mode=mode)
    content = rendered(approved)
    spans = getattr(content, form)
    for i, span in enumerate(spans):
        changed = (*spans[:i], Span(span.text + "!", span.slot), *spans[i + 1 :])
        for tampered in (changed, spans[:i] + spans[i + 1 :], (*spans, span)):
            with pytest.raises(Refused, match="not the approved one") as refused:
                render.verify(msgspec.structs.replace(content, **{form: tampered}), approved)
            assert "避難" not in refused.value.message


def test_fixed_text_cannot_pass_as_a_slot() -> None:
    content = rendered(alert())
    fixed = (Span(Content.text(content.headline)),)
    with pytest.raises(Refused):
        render.verify(msgspec.structs.replace(content, headline=fixed), alert())


@pytest.mark.parametrize(
    "change",
    [
        {"mode": Mode.STAFF_DRILL},
        {"level": Level.SECURE_LIFE},
        {"level": None},
        {"msg_type": MsgType.CANCEL},
        {"identifier": "yobikake-2026-0001"},
        {"sent": NOW + timedelta(days=1)},
        {"language": Language.EN},
        {"language": Language.KO},
    ],
)
def test_a_content_of_another_alert_mode_or_language_is_refused(change: dict[str, object]) -> None:
    content = msgspec.structs.replace(rendered(alert()), **change)
    with pytest.raises(Refused):
        render.verify(content, alert())


def test_a_drill_rendered_live_is_refused() -> None:
    live = rendered(alert())
    with pytest.raises(Refused):
        render.verify(msgspec.structs.replace(live, mode=Mode.STAFF_DRILL), alert(mode=Mode.STAFF_DRILL))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"headline": "{nonsense}"}, "$.infos[0].headline"),
        ({"description": "  \n"}, "$.infos[0].description"),
        ({"speech": ""}, "$.infos[0].speech"),
        ({"short": "閉じない{number"}, "$.infos[0].short"),
    ],
)
def test_a_text_that_cannot_be_rendered_names_its_place(change: dict[str, str], place: str) -> None:
    with pytest.raises(BadInput) as refused:
        rendered(alert(msgspec.structs.replace(JA, **change)))
    assert refused.value.path == place


def test_an_alert_without_an_instruction_has_no_empty_line() -> None:
    content = rendered(alert(msgspec.structs.replace(JA, instruction="")))
    assert Content.text(content.body).endswith("対象は、川沿い町です。")


# --- lengths -------------------------------------------------------------------------------------


SITES = [
    Name(ja="つつじ小学校", en="Tsutsuji Elementary School"),
    Name(ja="かわべ中学校", en="Kawabe Junior High School"),
]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("language", [Language.JA, Language.EN])
@pytest.mark.parametrize("now", [OPEN, None, msgspec.structs.replace(OPEN, lines=OPEN.lines[:1])])
def test_no_content_is_longer_than_with_the_longest_list(
    mode: Mode, language: Language, now: ShelterLines | None
) -> None:
    content = rendered(alert(mode=mode), language, source=Shelters(now))
    longest = render.with_longest_list(content, SITES)
    render.verify(longest, alert(mode=mode))
    for form in ("headline", "body", "short", "speech"):
        assert len(Content.text(getattr(content, form))) <= len(Content.text(getattr(longest, form)))
    assert "つつじ" in Content.text(longest.body)
    assert (longest.headline, longest.short) == (content.headline, content.short)


def test_where_no_site_may_be_named_the_sentence_for_it_is_the_longest() -> None:
    content = rendered(alert(), Language.EN)
    assert render.with_longest_list(content, []).body == render.without_list(content).body


def test_errors_are_the_hub_s_own() -> None:
    with pytest.raises(HubError):
        rendered(alert(msgspec.structs.replace(JA, short="{")))


# --- a text that waited --------------------------------------------------------------------------


@pytest.mark.parametrize("language", [Language.JA, Language.EN])
def test_a_list_older_than_thirty_minutes_gives_way_to_the_approved_sentence(language: Language) -> None:
    content = rendered(alert(), language)
    assert content.sites_as_of == OPEN.as_of
    at_last = OPEN.as_of + shelter_list.STALE_AFTER
    assert render.without_old_list(content, at_last) is content
    old = render.without_old_list(content, at_last + timedelta(seconds=1))
    assert "つつじ" not in Content.text((*old.body, *old.speech))
    assert "Tsutsuji" not in Content.text((*old.body, *old.speech))
    assert slots.SHELTERS_UNKNOWN[language] in Content.text(old.body)
    assert (old.headline, old.short) == (content.headline, content.short)
    render.verify(old, alert())
    assert render.without_old_list(old, at_last + timedelta(days=1)) is old


def test_a_voice_says_whom_to_call_where_a_list_grew_old_and_a_page_says_where_to_look() -> None:
    content = rendered(alert(JA))
    old = render.without_list(content)
    assert "電話 0 4 2、5 5 5、0 1 0 0 で確かめて" in Content.text(old.speech)
    assert slots.SHELTERS_UNKNOWN[Language.JA] in Content.text(old.body)
    render.verify(old, alert(JA))


def test_what_was_frozen_without_a_number_speaks_of_the_website() -> None:
    earlier = msgspec.structs.replace(rendered(alert(JA)), telephone="")
    assert "市のホームページ" in Content.text(render.without_list(earlier).speech)


def test_a_text_that_lists_nothing_never_grows_old() -> None:
    plain = msgspec.structs.replace(JA, instruction="全員避難してください。", speech="全員避難してください。")
    for content in (rendered(alert(plain)), rendered(alert(), source=Shelters(None))):
        assert content.sites_as_of is None
        assert render.without_old_list(content, NOW + timedelta(days=1)) is content


def test_seconds_that_nobody_reads_make_no_other_content() -> None:
    later = msgspec.structs.replace(OPEN, as_of=OPEN.as_of + timedelta(seconds=40))
    first, second = rendered(alert()), rendered(alert(), source=Shelters(later))
    assert render.content_hash(first) == render.content_hash(second)


def test_when_a_list_is_from_survives_storage() -> None:
    content = rendered(alert())
    assert codec.content_from(codec.encode(content)).sites_as_of == OPEN.as_of
