"""The chat with the city's LINE account, from LINE's delivery to what somebody reads."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from channels.line.settings import Chatbot
from channels.line.webhook import parse
from config import folder
from hub import chat_link
from hub.background import Background
from hub.errors import DatabaseAway
from hub.language import Language
from operator_ui.residents.line import messages
from operator_ui.residents.line.chat import Chat
from operator_ui.residents.line.webhook import MOST_BYTES
from operator_ui.residents.line.words import WORDS
from operator_ui.residents.news import News
from operator_ui.window.question import Question
from operator_ui.window.reply import Choice, Kind, NamedAlert, Origin, Reply, Said, Span
from operator_ui.window.window import Window as RealWindow
from tests.unit.residents.line_setup import (
    OTHER,
    SECRET,
    TOKEN,
    USER,
    Account,
    Bot,
    an_account,
    bot_served,
    database_away,
    enrol,
)
from tests.unit.residents.portal_setup import CITY, FLOOD, NOT_FLOOD, NOW, SITES, Town, flood_order, open_some
from yobikake.rehearsal.line_messages import Message, all_faults
from yobikake.window import load_window

TOWN = "13207-026"


def bank(text: str) -> Said:
    return Said((Span(text, Origin.BANK),))


class Window:
    """Says what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Question] = []

    async def __call__(self, question: Question) -> Reply:
        self.asked.append(question)
        language = question.language or Language.JA
        return Reply(kind=Kind.CURATED, language=language, lead=(bank(f"答え：{question.text}"),))


@pytest.fixture
def window() -> Window:
    return Window()


@pytest_asyncio.fixture
async def account(town: Town, tmp_path: Path, window: Window) -> AsyncIterator[Account]:
    async with an_account(town, tmp_path, ask=window) as account:
        yield account


async def test_a_question_is_answered_in_the_chat_and_costs_nothing(account: Account, window: Window) -> None:
    account.line.quota = 0
    assert await account.deliver(account.sender.text(USER, "ペットは？")) == 200
    assert account.read() == ["答え：ペットは？"]
    assert (account.line.used, len(window.asked)) == (0, 1)


async def test_where_somebody_is_reaches_the_window_and_nobody_else(
    account: Account, window: Window, capsys: pytest.CaptureFixture[str]
) -> None:
    await account.deliver(account.sender.location(USER, 35.7123, 139.3571))
    [question] = window.asked
    assert question.position is not None
    assert (question.position.latitude, question.position.longitude) == (35.7123, 139.3571)
    said = "".join(capsys.readouterr())
    assert "35.7123" not in said
    assert USER not in said


async def test_a_place_that_is_none_is_no_place(account: Account, window: Window) -> None:
    await account.deliver(account.sender.location(USER, 91.0, 139.0))
    assert [question.position for question in window.asked] == [None]


async def test_an_event_that_comes_again_is_answered_once(account: Account, window: Window) -> None:
    event = account.sender.text(USER, "a")
    for each in (event, account.sender.again(event), event):
        assert await account.deliver(each) == 200
    assert len(window.asked) == 1


async def test_another_process_knows_what_came_before(
    town: Town, tmp_path: Path, account: Account, window: Window
) -> None:
    """As after a restart: nothing of it was in memory."""
    event = account.sender.text(USER, "a")
    await account.deliver(event)
    async with an_account(town, tmp_path, ask=window) as later:
        assert await later.deliver(later.sender.again(event)) == 200
    assert len(window.asked) == 1


async def test_two_processes_at_once_answer_once(
    town: Town, tmp_path: Path, account: Account, window: Window
) -> None:
    async with an_account(town, tmp_path, ask=window) as other:
        event = account.sender.text(USER, "a")
        await asyncio.gather(account.deliver(event), other.deliver(event))
    assert len(window.asked) == 1


async def test_who_leaves_the_chat_is_held_back_and_who_returns_is_sent_to(account: Account) -> None:
    await enrol(account, USER, TOWN)
    await enrol(account, OTHER, TOWN)
    left = account.sender.unfollow(USER)
    await account.deliver(left)
    assert await account.told() == [False, True]
    await account.deliver(account.sender.follow(USER, unblocked=True))
    assert await account.told() == [True, True]
    await account.deliver(account.sender.again(left))
    assert await account.told() == [True, True]
    assert await account.audited() == ["register.resume", "register.hold", "register.enrol"]


async def test_a_leaving_that_is_delivered_late_does_not_undo_the_return(account: Account) -> None:
    """LINE comes again with what could not be kept: the database was away, and they are back by now."""
    await enrol(account, USER, TOWN)
    left = account.sender.unfollow(USER)
    async with database_away(account.town):
        assert await account.deliver(left) == 503
    account.town.now += timedelta(minutes=1)
    await account.deliver(account.sender.follow(USER, unblocked=True))
    await account.deliver(account.sender.again(left))
    assert await account.told() == [True]


async def test_somebody_new_is_shown_the_way_to_register(account: Account) -> None:
    await account.deliver(account.sender.follow(USER))
    [greeting] = account.read()
    assert "昭島市の緊急情報のアカウントです" in greeting
    assert "Akishima" in greeting
    assert USER not in str(account.line.requests[-1].body)


async def test_the_way_to_register_leads_to_the_page_of_this_chat(account: Account) -> None:
    await account.deliver(account.sender.postback(USER, "yobikake=register"))
    address = re.search(rb"https://hub.example(/ja/chat/[\w.-]+)", account.line.requests[-1].body)
    assert address is not None
    found = chat_link.read(account.town.keys, address[1].decode().rpartition("/")[2], at=account.town.now)
    assert found is not None
    assert found.address == USER


async def test_who_is_registered_is_answered_in_their_language_and_for_their_town(
    account: Account, window: Window
) -> None:
    await enrol(account, USER, TOWN, Language.VI)
    await account.deliver(account.sender.postback(USER, "yobikake=sites"))
    [question] = window.asked
    assert (question.language, question.town, question.text) == (
        Language.VI,
        TOWN,
        WORDS[Language.VI].sites,
    )


async def test_a_choice_that_is_touched_asks_its_question(account: Account, window: Window) -> None:
    await account.deliver(account.sender.postback(USER, "yobikake=ask:洪水のときの避難場所は？"))
    assert [question.text for question in window.asked] == ["洪水のときの避難場所は？"]


@pytest.mark.parametrize("made", ["sticker", "account_link", "unfollow"])
async def test_what_asks_nothing_is_not_answered(account: Account, window: Window, made: str) -> None:
    assert await account.deliver(getattr(account.sender, made)(USER)) == 200
    assert (account.read(), window.asked) == ([], [])


async def test_a_module_on_standby_does_not_answer(account: Account, window: Window) -> None:
    await account.deliver(account.sender.text(USER, "a") | {"mode": "standby"})
    assert window.asked == []


async def test_where_nothing_could_be_read_yet_the_page_is_named(town: Town, tmp_path: Path) -> None:
    async def ask(_: Question) -> Reply:
        raise DatabaseAway("nothing could be read yet")

    async with an_account(town, tmp_path, ask=ask) as account:
        await account.deliver(account.sender.text(USER, "避難所は？"))
        assert account.read() == ["いま出ている情報\nhttps://hub.example/ja/"]


@pytest.fixture(scope="module")
def real() -> RealWindow:
    return load_window(folder("akishima"), CITY, SITES)


async def test_where_somebody_is_is_answered_with_the_sites_that_may_be_named(
    town: Town, tmp_path: Path, real: RealWindow
) -> None:
    """I16, as residents meet it in the chat: for the hazard in force, receiving, and nothing else."""
    open_some(town.shelters)
    await town.publish(flood_order(), "2026-0147")
    background = Background()
    news = News(town.portal(), background)

    async def ask(question: Question) -> Reply:
        return real.answer(question, await news.now())

    async with an_account(town, tmp_path, ask=ask) as account:
        await account.deliver(account.sender.location(USER, CITY.centre.latitude, CITY.centre.longitude))
        await account.deliver(account.sender.postback(USER, "yobikake=alerts"))
        sites, alerts = account.read()
    await background.finish(timeout_s=60)
    named = {site.name.ja for site in SITES.values() if site.name.ja in sites}
    assert named
    assert named <= {site.name.ja for site in FLOOD[:7]}
    assert NOT_FLOOD[0].name.ja not in sites
    assert "https://hub.example/ja/a/2026-0147" in alerts


@pytest.mark.parametrize("language", Language)
def test_the_window_understands_what_may_be_touched(language: Language, real: RealWindow) -> None:
    def topic(text: str) -> str:
        question = Question(text=text, asked_at=NOW, language=language)
        understood = real._understanding.read(question)
        assert understood.language is language
        return ",".join(topic.id for topic in understood.topics)

    words = WORDS[language]
    assert (topic(words.sites), topic(words.alerts)) == ("sites", "alerts")


async def test_an_answer_of_which_nobody_heard_is_tried_again_and_arrives_once(account: Account) -> None:
    await account.deliver(account.sender.text(USER, "a"))
    account.line.faults.silent = 1.0
    await account.deliver(account.sender.text(USER, "b"))
    posts = [request for request in account.line.requests if request.method == "POST"]
    assert (account.read(), len(posts)) == (["答え：a", "答え：b"], 3)


async def test_an_answer_that_line_refuses_is_not_tried_again(account: Account) -> None:
    event = account.sender.text(USER, "a")
    event["replyToken"] = "used-up"
    await account.deliver(event)
    posts = [request for request in account.line.requests if request.method == "POST"]
    assert (account.read(), len(posts)) == ([], 1)


async def test_a_token_that_is_over_a_minute_old_answers_nothing(account: Account) -> None:
    event = account.sender.text(USER, "a")
    account.town.now += timedelta(seconds=61)
    assert await account.deliver(event) == 200
    assert account.read() == []


# --- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("signature", ["", "AAAA", "署名"])
async def test_without_lines_signature_nothing_is_read(
    account: Account, window: Window, signature: str
) -> None:
    body = account.sender.body([account.sender.text(USER, "a")])
    headers = dict(account.sender.headers(body)) | {"X-Line-Signature": signature}
    assert await _post(account, body, headers) == 403
    assert window.asked == []


async def test_a_body_changed_on_its_way_is_refused(account: Account) -> None:
    body = account.sender.body([account.sender.text(USER, "a")])
    assert await _post(account, body + b" ", dict(account.sender.headers(body))) == 403


async def test_a_signed_body_that_is_no_webhook_is_refused(account: Account) -> None:
    assert await _post(account, b"[]", dict(account.sender.headers(b"[]"))) == 400


async def test_a_body_that_is_too_large_is_refused(account: Account) -> None:
    body = b" " * (MOST_BYTES + 1)
    assert await _post(account, body, dict(account.sender.headers(body))) == 413


async def test_with_the_database_away_line_is_to_come_again_and_questions_are_answered(
    account: Account, window: Window
) -> None:
    async with database_away(account.town):
        assert await account.deliver(account.sender.text(USER, "a"), account.sender.unfollow(USER)) == 503
    assert [question.text for question in window.asked] == ["a"]


# --- the chatbot that was there before -------------------------------------------------------------


@pytest_asyncio.fixture
async def bot() -> AsyncIterator[Bot]:
    async with bot_served() as bot:
        yield bot


async def _until(done: Any) -> None:
    async with asyncio.timeout(60):
        while not done():
            await asyncio.sleep(0.01)


async def test_the_chatbot_gets_what_is_its_own_byte_for_byte(
    town: Town, tmp_path: Path, window: Window, bot: Bot
) -> None:
    async with an_account(town, tmp_path, ask=window, chatbot=Chatbot(webhook_url=bot.url)) as account:
        # bytes that no encoder of ours would write
        body = account.sender.body([account.sender.text(USER, "ごみの日")]).replace(b'","', b'"  ,\n"')
        headers = dict(account.sender.headers(body))
        assert await _post(account, body, headers) == 200
        await _until(lambda: bot.got)
        assert bot.got == [(body, headers["X-Line-Signature"], headers["Content-Type"])]
        assert (window.asked, account.read()) == ([], [])


async def test_what_is_touched_in_our_menu_is_ours_alone(
    town: Town, tmp_path: Path, window: Window, bot: Bot
) -> None:
    async with an_account(town, tmp_path, ask=window, chatbot=Chatbot(webhook_url=bot.url)) as account:
        await account.deliver(account.sender.postback(USER, "yobikake=sites"))
        await account.deliver(account.sender.location(USER, 35.7, 139.35))
        await account.deliver(account.sender.postback(USER, "theirs"))
        await _until(lambda: bot.got)
        [relayed] = bot.got
        assert b"theirs" in relayed.body
        assert len(window.asked) == 2


async def test_coming_and_going_is_everybodys(town: Town, tmp_path: Path, window: Window, bot: Bot) -> None:
    async with an_account(town, tmp_path, ask=window, chatbot=Chatbot(webhook_url=bot.url)) as account:
        await enrol(account, USER, TOWN)
        await account.deliver(account.sender.unfollow(USER))
        assert await account.told() == [False]
        await account.deliver(account.sender.follow(USER, unblocked=True))
        assert await account.told() == [True]
        await _until(lambda: len(bot.got) == 2)
        assert account.read() == [], "the chatbot greets, and its reply token is one"


async def test_a_chatbot_that_fails_costs_us_nothing_and_is_counted(
    town: Town, tmp_path: Path, window: Window, bot: Bot
) -> None:
    bot.status = 500
    chatbot = Chatbot(webhook_url=bot.url, texts=False)
    async with an_account(town, tmp_path, ask=window, chatbot=chatbot) as account:
        assert account.relay is not None
        relay = account.relay
        assert await account.deliver(account.sender.sticker(USER), account.sender.text(USER, "a")) == 200
        await _until(lambda: relay.lost == 1)
        assert len(window.asked) == 1


async def test_what_nobody_here_understands_is_the_chatbots(
    town: Town, tmp_path: Path, window: Window, bot: Bot
) -> None:
    async with an_account(town, tmp_path, ask=window, chatbot=Chatbot(webhook_url=bot.url)) as account:
        strange = {"type": "new", "source": "elsewhere"}
        assert await account.deliver(strange, account.sender.postback(USER, "yobikake=sites")) == 200
        await _until(lambda: bot.got)
        assert b"elsewhere" in bot.got[0].body
        assert len(window.asked) == 1


async def test_with_the_database_away_the_chatbot_goes_on(
    town: Town, tmp_path: Path, window: Window, bot: Bot
) -> None:
    async with an_account(town, tmp_path, ask=window, chatbot=Chatbot(webhook_url=bot.url)) as account:
        async with database_away(town):
            assert await account.deliver(account.sender.text(USER, "a")) == 503
        await _until(lambda: bot.got)


@pytest.mark.parametrize(
    ("chatbot", "ours"),
    [
        (None, {"text", "location", "follow"}),
        (Chatbot(webhook_url="http://127.0.0.1:1/"), {"location"}),
        (
            Chatbot(webhook_url="http://127.0.0.1:1/", texts=False, greeting=False),
            {"text", "location", "follow"},
        ),
        (Chatbot(webhook_url="http://127.0.0.1:1/", locations=True), set()),
    ],
)
async def test_who_answers_is_a_setting(account: Account, chatbot: Chatbot | None, ours: set[str]) -> None:
    made = {
        "text": account.sender.text(USER, "a"),
        "location": account.sender.location(USER, 1, 2),
        "follow": account.sender.follow(USER),
    }
    chat: Chat = account.chat
    events = {name: parse(account.sender.body([event]))[0] for name, event in made.items()}
    with_bot = _with(chat, chatbot)
    assert {name for name, event in events.items() if with_bot.ours(event)} == ours


def _with(chat: Chat, chatbot: Chatbot | None) -> Chat:
    return replace(chat, chatbot=chatbot)


async def test_nothing_secret_and_nobody_is_in_a_log_whatever_goes_wrong(
    town: Town, tmp_path: Path, window: Window, bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.status = 500
    chatbot = Chatbot(webhook_url=bot.url, texts=False)
    async with an_account(town, tmp_path, ask=window, chatbot=chatbot) as account:
        relay = account.relay
        assert relay is not None
        for fault in ("down", "credentials"):
            setattr(account.line.faults, fault, True)
            await account.deliver(account.sender.text(USER, "足が動きません"), account.sender.sticker(USER))
            setattr(account.line.faults, fault, False)
        body = account.sender.body([account.sender.text(USER, "足が動きません")])
        await _post(account, body, {"X-Line-Signature": "wrong"})
        await _until(lambda: relay.lost == 2)
    said = "".join(capsys.readouterr())
    assert "did not reach the chatbot" in said
    assert "outcome=CREDENTIALS" in said
    for hidden in (SECRET, TOKEN, USER, "足が動きません"):
        assert hidden not in said


# --- answers as messages ---------------------------------------------------------------------------


@pytest.mark.parametrize("language", Language)
def test_line_takes_every_answer_and_what_may_be_touched_below_it(language: Language) -> None:
    reply = Reply(
        kind=Kind.WHICH_HAZARD,
        language=language,
        lead=(bank("どの災害ですか。"),),
        choices=(Choice(label=bank("とても長い名前の災害についてのしつもんです。はい"), ask="長" * 400),)
        * 20,
    )
    made = messages.said(reply, url="https://hub.example")
    assert list(all_faults(_as_line(made))) == []
    items = made[-1]["quickReply"]["items"]
    assert len(items) == messages.TOUCHES
    for item in items:
        assert 1 <= len(item["action"]["label"]) <= messages.LABEL_LIMIT
        assert len(item["action"].get("data", "")) <= messages.DATA_LIMIT
    assert [item["action"] for item in items if item["action"]["type"] == "location"] == [
        {"type": "location", "label": WORDS[language].here}
    ]


def test_what_was_asked_besides_is_answered_behind_it_and_may_be_touched_too() -> None:
    def choice(text: str) -> Choice:
        return Choice(label=bank(text), ask=text)

    second = Reply(
        kind=Kind.CURATED,
        language=Language.JA,
        lead=(bank("二"),),
        choices=(choice("乙"),),
        closing=(bank("終わり"),),
    )
    first = Reply(
        kind=Kind.SITES, language=Language.JA, lead=(bank("一"),), choices=(choice("甲"),), more=(second,)
    )
    [made] = messages.said(first, url="https://hub.example")
    assert made["text"].split() == ["一", "二", "終わり"]
    labels = [item["action"]["label"] for item in made["quickReply"]["items"]]
    assert labels[:2] == ["甲", "乙"]


def test_an_alert_stands_with_its_page_and_a_long_answer_fits() -> None:
    alert = NamedAlert(
        number="2026-0147",
        level=None,
        drill=bank("これは訓練です。"),
        event=bank("避難指示"),
        short=bank("長" * 3000),
        path="/ja/a/2026-0147",
    )
    short = Reply(kind=Kind.ALERTS, language=Language.JA, answer=bank("答え"), closing=(bank("終わり"),))
    assert messages.said(short, url="https://hub.example")[0]["text"].split() == ["答え", "終わり"]
    reply = Reply(kind=Kind.ALERTS, language=Language.JA, alerts=(alert,) * 9, closing=(bank("終わり"),))
    made = messages.said(reply, url="https://hub.example")
    assert list(all_faults(_as_line(made))) == []
    assert made[0]["text"].startswith("これは訓練です。\n避難指示\n長")
    assert made[0]["text"].endswith("https://hub.example/ja/a/2026-0147")
    assert len(made) == 5


def test_labels_fit_lines_quick_replies() -> None:
    for words in WORDS.values():
        for label in (words.here, words.sites, words.alerts, words.register):
            assert 1 <= len(label) <= messages.LABEL_LIMIT, label


def _as_line(made: list[Any]) -> list[Message]:
    return msgspec.convert(made, list[Message])


async def _post(account: Account, body: bytes, headers: dict[str, str]) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{account.url}/callbacks/line", data=body, headers=headers) as answer,
    ):
        status = answer.status
    await account.background.finish(timeout_s=60)
    return status
