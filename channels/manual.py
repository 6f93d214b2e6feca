"""What has no API a city can call: copy-ready sheets that staff carry over by hand and tick.

緊急速報メール, Lアラート, Yahoo!防災速報, 防災行政無線, 広報車. ACCEPTED means that the sheet stands
ready in the console; the tick is a receipt, written in the commit of the tick itself, and only then is it
DELIVERED: carried over. Whom that reached is not known here.
"""

import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Annotated, ClassVar, Literal, NamedTuple

import msgspec
from msgspec import Meta

from channels._display import display_text
from channels._fit import CUT, MEASURES, fitted, lines
from channels._settings import Ref
from hub.alert import Mode
from hub.capabilities import Capabilities, Drilling, Unit
from hub.channel import Content, Health, Parcel, Receipt, Target
from hub.clock import Clock
from hub.delivery import Outcome, ProviderRef, Result
from hub.errors import PermanentFailure
from hub.outbound import Deployment, Outbound
from hub.recipient import Recipient

KEPT_AT_LEAST = 1 / 2
"""Of a text that is cut."""

DRILL = "【訓練 入力しないでください】"
"""Begins every sheet of a drill, and of a rehearsal hub, so that nobody carries it over."""

CAPABILITIES = Capabilities(
    kind="manual",
    japanese="手作業（緊急速報メールなど）",
    unit=Unit.SHEETS,
    batch_size=20,
    one_instance=True,
    drilling=Drilling.PREVIEW_ONLY,
    receipt_wait=timedelta(hours=6),
    resends_ambiguous=False,
    request_deadline=timedelta(0),
)


class Sheet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One form to fill in. `limit` counts by `measure`: `characters`, or `full_width`, where two
    half-width characters count as one. `text` says which of an alert's texts it takes; `display` is the short one with
    the level in front. `columns`: full-width characters of a line, where the form breaks lines; 0: it does not.

    `headline`: the first line is the headline, and counts. `title_limit`: the form has a field for a title, of so
    many. `by`: the department or person who carries it over.
    """

    ref: Ref
    name: str
    limit: Annotated[int, Meta(ge=20)]
    measure: Literal["characters", "full_width"] = "characters"
    text: Literal["body", "short", "speech", "display"] = "body"
    headline: bool = True
    title_limit: Annotated[int, Meta(ge=8)] | None = None
    columns: Annotated[int, Meta(ge=0)] = 0
    by: str = ""

    @property
    def read_out(self) -> bool:
        return self.text == "speech"


class Field(NamedTuple):
    """One field of a form, ready to copy. `name` is empty where the form has only one."""

    name: str
    text: str
    length: int
    limit: int


SHEETS = (
    Sheet(ref="area-mail", name="緊急速報メール", title_limit=15, limit=200, headline=False),
    Sheet(ref="yahoo", name="Yahoo!防災速報", limit=400),
    Sheet(ref="broadcast", name="コミュニティFM・ケーブルテレビ", limit=400, text="speech", headline=False),
    Sheet(ref="radio", name="防災行政無線", limit=250, text="speech", headline=False),
    Sheet(
        ref="text-receiver",
        name="文字表示付き戸別受信機",
        limit=120,
        measure="full_width",
        text="display",
        headline=False,
    ),
    Sheet(ref="van", name="広報車", limit=150, text="speech", headline=False),
)
"""To begin with. Each city's contracts and forms have their own limits: it sets them. Lアラート has sheets of its own,
for more than alerts (`operator_ui/staff/public_notices.py`)."""


BY_CONNECTOR: Mapping[str, frozenset[str]] = {"loudspeaker": frozenset({"radio", "text-receiver"})}
"""Which of `SHEETS` another channel makes needless."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.manual]`. The order of the sheets is that of the checklist."""

    sheets: tuple[Sheet, ...] = SHEETS

    def __post_init__(self) -> None:
        if len({sheet.ref for sheet in self.sheets}) < len(self.sheets):
            raise ValueError("two sheets have the same ref / ref が重複しています")

    def beside(self, channels: Collection[str]) -> "Settings":
        """Without what these channels do by themselves. Sheets that a city wrote down stay."""
        if self.sheets is not SHEETS:
            return self
        done = {ref for channel in channels for ref in BY_CONNECTOR.get(channel, ())}
        return Settings(sheets=tuple(sheet for sheet in SHEETS if sheet.ref not in done))


class Manual:
    """Implements `hub.channel.Channel` and `hub.channel.Targets`: one target a sheet. Nothing leaves."""

    capabilities: ClassVar[Capabilities] = CAPABILITIES

    def __init__(self, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        self.sheets: Mapping[str, Sheet] = {sheet.ref: sheet for sheet in settings.sheets}
        self._rehearsal = outbound.deployment is Deployment.REHEARSAL
        self._clock = clock

    def targets(self) -> Sequence[Target]:
        return [
            Target(ref=sheet.ref, name=sheet.name, by=sheet.by, read_out=sheet.read_out)
            for sheet in self.sheets.values()
        ]

    def fields(self, content: Content, sheet: Sheet) -> Sequence[Field]:
        """What the console shows to be copied; as `fields`, and marked in a rehearsal hub."""
        return fields(content, sheet, rehearsal=self._rehearsal)

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        for recipient in parcel.to:
            parcel.gate()
            yield self._prepare(parcel, recipient)

    async def probe(self) -> Health:
        detail = f"シート {len(self.sheets)} 枚 / {len(self.sheets)} sheets"
        return Health(ok=True, detail=detail, checked_at=self._clock())

    def _prepare(self, parcel: Parcel, recipient: Recipient) -> Result:
        if parcel.mode is not Mode.LIVE:
            return Result(recipient.id, Outcome.UNSUPPORTED, reason="drill")
        sheet = self.sheets.get(recipient.address)
        if sheet is None:
            return Result(recipient.id, Outcome.PERMANENT, reason="no such sheet")
        try:
            self.fields(parcel.content, sheet)
        except PermanentFailure as e:
            return Result(recipient.id, Outcome.UNSUPPORTED, reason=e.reason)
        return Result(recipient.id, Outcome.ACCEPTED, reference(parcel.content.identifier, sheet.ref))


def fields(content: Content, sheet: Sheet, *, rehearsal: bool = False) -> Sequence[Field]:
    """What to copy into the form, in its order, each at most as long as it takes.

    Raises:
        PermanentFailure: as `sheet_text`.
    """
    measure = MEASURES[sheet.measure]
    text = sheet_text(content, sheet, rehearsal=rehearsal)
    if sheet.title_limit is None:
        return [Field("", text, ceil(measure(text)), sheet.limit)]
    mark = (
        "【訓練】" if rehearsal and content.mode is Mode.LIVE else ""
    )  # a drill's headline has one of its own
    title = _title(mark + content.text(content.headline), sheet.title_limit, measure)
    return [
        Field("件名", title, ceil(measure(title)), sheet.title_limit),
        Field("本文", text, ceil(measure(text)), sheet.limit),
    ]


def sheet_text(content: Content, sheet: Sheet, *, rehearsal: bool = False) -> str:
    """The text to copy into the form: at most `sheet.limit` long, cut only at the end of a sentence, and then in the
    form's lines.

    Where something had to go, it ends with `CUT`. Where less than `KEPT_AT_LEAST` of it would be left, the alert's short
    text takes its place, if that fits as a whole: it names the order and what to do, which a beginning may not get to.
    A drill's, and a rehearsal hub's, begins with `DRILL`.

    Raises:
        PermanentFailure: not even the short text fits; somebody has to write one.
    """
    mark = DRILL if rehearsal or content.mode is not Mode.LIVE else ""
    headline = f"{content.text(content.headline)}\n" if sheet.headline else ""
    measure, said = MEASURES[sheet.measure], _said(content, sheet)
    brief = mark + (_read_out(content) if sheet.read_out else content.text(content.short))
    end = "" if sheet.read_out else CUT
    fit = fitted(mark + headline, said, sheet.limit, measure, end)
    whole = measure(mark + headline + said)
    if fit is not None and measure(fit.removesuffix(end)) >= KEPT_AT_LEAST * whole:
        return _in_lines(fit, sheet)
    if measure(brief) <= sheet.limit:
        return _in_lines(brief, sheet)
    if fit := fit or fitted(mark, brief.removeprefix(mark), sheet.limit, measure, end):
        return _in_lines(fit, sheet)
    raise PermanentFailure(
        "too long",
        f"{sheet.name}: {sheet.limit}字に収まる文がありません。短い文を作ってください。 / "
        "no whole sentence fits; write a shorter text",
    )


def reference(identifier: str, ref: str) -> ProviderRef:
    """Under which a sheet's tick is recorded."""
    return ProviderRef(f"{identifier}/{ref}")


def ticked(identifier: str, ref: str, *, at: datetime) -> Receipt:
    """Staff carried the sheet over; who did is in the audit trail."""
    return Receipt(ref=reference(identifier, ref), outcome=Outcome.DELIVERED, at=at, reason="ticked")


def _in_lines(text: str, sheet: Sheet) -> str:
    return lines(text, sheet.columns) if sheet.columns else text


def _said(content: Content, sheet: Sheet) -> str:
    if sheet.text == "display":
        return display_text(content)
    return content.text({"body": content.body, "short": content.short, "speech": content.speech}[sheet.text])


def _read_out(content: Content) -> str:
    """The short text as one says it: what stands in 【】 is a sentence, and nobody reads out the alert's number."""
    short = content.text(content.short).replace(f"（{content.number}）", "")
    return _BRACKETED.sub(r"\1。", short).replace("：", "、")


def _title(headline: str, limit: int, measure: Callable[[str], float]) -> str:
    """As much of the headline as the form takes: all of it, or what stands before its first gap, or what fits."""
    for title in (headline, _GAP.split(headline)[0]):
        if measure(title) <= limit:
            return title
    fitting = (title[:end] + "…" for end in range(len(title), 0, -1))
    return next(each for each in fitting if measure(each) <= limit)


_BRACKETED = re.compile(r"【([^】]*)】")
_GAP = re.compile(r"[　（]")
