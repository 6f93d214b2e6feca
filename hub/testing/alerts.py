"""An alert to test with: a level 4 evacuation order for a flood, in Japanese and English."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from hub.alert import Alert, AlertInfo, Area, DecisionMethod, Mode, Order
from hub.cap import MsgType
from hub.draft import Message
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.language import Language
from hub.recipient import Targeting, WholeCity

SENT = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)

_TEXTS = (
    AlertInfo(
        language=Language.JA,
        event="避難指示",
        headline="警戒レベル4 避難指示（多摩川の洪水）",
        description="昭島市は21時47分、多摩川の洪水について警戒レベル4 避難指示を発令しました。",
        instruction="危険な場所から全員避難してください。",
        short="昭島市：多摩川の洪水、警戒レベル4 避難指示。",
        speech="昭島市は、多摩川の洪水について、警戒レベル4、避難指示を発令しました。",
    ),
    AlertInfo(
        language=Language.EN,
        event="Evacuation Instruction",
        headline="Alert Level 4: evacuate (Tama River flood)",
        description="At 21:47 Akishima City issued an Evacuation Instruction, Alert Level 4, for the Tama River.",
        instruction="Everyone in a dangerous place must evacuate.",
        short="Akishima: Tama River flood, Alert Level 4, evacuate.",
        speech="Akishima City has issued an Evacuation Instruction, Alert Level 4, for the Tama River.",
    ),
)


def an_alert(**changes: Any) -> Alert:
    """A live alert to the whole city by mail, valid for six hours from `sent`; with `changes`."""
    sent: datetime = changes.get("sent", SENT)
    alert = Alert(
        identifier="akishima.example-2026-0001",
        sender="akishima.example",
        sent=sent,
        mode=Mode.LIVE,
        msg_type=MsgType.ALERT,
        hazard=Hazard.FLOOD,
        level=Level.EVACUATE,
        order=_order(sent),
        area=Area(description="昭島市全域"),
        targeting=Targeting(audience=WholeCity(), channels=("mail",)),
        infos=_TEXTS,
        expires=sent + timedelta(hours=6),
    )
    return msgspec.structs.replace(alert, **changes)


def a_message(**changes: Any) -> Message:
    """The same, as a draft's message."""
    message = Message(
        mode=Mode.LIVE,
        msg_type=MsgType.ALERT,
        hazard=Hazard.FLOOD,
        level=Level.EVACUATE,
        order=_order(SENT),
        area=Area(description="昭島市全域"),
        targeting=Targeting(audience=WholeCity(), channels=("mail",)),
        infos=_TEXTS,
        valid_for_s=6 * 3600,
    )
    return msgspec.structs.replace(message, **changes)


def _order(ordered_at: datetime) -> Order:
    return Order(
        issuer="昭島市長",
        method=DecisionMethod.HEADQUARTERS,
        ordered_at=ordered_at,
        grounds="石原水位観測所で氾濫危険水位に到達",
    )
