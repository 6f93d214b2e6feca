"""An alert in the words of CAP 1.2, with the order (発令) it transmits."""

from datetime import datetime
from enum import StrEnum

import msgspec

from hub.cap import MsgType, Status
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.language import Language
from hub.recipient import Called, Targeting


class Mode(StrEnum):
    """Whom an alert may reach. Fixed when the draft is made, carried in every event (I6)."""

    LIVE = "live"  # 本番
    RESIDENT_DRILL = "resident_drill"  # 住民参加訓練: residents who opted in
    STAFF_DRILL = "staff_drill"  # 職員訓練: staff only

    @property
    def status(self) -> Status:
        """CAP alert/status."""
        return Status.ACTUAL if self is Mode.LIVE else Status.EXERCISE


class Lane(StrEnum):
    """Urgent work has its own topics, workers and sockets, so that it overtakes routine (I4)."""

    URGENT = "urgent"
    ROUTINE = "routine"


class DecisionMethod(StrEnum):
    """決定方法: how the order was decided."""

    HEADQUARTERS = "本部会議"
    TELEPHONE = "電話"
    DEPUTY = "職務代理"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """発令: the decision that the hub transmits. The hub records it; it does not take it.

    災害対策基本法 60条: the mayor orders; a delegate only as a delegate.
    """

    issuer: str  # 発令者
    method: DecisionMethod  # 決定方法
    ordered_at: datetime  # 発令時刻
    grounds: str  # 根拠, for example a gauge over 氾濫危険水位


class AlertInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of one language (CAP info). Each may hold slots: `{issued_at}`, `{shelters}` ….

    `headline` is a line by itself (mail subject, LINE alt text). `short` stands alone on X and SMS.
    `speech` stands alone on the telephone and holds the whole order.
    """

    language: Language
    event: str
    headline: str
    description: str
    instruction: str
    short: str
    speech: str


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """CAP area: the words for the place, as the texts use them."""

    description: str


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one message to the public. Immutable: a change is a new alert that refers to this.

    `sequence` orders the alerts of one event: an update never precedes what it updates (I11).
    `references` are identifiers of the alerts this one updates, corrects or cancels.
    """

    identifier: str  # CAP alert/identifier: no space, comma, < or &
    sender: str
    sent: datetime
    mode: Mode
    msg_type: MsgType
    hazard: Hazard
    level: Level | None  # None: 「レベルなし」, an earthquake or a utility
    order: Order
    area: Area
    targeting: Targeting
    infos: tuple[AlertInfo, ...]
    expires: datetime
    sequence: int = 1
    references: tuple[str, ...] = ()
    correction: bool = False  # 訂正: says that the referenced alert was wrong
    first: str = ""  # identifier of the first alert of this event; empty: this one

    @property
    def thread(self) -> str:
        """The same for every alert of one event."""
        return self.first or self.identifier

    @property
    def status(self) -> Status:
        return self.mode.status

    @property
    def public(self) -> bool:
        """Whether it is for residents (CAP 1.2 alert/scope `Public`). A call of staff is `Private`, drill or live."""
        return not isinstance(self.targeting.audience, Called)

    @property
    def lane(self) -> Lane:
        """Life safety, and every change to what was sent before, goes in the urgent lane."""
        urgent = (
            self.msg_type is not MsgType.ALERT or self.level is None or self.level >= Level.ELDERLY_EVACUATE
        )
        return Lane.URGENT if urgent else Lane.ROUTINE

    def info(self, language: Language) -> AlertInfo:
        """The texts in `language`, else in its fallback, else the first."""
        by_language = {info.language: info for info in self.infos}
        return by_language.get(language) or by_language.get(language.fallback) or self.infos[0]
