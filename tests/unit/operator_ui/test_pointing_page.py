"""The desk's page: Japanese beside one language, whoever is signed in."""

from tests.unit.operator_ui.desk import Desk, somebody


async def test_it_stands_beside_japanese_in_the_language_of_the_address(desk: Desk) -> None:
    async with somebody(desk, "ono") as reader:  # who may only look
        korean = await reader.get("/pointing/ko")
        easy = await reader.get("/pointing/ja-x-easy")
    assert '<b lang="ko">화장실이 어디입니까?</b><span lang="ja">トイレはどこですか</span>' in korean
    assert "要確認" in korean
    assert "<ruby>薬<rp>（</rp><rt>くすり</rt><rp>）</rp></ruby>がほしいです" in easy


async def test_without_a_language_it_is_english_and_others_are_not_there(desk: Desk) -> None:
    async with somebody(desk, "ono") as reader:
        assert "Where is the toilet?" in await reader.get("/pointing")
        for language in ("ja", "xx"):
            await reader.get(f"/pointing/{language}")
            assert reader.status == 404


async def test_nobody_sees_it_without_signing_in(desk: Desk) -> None:
    async with somebody(desk) as nobody:
        await nobody.get("/pointing/ko")
        assert nobody.path.startswith("/signin")


async def test_the_shelters_lead_to_it(desk: Desk) -> None:
    async with somebody(desk, "ono") as reader:
        assert 'href="/pointing"' in await reader.get("/shelters")
