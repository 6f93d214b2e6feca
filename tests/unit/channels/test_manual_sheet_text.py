"""Copy-ready texts of the right length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from channels._fit import CUT, full_width
from channels.manual import Field, Sheet, fields, sheet_text
from hub.channel import Content, Span
from hub.errors import PermanentFailure
from hub.testing.parcels import content


def saying(body: str, *, short: str = "短い文。", headline: str = "見出し") -> Content:
    return structs.replace(content(), headline=(Span(headline),), body=(Span(body),), short=(Span(short),))


def sheet(limit: int, **more: object) -> Sheet:
    return Sheet(ref="a", name="欄", limit=limit, **more)  # type: ignore[arg-type]


def test_what_fits_is_copied_whole() -> None:
    assert sheet_text(saying("避難してください。"), sheet(20)) == "見出し\n避難してください。"


def test_what_does_not_fit_ends_with_a_whole_sentence_and_says_so() -> None:
    text = sheet_text(saying("一二三四五。六七八九十。" * 2), sheet(25))
    assert text == f"見出し\n一二三四五。六七八九十。{CUT}"


def test_the_limit_is_exact() -> None:
    body = "あ" * 15 + "。"
    assert CUT not in sheet_text(saying(body), sheet(20))
    assert sheet_text(saying(body + "い。"), sheet(20)) == "短い文。"


def test_a_headline_alone_says_too_little() -> None:
    assert sheet_text(saying("あ" * 30 + "。"), sheet(20)) == "短い文。"


def test_a_list_is_cut_between_its_entries_and_never_after_its_heading() -> None:
    body = "避難してください。\n避難場所\n・東小学校\n・西小学校\n・南小学校"
    assert sheet_text(saying(body, headline="洪"), sheet(28)).endswith(f"・東小学校{CUT}")
    assert (
        sheet_text(saying(body, headline="洪", short="い" * 40), sheet(27)) == f"洪\n避難してください。{CUT}"
    )


def test_a_beginning_that_may_not_get_to_what_to_do_gives_way_to_the_short_text() -> None:
    said = (
        "九時に発令しました。川が増水しています。いますぐ、川から離れた高いところへ、全員避難してください。"
    )
    assert sheet_text(saying(said, headline="洪", short="全員避難。"), sheet(30)) == "全員避難。"
    cut = sheet_text(saying(said, headline="洪", short="い" * 40), sheet(30))
    assert cut == f"洪\n九時に発令しました。川が増水しています。{CUT}"
    most = sheet_text(saying(said + "近所の人に声をかけてください。", headline="洪", short="い。"), sheet(58))
    assert most == f"洪\n{said}{CUT}"


def test_no_sentence_is_ever_cut_in_two() -> None:
    with pytest.raises(PermanentFailure, match="欄"):
        sheet_text(saying("あ" * 40, short="い" * 40), sheet(20))


def test_half_width_counts_half_where_the_form_counts_so() -> None:
    assert full_width("レベル4 Ab") == 3 + 0.5 * 4
    body = "a" * 30 + "."
    assert sheet_text(saying(body), sheet(20, measure="full_width")) == "見出し\n" + body
    assert sheet_text(saying(body), sheet(20)) == "短い文。"


@given(
    body=st.text(alphabet="あ。！\n・a. 」", max_size=120),
    limit=st.integers(min_value=20, max_value=80),
)
def test_never_longer_than_the_form_and_never_anothers_words(body: str, limit: int) -> None:
    text = sheet_text(saying(body), sheet(limit))
    assert len(text) <= limit
    whole = f"見出し\n{body}"
    assert text in (whole, "短い文。") or whole.startswith(text.removesuffix(CUT))
    assert text in (whole, "短い文。") or text.endswith(CUT)


def test_a_title_is_the_headline_or_its_beginning() -> None:
    form = sheet(200, title_limit=15, headline=False)
    said = fields(
        saying("避難してください。", headline="警戒レベル4 避難指示　青波川の洪水（市 21時47分発令）"), form
    )
    assert said == [
        Field("件名", "警戒レベル4 避難指示", 11, 15),
        Field("本文", "避難してください。", 9, 200),
    ]
    assert fields(saying("い。", headline="断水しています"), form)[0].text == "断水しています"
    assert (
        fields(saying("い。", headline="【訂正】先ほどのお知らせに誤りがあります（市）"), form)[0].text
        == "【訂正】先ほどのお知らせに誤…"
    )


def test_what_is_read_out_has_no_bracket_and_no_number() -> None:
    form = sheet(60, text="speech", headline=False)
    told = structs.replace(
        saying(
            "い。", short="【警戒レベル4 避難指示】市は21時47分に発令しました。対象：川沿い町。（2026-0147）"
        ),
        speech=(Span("緊急放送。" + "川から離れてください。" * 20),),
        number="2026-0147",
    )
    assert sheet_text(told, form) == "警戒レベル4 避難指示。市は21時47分に発令しました。対象、川沿い町。"
