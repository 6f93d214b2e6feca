"""How gateways count. The connector for X has the exact rules; here nothing may count less."""

import json
from pathlib import Path

import pytest

from channels.x.weight import weight
from hub.measure import MEASURES, Pace, spoken_s, weighted

TEXTS = json.loads((Path(__file__).parents[1] / "measures.json").read_text(encoding="utf-8"))
"""Texts with what each comes to. The script's counters are held to the same in a browser."""


@pytest.mark.parametrize("expected", TEXTS, ids=lambda each: each["text"][:20])
def test_each_measure_counts_in_its_own_way(expected: dict[str, str | int]) -> None:
    text = str(expected["text"])
    assert {name: measure(text) for name, measure in MEASURES.items()} | {"text": text} == expected


@pytest.mark.parametrize(
    "text",
    [
        "避難指示 https://hub.example/a/1 と city.example.jp/x へ",
        "Go now. Do not wait.Leave",
        "👨‍👩‍👧‍👦 逃げて 🇯🇵",
        "e\u0301vacuation",
        "test.com",
        "詳しくは https://bosai.example.jp/aを見てください。危険な場所から避難してください。",
        "city.example.jp/を見てください。危険な場所にいる方は避難してください。",
        "https://日本.jp",
        "https://a日本.jp/を見て",
        "http://127.0.0.1:8081/ko/a/2026-0003",
        "https://a.example/x。",
        "@https://a.example/?https://b",
    ],
)
def test_nothing_counts_less_than_x_does(text: str) -> None:
    assert weighted(text) >= weight(text)


@pytest.mark.parametrize("host", ["127.0.0.1:8081", "localhost", "bosai.example.jp:8443", "[::1]:80"])
def test_a_link_weighs_the_same_here_and_in_the_connector(host: str) -> None:
    text = f"http://{host}/ko/a/2026-0003"
    assert weighted(text) == weight(text)


def test_measures_are_found_by_the_name_a_channel_uses() -> None:
    assert {"characters", "utf16", "weighted", "sms"} <= MEASURES.keys()


def test_a_slower_voice_takes_longer_and_breathes_between_sentences() -> None:
    text = "避難してください。外は危険です。"
    assert spoken_s(text, Pace(per_s=4, rest_s=1)) == len(text) / 4 + 1
    assert spoken_s(text, Pace(per_s=8, rest_s=0)) == len(text) / 8
    assert spoken_s("", Pace(per_s=4, rest_s=1)) == 0
