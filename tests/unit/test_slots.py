"""Templates become segments and slots; what cannot be filled or sent is refused, with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import slots
from hub.channel import Span
from hub.errors import BadInput
from hub.language import Language
from hub.slots import Form

PLACE = "$.infos[0].description"


def parse(template: str, form: Form = Form.DESCRIPTION, language: Language = Language.JA) -> tuple[Span, ...]:
    return slots.parse(template, place=PLACE, form=form, language=language)


def test_a_template_is_fixed_text_and_named_gaps() -> None:
    assert parse("よびかけ市は{issued_at}、発令しました。\n{shelters}") == (
        Span("よびかけ市は"),
        Span("", "issued_at"),
        Span("、発令しました。\n"),
        Span("", "shelters"),
    )


def test_neighbouring_slots_have_no_segment_between() -> None:
    assert parse("{number}{number}") == (Span("", "number"), Span("", "number"))


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("一行目\n{issued_at", "line 2"),
        ("閉じかっこ}だけ", "line 1"),
        ("{{二重}}", "line 1"),
        ("{river}の洪水", "{river}"),
        ("{}", "{}"),
        ("{drill}", "added by the hub itself"),
        ("{ issued_at }", "is no slot"),
    ],
)
def test_a_slot_that_cannot_be_filled_is_refused_with_its_place(template: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(template)
    assert refused.value.path == PLACE
    assert said in refused.value.message


@pytest.mark.parametrize("form", [Form.HEADLINE, Form.SHORT, Form.EVENT])
def test_a_list_of_shelters_has_no_room_in_a_line(form: Form) -> None:
    with pytest.raises(BadInput, match="cannot stand here"):
        parse("{shelters}", form)


@pytest.mark.parametrize("name", ["area", "issuer"])
def test_what_the_order_says_in_japanese_is_not_put_into_a_foreign_text(name: str) -> None:
    assert parse(f"{{{name}}}", language=Language.JA_EASY) == (Span("", name),)
    with pytest.raises(BadInput, match="Japanese"):
        parse(f"{{{name}}}", language=Language.KO)


@pytest.mark.parametrize(
    "character",
    [
        "\x00",
        "\x1b",
        "\t",
        "\u202e",
        "\u2028",
        "\ufeff",
        "\ue000",
        "\u200b",
        "\u00ad",
        "\u2060",
        "\u200d",
        "\u3164",
    ],
)
def test_what_is_read_is_what_was_approved(character: str) -> None:
    """Control characters, private characters and marks that turn text round are refused, naming the line."""
    with pytest.raises(BadInput, match=f"line 2: U\\+{ord(character):04X}"):
        parse(f"避難指示\n川{character}から")


def test_joiners_that_nepali_needs_are_kept() -> None:
    assert parse("जारी गर्‍यो।", language=Language.NE) == (Span("जारी गर्‍यो।"),)


def test_line_ends_and_trailing_spaces_are_made_equal() -> None:
    typed = "\r\n避難指示 \r\n対象は、\u3000\r川沿いです。\n\n"
    assert slots.normalise(typed) == "避難指示\n対象は、\n川沿いです。"


@given(st.text(alphabet="あa 。\n\r{}issued_at", max_size=60))
def test_a_template_that_is_accepted_loses_nothing(template: str) -> None:
    try:
        spans = parse(template)
    except BadInput:
        return
    rebuilt = "".join(f"{{{span.slot}}}" if span.slot else span.text for span in spans)
    assert rebuilt == slots.normalise(template)
    assert slots.normalise(rebuilt) == rebuilt


@pytest.mark.parametrize(
    ("slot", "language", "text", "fits"),
    [
        ("issued_at", Language.JA, "21時47分", True),
        ("issued_at", Language.JA, "0時05分", True),
        ("issued_at", Language.JA, "24時00分", False),
        ("issued_at", Language.JA, "21:47", False),
        ("issued_at", Language.VI, "21:47", True),
        ("number", Language.JA, "2026-0147", True),
        ("number", Language.JA, "第3号", False),
        ("city", Language.EN, "Yobikake City", True),
        ("city", Language.EN, "Yobikake City\nEvacuate", False),
        ("city", Language.EN, "", False),
        ("shelters", Language.JA, slots.SHELTERS_UNKNOWN[Language.JA], True),
        ("shelters", Language.JA, slots.SHELTERS_UNKNOWN[Language.EN], False),
        (
            "shelters",
            Language.JA,
            "いま開いている場所は、電話 0 4 2、5 5 5、0 1 0 0 で確かめてください。",
            True,
        ),
        ("shelters", Language.JA, "いま開いている場所は、電話 {number} で確かめてください。", False),
        ("shelters", Language.JA, "いま開いている場所は、電話 だれか で確かめてください。", False),
        (
            "shelters",
            Language.JA_EASY,
            "いま あいている ばしょは、市のホームページで 見てください。",
            True,
        ),
        ("shelters", Language.JA, "", False),
        ("nonsense", Language.JA, "x", False),
    ],
)
def test_the_grammar_of_a_slot(slot: str, language: Language, text: str, fits: bool) -> None:
    assert slots.fits(Span(text, slot), language) is fits


def test_every_grammar_has_a_version() -> None:
    assert slots.VERSIONS.keys() == slots.SLOTS.keys()
    assert all(version >= 1 for version in slots.VERSIONS.values())
