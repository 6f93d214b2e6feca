"""One mail, judged: everybody whom it reports, with the reason."""

import re
from dataclasses import dataclass

from channels.mail.bounces import complaint, forms, notification, report
from channels.mail.bounces.bounce import Bounce, Reason
from channels.mail.bounces.notification import Notification
from channels.mail.bounces.part import Part, take_apart
from channels.mail.bounces.reasons import code_in, code_of, reason
from channels.mail.bounces.report import Fate, address

GOOD = ("delivered", "relayed", "expanded")
"""Actions (RFC 3464 §2.3.3) that are no bounces. Besides `failed` and `delayed` servers write what they like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a mail reports, and of which of our own it does."""

    bounces: tuple[Bounce, ...]
    delivered: tuple[str, ...] = ()
    """Recipients whom a report says it reached."""
    envelope: str = ""
    """The ENVID it names (RFC 3461 §4.4)."""
    message_id: str = ""
    """Of the mail that came back."""


def classify(mail: bytes) -> list[Bounce]:
    """Everybody whom this mail reports as not reached; empty where it is no bounce. Never raises."""
    return list(read(mail).bounces)


def read(mail: bytes) -> Read:
    """As `classify`, with what tells whose mail it is about."""
    opened = take_apart(mail)
    complained = complaint.complainants(opened)
    reported = report.read(opened)
    if complained is not None:
        bounces = [Bounce(recipient=each, reason=Reason.FEEDBACK) for each in complained]
    elif reported.fates:
        bounces = _reported(opened, list(reported.fates))
    elif notified := notification.read(opened):
        bounces = _notified(notified)
    else:
        bounces = _noticed(opened) if forms.is_notice(opened) else []
    returned = forms.returned_headers(opened) if bounces or reported.fates else {}
    return Read(
        bounces=tuple(bounces),
        delivered=tuple(fate.recipient for fate in reported.fates if fate.action == "delivered"),
        envelope=reported.envelope,
        message_id=returned.get("message-id", ""),
    )


def _reported(mail: Part, fates: list[Fate]) -> list[Bounce]:
    failed = {fate.recipient.lower(): fate for fate in fates if fate.action not in GOOD}
    said = forms.notice(mail)
    by_name = {each.recipient.lower(): each.said for each in forms.named(mail)} if len(failed) > 1 else {}
    return [_from_fate(fate, by_name.get(key, said)) for key, fate in failed.items()]


def _from_fate(fate: Fate, said: str) -> Bounce:
    """The diagnostic decides; the notice only where that says too little."""
    delayed = fate.action.startswith(("delay", "defer"))
    found = reason(fate.diagnostic, fate.status, context=said) if fate.diagnostic else Reason.UNDEFINED
    if found in (Reason.UNDEFINED, Reason.ON_HOLD) and said:
        found = reason(f"{fate.diagnostic}\n{said}", fate.status)
    status = code_of(fate.diagnostic, fate.status)
    return Bounce(
        recipient=fate.recipient, reason=found, status=status, original=fate.original, delayed=delayed
    )


def _notified(notified: Notification) -> list[Bounce]:
    bounced = notified.bounce.recipients if notified.bounce else []
    complained = notified.complaint.recipients if notified.complaint else []
    return [
        Bounce(
            recipient=address(each.address),
            reason=reason(each.diagnostic, each.status),
            status=code_of(each.diagnostic, each.status),
            delayed=each.action == "delayed",
        )
        for each in bounced
        if each.action not in GOOD
    ] + [Bounce(recipient=address(each.address), reason=Reason.FEEDBACK) for each in complained]


_STILL_TRYING = re.compile(
    r"has not yet been delivered|has been delayed|is delayed|warning message only|will (be retried|continue)|temporary failure report|postponed",
    re.I,
)


def _noticed(mail: Part) -> list[Bounce]:
    text = forms.notice(mail)
    named = forms.named(mail)
    if not named and (alone := forms.returned_to(mail)) and forms.is_from_a_server(mail):
        named = [forms.Named(alone, text)]
    delayed = bool(_STILL_TRYING.search(text))
    return [_from_notice(each, text, delayed) for each in named]


def _from_notice(named: forms.Named, text: str, delayed: bool) -> Bounce:
    status = code_in(named.said, like="")
    found = reason(named.said, status, context=text)
    if found is Reason.ON_HOLD:
        found = reason(text, status)
    return Bounce(recipient=named.recipient, reason=found, status=status, delayed=delayed)
