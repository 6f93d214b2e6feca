"""Parcels to try a connector with: a level-4 flood order for a city that does not exist."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hub.alert import Mode
from hub.cap import MsgType
from hub.channel import Content, Parcel, Span
from hub.delivery import BatchId
from hub.evacuation import Level
from hub.language import Language
from hub.recipient import Recipient

NOW = datetime(2026, 9, 8, 12, 47, tzinfo=UTC)
"""The present of every parcel here: 21:47 in Japan."""


def always_open() -> None:
    """A gate that lets everything through."""


def parcel(
    to: Sequence[Recipient],
    *,
    gate: Callable[[], None] = always_open,
    language: Language = Language.JA,
    attempt: int = 1,
    resend: bool = False,
) -> Parcel:
    """The same parcel each time, but for what is asked: as the engine makes it for a retry."""
    return Parcel(
        batch_id=BatchId("2026-0147/1/suite/0"),
        attempt=attempt,
        idempotency_key=UUID("0b8e3a52-6a1c-4c4f-9f0e-5d6c1b7a2e90"),
        mode=Mode.LIVE,
        expires_at=NOW + timedelta(hours=3),
        content=content(language),
        to=to,
        gate=gate,
        prepare=gate,
        resend=resend,
    )


def content(language: Language = Language.JA, *, identifier: str = "rehearsal-2026-0147") -> Content:
    """Japanese, or English for every other language."""
    headline, body, short, speech = JAPANESE if language is Language.JA else ENGLISH
    return Content(
        language=language,
        mode=Mode.LIVE,
        msg_type=MsgType.ALERT,
        level=Level.EVACUATE,
        identifier=identifier,
        number="2026-0147",
        sender="よびかけ市" if language is Language.JA else "Yobikake City",
        sent=NOW,
        headline=(Span(headline),),
        body=(Span(body[0]), Span(body[1], "shelters"), Span(body[2])),
        short=(Span(short),),
        speech=(Span(speech),),
        link=f"https://hub.example/a/2026-0147/{language}",
    )


JAPANESE = (
    "【警戒レベル4】避難指示（洪水）川沿い地区",
    (
        "よびかけ市は21時47分、青波川の洪水について警戒レベル4 避難指示を発令しました。\n"
        "危険な場所にいる方は、全員避難してください。\n\n洪水のときに使える避難場所\n",
        "・つつじ小学校　空いています（21時40分）",
        "\n\n.点で始まる行もそのまま届きます。\n川には近づかないでください。",
    ),
    "よびかけ市 21時47分 警戒レベル4 避難指示（洪水）。川沿い地区の方は全員避難してください。第2026-0147号",
    "こちらは、よびかけ市です。川沿い地区に、洪水の、警戒レベル4、避難指示を発令しました。",
)

ENGLISH = (
    "[Alert Level 4] Evacuate (flood): Kawazoi",
    (
        "At 21:47 Yobikake City ordered an evacuation, Alert Level 4, because of flooding of the Aonami River.\n"
        "Everyone in a dangerous place must leave now.\n\nShelters you can use in a flood\n",
        "- Tsutsuji Elementary School: space available (21:40)",
        "\n\n.A line that begins with a dot arrives whole.\nStay away from the river.",
    ),
    "Yobikake City 21:47. Alert Level 4: evacuate (flood), Kawazoi. No. 2026-0147",
    "This is Yobikake City. Alert Level 4, evacuate, has been ordered for Kawazoi because of flooding.",
)
