"""What loudspeakers say: official readings, pauses, all of it twice, and a length that is that of the samples."""

import io
import re
import wave
from importlib import resources

import numpy as np
import pytest

from channels._speech import engine
from channels._speech.readings import Readings, sound
from channels._speech.sound import ENGINE_HZ, reduced, wav
from channels._speech.speaker import AGAIN, Speaker, Voice, speaker
from hub import city as cities
from hub.errors import BadSettings

AKISHIMA = cities.load(resources.files("config") / "akishima")
SENTENCE = "拝島町に避難指示を発令しました。"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("おおがみちょう", "オーガミチョー"), ("じょうがわらちょう", "ジョーガワラチョー"), ("つつじがおか", "ツツジガオカ"),
        ("たけの・うち", "タケノウチ"), ("ゆうやけ", "ユーヤケ"), ("モクセイノモリ", "モクセイノモリ"),
    ],
)  # fmt: skip
def test_a_reading_as_it_sounds(written: str, said: str) -> None:
    assert sound(written) == said


def test_the_longer_of_two_names_is_read() -> None:
    readings = Readings({"大神": "おおかみ", "大神町": "おおがみちょう"})
    assert readings.applied("大神町と大神。") == "オーガミチョーとオーカミ。"
    assert Readings({}).applied("大神町") == "大神町"


def test_every_town_is_read_as_its_published_latin_name_says() -> None:
    """The two came from different sources, and agree."""
    speaks = engine.engine(tuple(sorted(AKISHIMA.readings.items())))
    quarters = {
        re.sub(r"[一二三四五六七八九]丁目$", "", town.name.ja): re.sub(r" \d-chome$", "", town.name.en)
        for town in AKISHIMA.towns.values()
    }
    for quarter, latin in quarters.items():
        kana = speaks.say(quarter, speed=1.5).kana
        assert romaji(kana) == latin.replace("-", "").lower(), quarter


def romaji(kana: str) -> str:
    """Hepburn without long vowels, as signs have it."""
    text = "".join(_ROMAJI[character] for character in kana.replace("ー", ""))
    return re.sub(r"(sh|ch|j)i(?:y)([auo])", r"\1\2", text)


_ROMAJI = dict(
    zip(
        "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワンガギグゲゴザジズゼゾダデドバビブベボャュョ",
        [
            "a",
            "i",
            "u",
            "e",
            "o",
            "ka",
            "ki",
            "ku",
            "ke",
            "ko",
            "sa",
            "shi",
            "su",
            "se",
            "so",
            "ta",
            "chi",
            "tsu",
            "te",
            "to",
            "na",
            "ni",
            "nu",
            "ne",
            "no",
            "ha",
            "hi",
            "fu",
            "he",
            "ho",
            "ma",
            "mi",
            "mu",
            "me",
            "mo",
            "ya",
            "yu",
            "yo",
            "ra",
            "ri",
            "ru",
            "re",
            "ro",
            "wa",
            "n",
            "ga",
            "gi",
            "gu",
            "ge",
            "go",
            "za",
            "ji",
            "zu",
            "ze",
            "zo",
            "da",
            "de",
            "do",
            "ba",
            "bi",
            "bu",
            "be",
            "bo",
            "ya",
            "yu",
            "yo",
        ],
        strict=True,
    )
)


def test_it_lasts_as_long_as_its_samples_and_says_everything_twice() -> None:
    once = speaker(AKISHIMA.readings, Voice(times=1)).say(SENTENCE)
    again = speaker(AKISHIMA.readings, Voice(times=1)).say(AGAIN)
    twice = speaker(AKISHIMA.readings, Voice(times=2)).say(SENTENCE)
    with wave.open(io.BytesIO(twice.file)) as file:
        assert file.getnframes() / file.getframerate() == twice.seconds
    assert twice.seconds == pytest.approx(2 * once.seconds + again.seconds + 2.0 + 1.0, abs=0.01)
    assert once.kana.startswith("ハイジマチョー")
    assert once.name == speaker(AKISHIMA.readings, Voice(times=1)).say(SENTENCE).name != twice.name


def test_a_pause_follows_each_sentence_and_what_has_no_word_is_left_out() -> None:
    said = speaker({}, Voice(times=1, pause_s=3.0))
    alone = said.say("川から離れてください。")
    pair = said.say("川から離れてください。🌊！川から離れてください。")
    assert pair.seconds == pytest.approx(2 * alone.seconds + 3.0, abs=0.01)
    assert said.say("").seconds == 0


def test_slower_is_longer() -> None:
    fast, slow = (
        Speaker((), Voice(times=1, speed=speed)).say("避難してください。").seconds for speed in (1.2, 0.6)
    )
    assert slow > 1.5 * fast


def test_a_range_is_said_from_one_to_the_other() -> None:
    assert "イチカラヨンニン" in Speaker((), Voice(times=1)).say("いま1〜4人。").kana


def test_down_to_eight_thousand_a_second_a_voice_stays_and_a_whistle_goes() -> None:
    at = np.arange(ENGINE_HZ) / ENGINE_HZ
    voice, whistle = (10_000 * np.sin(2 * np.pi * hertz * at) for hertz in (440, 7_000))
    kept = reduced(voice, 8_000)
    assert len(kept) == 8_000
    assert np.abs(kept[100:-100]).max() == pytest.approx(10_000, rel=0.02)
    assert np.abs(reduced(whistle, 8_000)[100:-100]).max() < 50
    assert wav(kept, 8_000)[:4] == b"RIFF"


def test_without_the_engine_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "installed", lambda: False)
    with pytest.raises(BadSettings, match="yobikake\\[speech\\]"):
        engine.Engine({})
