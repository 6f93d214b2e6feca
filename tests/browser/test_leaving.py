"""The page at which people leave, in a real browser, without scripts too."""

import pytest
from playwright.async_api import Browser, expect

from hub import unsubscribe
from hub.language import Language
from hub.ledger import packs, register
from hub.ledger.register import Registration
from hub.recipient import Kind, RecipientId
from hub.recipient import Town as TownCode
from operator_ui.residents.portal import leaving_path
from tests.browser.looking import keep
from tests.browser.looking import width as width_of
from tests.unit.residents.portal_setup import NOW, Town

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def someone(town: Town) -> RecipientId:
    person = Registration(
        kind=Kind.RESIDENT,
        language=Language.JA,
        town=TownCode("13207-026"),
        contacts={"mail": "a@mail.example", "line": f"U{1:032x}"},
    )
    (id_,) = await town.ledger.write(lambda conn: register.add(conn, town.keys, [person], at=NOW))
    await town.ledger.write(lambda conn: register.rebuild(conn, town.keys))
    return id_


def token(town: Town, recipient: RecipientId) -> str:
    return unsubscribe.token(town.keys, "mail", recipient).decode()


@pytest.mark.parametrize("scripts", [True, False])
async def test_one_button_ends_mail(chromium: Browser, town: Town, url: str, scripts: bool) -> None:
    recipient = await someone(town)
    context = await chromium.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=scripts, service_workers="block"
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    await page.goto(f"{url}{leaving_path(token(town, recipient), Language.JA)}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("メールの登録の解除")
    await page.get_by_role("button", name="メールの登録を解除する").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("メールの登録を解除しました")
    assert recipient not in await town.ledger.read(lambda conn: packs.everyone(conn, "mail"))
    assert recipient in await town.ledger.read(lambda conn: packs.everyone(conn, "line"))
    assert await context.cookies() == []
    assert complaints == []
    await context.close()


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("width", "colours"), [(320, "light"), (390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]
)
async def test_nothing_is_wider_than_the_screen(
    chromium: Browser, town: Town, url: str, language: Language, *, width: int, colours: str
) -> None:
    recipient = await someone(town)
    context = await chromium.new_context(
        viewport={"width": width, "height": 844}, color_scheme=colours, service_workers="block"
    )  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(f"{url}{leaving_path(token(town, recipient), language)}")
    assert await width_of(page) <= width
    button = page.locator("main form button")
    box = await button.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    await keep(page, f"leaving-{language}-{width}-{colours}")
    await button.click()
    await expect(page.locator("main form")).to_have_count(0)
    assert await width_of(page) <= width
    await keep(page, f"left-{language}-{width}-{colours}")
    await context.close()
