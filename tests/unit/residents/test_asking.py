"""The page on which residents ask, over HTTP."""

import re
from datetime import timedelta

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from hub.language import Language
from operator_ui.residents.asking import AT_ONCE
from operator_ui.residents.portal import ask_path, home_path
from operator_ui.residents.reader import Reader
from shelters.shelter import Stage
from tests.unit.residents.portal_setup import CITY, NOT_FLOOD, Town, flood_order, open_some, served
from tests.unit.window.asking import bank

ASK = f"{ask_path(Language.JA)}/reply"


async def asked(url: str, path: str = ASK, **fields: str) -> str:
    async with ClientSession() as http, http.post(url + path, data=fields) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        return await answer.text()


async def flooded(town: Town) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), "2026-0147")
    town.now += timedelta(seconds=2)  # whoever looked before looks again


def reply(page: str) -> str:
    found = re.search(r'<section class="card reply.*?</section>', page, re.DOTALL)
    assert found
    return found[0]


async def test_the_form_is_there_in_every_language_and_linked_from_the_home_page(town: Town) -> None:
    async with served(town) as url, ClientSession() as http:
        for language in Language:
            async with http.get(url + home_path(language)) as home:
                assert f'href="{ask_path(language)}"' in await home.text()
            async with http.get(url + ask_path(language)) as page:
                text = await page.text()
        assert page.status == 200
        assert 'method="post" action="/ne/ask/reply"' in text
        assert CITY.contact.telephone in text
        async with http.get(url + "/ask", headers={"Accept-Language": "ko"}) as wished:
            assert wished.headers["Content-Language"] == "ko"


async def test_where_to_go_is_answered_from_the_board_and_nothing_else(town: Town) -> None:
    await flooded(town)
    async with served(town) as url:
        page = reply(
            await asked(url, question="近くの避難所はどこですか", latitude="35.711", longitude="139.365")
        )
    assert page.count("<li>") == 3
    assert "km" in page
    assert NOT_FLOOD[0].name.ja not in page  # it receives, and is not for floods
    assert "だれでも入れます" in page


async def test_a_town_that_was_chosen_says_where_from_and_a_place_that_is_none_is_left_out(
    town: Town,
) -> None:
    await flooded(town)
    code = next(iter(CITY.towns))
    async with served(town) as url:
        near = reply(await asked(url, question="避難所", town=code))
        for wrong in ("nan", "1e999", "91", "<b>"):
            far = reply(
                await asked(url, question="避難所", town="13207-999", latitude=wrong, longitude="139")
            )
            assert "km" not in far
    assert "km" in near


async def test_in_calm_a_choice_is_one_touch(town: Town) -> None:
    town.shelters.put(NOT_FLOOD[0], Stage.RECEIVING)
    async with served(town) as url:
        page = reply(await asked(url, question="避難所"))
        choices = re.findall(r'name="choice" value="([^"]+)"', page)
        assert "地震のときの避難場所" in choices
        assert "洪水のときの避難場所" not in choices
        assert NOT_FLOOD[0].name.ja in reply(await asked(url, question="", choice="地震のときの避難場所"))


@pytest.mark.parametrize("language", Language)
async def test_every_example_asks_what_it_says(town: Town, language: Language) -> None:
    await flooded(town)
    async with served(town) as url, ClientSession() as http:
        async with http.get(url + ask_path(language)) as form:
            examples = re.findall(r'name="choice" value="([^"]+)"', await form.text())
        answers = [
            reply(
                await asked(
                    url,
                    f"{ask_path(language)}/reply",
                    question="",
                    choice=each,
                    latitude="35.711",
                    longitude="139.365",
                )
            )
            for each in examples
        ]
    assert len(answers) == 3
    sites, level, pets = answers
    assert 'class="going"' in sites
    assert f"/{language}/a/2026-0147" in level
    answer = bank().topics["pets"].answers[language].split()[0]
    assert str(Reader(language, town.now).text(answer)) in pets


async def test_who_is_in_danger_can_touch_the_number(town: Town) -> None:
    async with served(town) as url:
        page = reply(await asked(url, question="水が入ってきて動けない"))
    assert 'href="tel:119"' in page
    assert 'href="tel:110"' in page


async def test_a_question_in_another_language_is_answered_in_it(town: Town) -> None:
    async with served(town) as url:
        page = await asked(url, question="대피소에 강아지를 데려가도 되나요")
    assert '<div lang="ko"' in page
    assert '<html lang="ja"' in page
    assert "반려동물" in reply(page)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x>', "あ" * 10_000, "\x00\x1b"])
async def test_what_was_typed_is_shown_as_text_and_logged_nowhere(town: Town, text: str) -> None:
    async with served(town) as url:
        with capture_logs() as logged:
            async with ClientSession() as http, http.post(url + ASK, data={"question": text}) as answer:
                page = await answer.text()
    assert answer.status == 200
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert not [each for each in logged if text in str(each)]


async def test_nothing_asked_leads_back_to_the_form(town: Town) -> None:
    async with served(town) as url, ClientSession() as http:
        for empty in ({"question": " "}, {"latitude": "north", "longitude": ""}):
            async with http.post(url + ASK, data=empty, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, "/ja/ask")
        async with http.get(url + ASK, allow_redirects=False) as answer:  # back and forth in a browser
            assert (answer.status, answer.headers["Location"]) == (303, "/ja/ask")


async def test_whoever_is_not_understood_reads_119_before_the_number_of_the_city(town: Town) -> None:
    async with served(town) as url:
        page = reply(await asked(url, question="😀😀😀"))
    assert 0 < page.index("119（") < page.index(CITY.contact.telephone)


async def test_whether_it_is_lifted_stands_behind_what_is_in_force(town: Town) -> None:
    await flooded(town)
    async with served(town) as url:
        page = reply(await asked(url, question="避難指示は解除されましたか"))
    assert (
        0 < page.index("/ja/a/2026-0147") < page.index("解除されるまで") < page.index(CITY.contact.telephone)
    )


async def test_one_address_asks_so_often_and_others_do_not_wait_for_it(town: Town) -> None:
    async def status(http: ClientSession, url: str, sender: str) -> tuple[int, str]:
        headers = {"X-Forwarded-For": sender}
        async with http.post(url + ASK, data={"question": "a"}, headers=headers) as answer:
            return answer.status, answer.headers.get("Retry-After", "")

    async with served(town) as url, ClientSession() as http:
        for _ in range(AT_ONCE):
            assert (await status(http, url, "1.1.1.1"))[0] == 200
        assert await status(http, url, "1.1.1.1") == (429, "2")
        assert (await status(http, url, "1.1.1.2"))[0] == 200
        town.now += timedelta(seconds=2)
        assert (await status(http, url, "1.1.1.1"))[0] == 200


async def test_two_questions_get_both_answers_on_the_page_and_a_cry_the_buttons_once(town: Town) -> None:
    await flooded(town)
    pets = bank().topics["pets"].answers[Language.JA]
    async with served(town) as url:
        both = reply(await asked(url, question="避難所はどこですか。犬も連れて行けますか？"))
        cry = reply(await asked(url, question="助けてください。避難所はどこですか。犬も連れて行けますか？"))
    for page in (both, cry):
        assert page.index("<li>") < page.index(pets[:20])
        assert page.count(CITY.contact.telephone) == 1
    assert "tel:119" not in both
    assert cry.count("tel:119") == 1
    assert cry.index("tel:119") < cry.index("<li>")
