"""One post if it fits, else a thread."""

import unicodedata
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.x.thread import split, thread
from channels.x.weight import LIMIT, weight
from hub.alert import Mode
from hub.channel import Content, Span
from hub.framing import FRAMINGS, frame
from hub.language import Language
from hub.testing.parcels import content

SENTENCE = "川の近くで家が流されるおそれのある区域の方は、必ず区域の外へ避難してください。"
LINK = "https://hub.example/a/2026-0147/ja"


def test_what_fits_is_one_post_without_a_place() -> None:
    [post] = thread(_saying(SENTENCE))
    assert post.text == f"{SENTENCE}\n{LINK}\n[2026-0147 21:47]"


def test_exactly_280_is_one_post_and_one_more_is_two() -> None:
    frame = weight(f"\n{LINK}\n[2026-0147 21:47]")
    text = "a" * (LIMIT - frame)
    assert len(thread(_saying(text))) == 1
    assert len(thread(_saying(text + "a"))) == 2


def test_each_post_of_a_thread_stands_alone() -> None:
    posts = thread(_saying(SENTENCE * 6))
    for number, post in enumerate(posts, start=1):
        text, link, mark = post.text.split("\n")
        assert text.endswith("。")
        assert link == LINK
        assert mark == post.mark == f"[2026-0147 21:47] ({number}/{len(posts)})"
        assert weight(post.text) <= LIMIT


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("sentences", [1, 6, 60])
def test_each_post_of_a_drill_says_that_it_is_one(language: Language, sentences: int) -> None:
    mark = FRAMINGS[language].mark
    said = frame((Span(SENTENCE * sentences),), "short", language)
    posts = thread(msgspec.structs.replace(content(language), mode=Mode.RESIDENT_DRILL, short=said))
    assert (len(posts) == 1) is (sentences == 1)
    for post in posts:
        assert post.text.startswith(mark)
        assert weight(post.text) <= LIMIT
    texts = (post.text.removeprefix(mark).split("\n")[0] for post in posts)
    assert "".join(texts) == SENTENCE * sentences


def test_the_time_is_japans_and_other_languages_are_named() -> None:
    late = msgspec.structs.replace(content(Language.VI), sent=datetime(2026, 12, 31, 15, 5, tzinfo=UTC))
    assert thread(late)[0].mark == "[2026-0147 00:05 Tiếng Việt]"


def test_a_mark_is_written_as_x_stores_it() -> None:
    for language in Language:
        assert unicodedata.is_normalized("NFC", thread(content(language))[0].mark)


@pytest.mark.parametrize(
    ("short", "said"),
    [
        ((Span("全員避難。（"), Span("2026-0147", "number"), Span("）")), "全員避難。"),
        ((Span("Leave now. ("), Span("2026-0147", "number"), Span(")")), "Leave now."),
        (
            (
                Span("誤りです。（"),
                Span("21時47分", "issued_at"),
                Span(" "),
                Span("2026-0147", "number"),
                Span("）"),
            ),
            "誤りです。",
        ),
        (
            (
                Span("誤りです。（"),
                Span("20時15分", "issued_at"),
                Span(" "),
                Span("2026-0147", "number"),
                Span("）"),
            ),
            "誤りです。（20時15分 2026-0147）",
        ),
        (
            (Span("全員避難。（市 "), Span("2026-0147", "number"), Span("）")),
            "全員避難。（市 2026-0147）",
        ),
        ((Span("（"), Span("2026-0147", "number"), Span("）は誤りです。")), "（2026-0147）は誤りです。"),
        ((Span("全員避難。（2026-0147）"),), "全員避難。（2026-0147）"),
    ],
)
def test_the_number_is_said_once(short: tuple[Span, ...], said: str) -> None:
    [post] = thread(msgspec.structs.replace(content(), short=short))
    assert post.text == f"{said}\n{LINK}\n[2026-0147 21:47]"
    drill = frame(short, "short", Language.JA)
    [post] = thread(msgspec.structs.replace(content(), mode=Mode.RESIDENT_DRILL, short=drill))
    assert post.text == f"{FRAMINGS[Language.JA].mark}{said}\n{LINK}\n[2026-0147 21:47]"


def test_marks_of_an_alerts_languages_and_posts_differ() -> None:
    posts = [post for language in Language for post in thread(_saying(SENTENCE * 6, language=language))]
    assert len({post.mark for post in posts}) == len(posts)


@pytest.mark.parametrize(
    ("text", "room", "parts"),
    [
        ("避難してください。川に近づかない。", 18, ["避難してください。", "川に近づかない。"]),
        ("Leave now. Stay away from rivers.", 20, ["Leave now.", "Stay away from", "rivers."]),
        ("See alert No. 2026-0147. Stay in.", 26, ["See alert No. 2026-0147.", "Stay in."]),
        ("「逃げて！」と伝えて。つづき", 22, ["「逃げて！」と伝えて。", "つづき"]),
        ("つつじ小学校、もみじ中学校、さくら会館", 22, ["つつじ小学校、", "もみじ中学校、", "さくら会館"]),
        ("見出し\n\n本文", 6, ["見出し", "本文"]),
        ("तुरुन्त निस्कनुहोस्। नदी नजिक नजानुहोस्।", 24, ["तुरुन्त निस्कनुहोस्।", "नदी नजिक नजानुहोस्।"]),
    ],
)
def test_it_is_cut_at_sentences_then_at_pauses(text: str, room: int, parts: list[str]) -> None:
    assert split(text, room) == parts


def test_neither_a_url_nor_an_emoji_is_cut() -> None:
    url = "https://hub.example/" + "a" * 40
    assert split(f"避難避難避難{url}避難", 30) == ["避難避難避難", f"{url}避難"]
    assert split("\U0001f1ef\U0001f1f5" * 4, 4) == ["\U0001f1ef\U0001f1f5" * 2] * 2


@given(st.text(alphabet="避難川、。.!? \nabc・(\U0001f637", max_size=400), st.integers(24, 120))
def test_nothing_is_lost_and_everything_fits(text: str, room: int) -> None:
    """In room for a link at least, which is never cut: `a.bb` is one."""
    parts = split(text, room)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(weight(part) <= room for part in parts)


def _saying(text: str, *, language: Language = Language.JA) -> Content:
    return msgspec.structs.replace(content(language), short=(Span(text),))
