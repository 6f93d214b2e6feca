"""What the pages of every listener share: static files, headers, error pages, forms, times."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import MultiDict

from hub.alert import Mode
from hub.errors import BadInput, Conflict, Forbidden
from operator_ui import moments
from operator_ui.form import HUGE, Form
from operator_ui.pages import COMPILED, FOLDER, Pages


async def fail_with(error: Exception) -> tuple[int, str, str]:
    """Status and text of the error page, and what a script gets."""

    async def handler(_request: web.Request) -> web.Response:
        raise error

    app = web.Application()
    Pages(templates=[Path(str(FOLDER / "staff" / "templates"))], styles=()).setup(app)
    app.router.add_post("/", handler)
    async with TestClient(TestServer(app)) as client:
        async with client.post("/", headers={"Accept-Language": "ja,en;q=0.5"}) as page:
            text = await page.text()
        async with client.post("/", headers={"Accept": "application/json"}) as answer:
            return page.status, text, (await answer.json())["error"]


async def test_an_error_becomes_a_page_that_says_what_to_do() -> None:
    status, text, said = await fail_with(Conflict("すでに止めています / Sending was stopped already"))
    assert status == 409
    assert "すでに止めています" in text
    assert "Sending was stopped" not in text
    assert said.startswith("すでに止めています")
    assert (await fail_with(Forbidden("だめです / no")))[0] == 403
    assert (await fail_with(BadInput("$.x", "違います / wrong")))[0] == 400


async def test_a_fault_shows_a_number_and_nothing_of_itself() -> None:
    status, text, said = await fail_with(ValueError("secret of the house"))
    assert status == 500
    assert "secret" not in text + said
    assert "配信には影響しません" in text


async def test_markup_in_a_message_is_only_text() -> None:
    _, text, _ = await fail_with(Conflict("<script>alert(1)</script> / x"))
    assert "<script>alert" not in text


async def test_a_static_file_is_kept_for_good_under_its_hash_only() -> None:
    app = web.Application()
    pages = Pages(templates=(), styles=())
    pages.setup(app)
    async with TestClient(TestServer(app)) as client:
        async with client.get(pages.static.url("staff.js")) as answer:
            assert "immutable" in answer.headers["Cache-Control"]
            tag = answer.headers["ETag"]
            whole = await answer.read()
        async with client.get("/static/staff.js", headers={"Accept-Encoding": "identity"}) as answer:
            assert "immutable" not in answer.headers["Cache-Control"]
            assert await answer.read() == whole
        async with client.get("/static/staff.js", headers={"If-None-Match": tag}) as answer:
            assert answer.status == 304
        async with client.get("/static/pages.py") as answer:
            assert answer.status == 404


def test_a_form_gives_text_as_it_was_meant() -> None:
    form = Form(MultiDict([("a", " 一\r\n二 "), ("n", "１２"), ("b", "x"), ("b", "y"), ("m", "live")]))
    assert form.text("a") == "一\n二"
    assert form.number("n") == 12
    assert form.number("a") is None
    assert form.all("b") == ("x", "y")
    assert form.choice("m", Mode) is Mode.LIVE
    assert form.choice("a", Mode) is None
    assert (form.text("none"), form.all("none"), form.ticked("none")) == ("", (), False)


def test_a_number_of_thousands_of_digits_is_only_a_huge_one() -> None:
    form = Form(MultiDict([("n", "9" * 5000), ("nine", "9" * 9)]))
    assert form.number("n") == HUGE
    assert form.number("nine") == HUGE - 1


def test_a_template_is_not_looked_for_again_at_every_page() -> None:
    pages = Pages(templates=(), styles=())
    assert {each.auto_reload for each in pages._environments.values()} == {False}


def test_times_are_japanese_and_minutes_never_negative() -> None:
    moment = datetime(2026, 9, 12, 15, 5, 9, tzinfo=UTC)
    assert moments.clock(moment) == "00:05"
    assert moments.clock(moment, seconds=True) == "00:05:09"
    assert moments.clock(None) == "—"
    assert moments.day(moment, "ja").startswith("9月13日")
    assert moments.day(moment, "ja-x-easy") == moments.day(moment, "ja")
    assert moments.minutes(timedelta(seconds=-5)) == 0
    assert moments.minutes(timedelta(seconds=119)) == 1


def test_a_template_is_compiled_once_for_all_languages_and_speaks_each(tmp_path: Path) -> None:
    """Also where it says something that does not change: nothing of a language is worked out beforehand."""
    name = f"{uuid4().hex}.html"
    (tmp_path / name).write_text("{{ 'すでに / Already'|one_language }}{{ _('ホームへ戻る') }}")
    made = Pages(templates=[tmp_path], styles=(), languages=("ja", "en"))
    before = len(COMPILED)
    assert made.written(name, "ja") == "すでにホームへ戻る"
    assert made.written(name, "en") == "AlreadyBack to the start"
    assert len(COMPILED) == before + 1
    (tmp_path / name).write_text("changed")
    assert Pages(templates=[tmp_path], styles=()).written(name, "ja") == "changed"
