"""Where staff find what they may set: one entry for each subject."""

from aiohttp import web

from hub.authorise import Action, authorise, may
from operator_ui.staff.console import ACTOR, page

ENTRIES = (
    ("/accounts", "users", "アカウント", "だれが何をできるか。停止、パスワードのリンク", Action.ADMINISTER),
    ("/headquarters", "landmark", "本部の体制", "いまの体制と、いつからか", Action.VIEW),
    ("/on-call", "phone", "当番・代理", "何かあったとき、だれをどの順に呼ぶか", Action.COMPOSE),
    ("/roster", "users", "職員名簿", "参集で呼ぶ職員、班、避難所の鍵当番", Action.CONFIGURE),
    (
        "/muster-rules",
        "bell-ring",
        "参集の自動呼び出し",
        "地震・警報・本部の体制で、だれを呼ぶか",
        Action.CONFIGURE,
    ),
    (
        "/trial-call",
        "phone",
        "登録した電話の確認",
        "登録した番号に1回電話して、つながるかを確かめる",
        Action.TRY_CALL,
    ),
    (
        "/held-back",
        "circle-minus",
        "送信を止めた宛先",
        "事業者が「この宛先はない」と答えた登録と、その再開",
        Action.TRY_CALL,
    ),
    ("/groups", "map-pin", "地域の組", "1回で選べる町の組", Action.CONFIGURE),
    ("/devices", "satellite-dish", "計測機器", "人を数える機器の登録、扉、鍵", Action.CONFIGURE),
    ("/thresholds", "timer", "しきい値", "混み具合の言葉と、判断の目標時間", Action.CONFIGURE),
    (
        "/review",
        "user-check",
        "年度の点検",
        "4月の異動のあと、使うアカウントを確かめる",
        Action.ADMINISTER,
    ),
    ("/account", "user", "自分のアカウント", "できることと、パスワード", Action.VIEW),
)
"""Address, icon, name, what it is for, and whom it takes."""


def routes() -> list[web.RouteDef]:
    return [web.get("/settings", show)]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    return page(
        request,
        "settings.html",
        entries=[entry[:4] for entry in ENTRIES if may(request[ACTOR], entry[4])],
    )
