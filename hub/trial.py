"""The trial call: whoever is registered with a telephone is called once, at staff's wish, so that they know the number
from which the city will call, and staff know that theirs is right.

It is no alert and no drill, and says neither word. It reaches the one number that staff typed, and only if it is in the
register. Nobody is called twice in ten minutes, and no line is taken while an alert may need it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Connection, select

from hub import contact
from hub.alert import Lane, Mode
from hub.authorise import Action, Actor, authorise
from hub.cap import MsgType
from hub.channel import Channel, Content, Parcel, Span
from hub.clock import Clock, happened
from hub.contact import Wrong
from hub.delivery import BatchId, Outcome, Result
from hub.errors import BadInput, Conflict, DeliveryFailure, Expired
from hub.keys import Keys
from hub.language import Language
from hub.ledger import Ledger, alerts, audit, register, tables, trouble
from hub.recipient import Recipient

AGAIN_AFTER = timedelta(minutes=10)
"""Until the same person may be called again."""
BETWEEN = timedelta(seconds=5)
"""Of any two trial calls."""
WITHIN = timedelta(minutes=1)
"""Until it must have begun."""
SUBJECT = "trial calls"

WORDS: Mapping[Language, str] = {
    Language.JA: "こちらは、{city}です。登録された電話に、つながるかを確かめています。災害の情報ではありません。"
    "災害のときは、この番号から電話します。電話帳に登録しておいてください。",
    Language.JA_EASY: "{city}です。あなたの電話に、つながるかを、調べています。災害の電話では、ありません。"
    "災害のときは、この番号から、電話をします。",
    Language.EN: "This is {city}. We are checking that we can reach your telephone. This is no disaster information. "
    "In a disaster we call from this number. Please save it.",
    Language.ZH_HANS: "这里是{city}。我们正在确认能否拨通您登记的电话。这不是灾害信息。发生灾害时，我们会用这个号码给您打电话。请保存这个号码。",
    Language.ZH_HANT: "這裡是{city}。我們正在確認能否撥通您登記的電話。這不是災害資訊。發生災害時，我們會用這個號碼打給您。請儲存這個號碼。",
    Language.KO: "{city}입니다. 등록하신 전화가 연결되는지 확인하고 있습니다. 재난 정보가 아닙니다. "
    "재난이 나면 이 번호로 전화를 드립니다. 저장해 두십시오.",
    Language.VI: "Đây là {city}. Chúng tôi đang kiểm tra xem có gọi được cho bạn không. Đây không phải là thông tin thiên tai. "
    "Khi có thiên tai, chúng tôi sẽ gọi từ số này. Xin hãy lưu số này.",
}


PAGE: Mapping[Language, tuple[str, str]] = {
    Language.JA: (
        "FAXの登録の確認",
        "{city}です。登録されたFAXに紙が出るかを確かめています。災害の情報ではありません。返信はいりません。\n"
        "災害のときは、避難などの情報をこのFAXに送ります。",
    ),
    Language.JA_EASY: (
        "FAXの 確認（かくにん）",
        "{city}です。あなたのFAXに 紙（かみ）が 出（で）るかを 調（しら）べています。災害（さいがい）の お知（し）らせでは ありません。"
        "返事（へんじ）は いりません。\n災害（さいがい）のときは、このFAXに お知（し）らせを 送（おく）ります。",
    ),
    Language.EN: (
        "Checking your fax",
        "This is {city}. We are checking that a page comes out of your fax machine. This is no disaster information. "
        "You need not answer.\nIn a disaster we send information to this fax.",
    ),
    Language.ZH_HANS: (
        "传真登记确认",
        "这里是{city}。我们正在确认您登记的传真机能否收到。这不是灾害信息，无需回复。\n发生灾害时，我们会向这台传真机发送避难等信息。",
    ),
    Language.ZH_HANT: (
        "傳真登記確認",
        "這裡是{city}。我們正在確認您登記的傳真機能否收到。這不是災害資訊，無需回覆。\n發生災害時，我們會向這台傳真機發送避難等資訊。",
    ),
    Language.KO: (
        "팩스 등록 확인",
        "{city}입니다. 등록하신 팩스에 종이가 나오는지 확인하고 있습니다. 재난 정보가 아닙니다. 회신하지 않으셔도 됩니다.\n"
        "재난이 나면 피난 등의 정보를 이 팩스로 보냅니다.",
    ),
    Language.VI: (
        "Kiểm tra máy fax đã đăng ký",
        "Đây là {city}. Chúng tôi đang kiểm tra xem máy fax của bạn có nhận được không. Đây không phải là thông tin thiên tai. "
        "Bạn không cần trả lời.\nKhi có thiên tai, chúng tôi sẽ gửi thông tin sơ tán đến máy fax này.",
    ),
    Language.NE: (
        "दर्ता भएको फ्याक्सको जाँच",
        "यो {city} हो। तपाईंको फ्याक्समा कागज निस्किन्छ कि निस्किँदैन भनी जाँच गरिँदैछ। यो विपद्को सूचना होइन। जवाफ दिनु पर्दैन।\n"
        "विपद् पर्दा सुरक्षित ठाउँमा जाने लगायतका सूचना यही फ्याक्समा पठाइन्छ।",
    ),
}
"""Of a trial by fax: its headline, and its text."""


class Asked(NamedTuple):
    """Whom to call, once the wish is in the trail. Its `repr` shows no number."""

    to: Recipient
    language: Language


async def ask(ledger: Ledger, keys: Keys, kind: str, typed: str, actor: Actor, *, at: datetime) -> Asked:
    """Write down that `typed` is to be called by the channel `kind`; durable when this returns.

    Raises:
        Forbidden: no right.
        BadInput: it is no telephone number, or not registered.
        Conflict: it was called a moment ago, or an urgent alert is in force.
        DatabaseAway: the ledger cannot take it.
    """
    authorise(actor, Action.TRY_CALL)
    try:
        address = contact.TYPED[kind](typed)
    except Wrong as e:
        raise BadInput("number", f"{e.english} / {e.japanese}") from None

    def work(conn: Connection) -> Asked:
        recipient = register.find(conn, keys, kind, address)
        if recipient is None:
            raise BadInput(
                "number",
                "is not registered for calls; register it first / 電話の登録がありません。先に登録してください",
            )
        _may_call(conn, keys, recipient, at)
        person = tables.recipients.c
        language = conn.execute(select(person.language).where(person.id == recipient)).scalar_one()
        audit.append(
            conn, keys, at=at, actor=actor.login, action="call.try", subject=SUBJECT,
            detail={"recipient": recipient, "channel": kind},
        )  # fmt: skip
        return Asked(Recipient(id=recipient, address=address), Language(language))

    with trouble.told():
        return await ledger.write(work)


async def call(
    channel: Channel,
    asked: Asked,
    *,
    city: Mapping[Language, str],
    clock: Clock,
    key: UUID | None = None,
    link: str = "",
) -> Result:
    """Hand the one call over, or the one page. Never raises for what the gateway does: the result says it."""
    written = channel.capabilities.kind == "fax"
    content = (_page if written else _spoken)(asked.language, city, clock(), link)
    parcel = _parcel(asked, content, clock, key or uuid4())
    try:
        async for result in channel.send(parcel):
            return result
    except Expired:
        return Result(asked.to.id, Outcome.EXPIRED)
    except DeliveryFailure as e:
        return Result(asked.to.id, Outcome.AMBIGUOUS, reason=e.reason)
    return Result(asked.to.id, Outcome.AMBIGUOUS, reason="no-result")


def _may_call(conn: Connection, keys: Keys, recipient: int, at: datetime) -> None:
    if any(
        each.alert.mode is Mode.LIVE and each.alert.lane is Lane.URGENT
        for each in alerts.active(conn, keys, at=at)
    ):
        raise Conflict(
            "緊急の情報が出ているあいだは、回線をあけておくため、かけられません / "
            "While an urgent alert is in force the lines are kept free for it"
        )
    for entry in audit.about(conn, [SUBJECT]):
        if at - entry.at >= AGAIN_AFTER:
            break
        if happened(entry.at, by=at) is None:
            continue
        if entry.detail["recipient"] == recipient:
            raise Conflict(
                "この番号には10分以内にかけました。少し待ってください / This number was called within the last ten minutes"
            )
        if at - entry.at < BETWEEN:
            raise Conflict(
                "続けてはかけられません。5秒待ってください / Wait five seconds between two of these calls"
            )


def _spoken(language: Language, city: Mapping[Language, str], at: datetime, link: str) -> Content:
    spoken = language if language in WORDS else language.fallback
    text = WORDS[spoken].format(city=city[spoken])
    return _content(spoken, city[spoken], text, text, at=at, link=link)


def _page(language: Language, city: Mapping[Language, str], at: datetime, link: str) -> Content:
    headline, body = PAGE[language]
    return _content(language, city[language], headline, body.format(city=city[language]), at=at, link=link)


def _content(
    language: Language, sender: str, headline: str, text: str, *, at: datetime, link: str
) -> Content:
    whole = (Span(text),)
    return Content(
        language=language,
        mode=Mode.LIVE,
        msg_type=MsgType.ALERT,
        level=None,
        identifier=f"trial-{uuid4()}",
        number="",
        sender=sender,
        sent=at,
        headline=(Span(headline),),
        body=whole,
        short=whole,
        speech=whole,
        link=link,
    )


def _parcel(asked: Asked, content: Content, clock: Clock, key: UUID) -> Parcel:
    def gate() -> None:
        if clock() >= content.sent + WITHIN:
            raise Expired(content.identifier)

    return Parcel(
        batch_id=BatchId(content.identifier),
        attempt=1,
        idempotency_key=key,
        mode=content.mode,
        expires_at=content.sent + WITHIN,
        content=content,
        to=[asked.to],
        gate=gate,
    )
