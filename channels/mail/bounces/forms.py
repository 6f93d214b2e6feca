"""Reports for people: who was not reached, and what is said of each, from the text of a notice.

Each server has its own form. They share few ways to name a recipient, at the beginning of a line, and
none of them can be mistaken for an ordinary sentence with an address in it.
"""

import re
from typing import NamedTuple

from channels.mail.bounces.part import Part, fields, spelled_out
from channels.mail.bounces.report import ADDRESS

MOST_LINES = 5_000
"""Of a notice that are read."""


class Named(NamedTuple):
    """`said`: what stands with the recipient, and what the notice says of all of them."""

    recipient: str
    said: str


_SENDERS = re.compile(
    r"mailer-?daemon|post_?master|mail delivery|delivery subsystem|mdaemon|mail\.delivery|mail[ -]?system|mail administrator"
    r"|no-?reply@|<>|system administrator|complaint",
    re.I,
)
_SUBJECTS = re.compile(
    r"undeliver|delivery (status|failure|failed|problem|has failed|report|notification|warning|error)|returned (mail|to sender)"
    r"|failure (notice|notification|delivery)|fail(ed|ure)\b.*\bdeliver|deliver\w*\b.*\b(fail|delay)|could not be (delivered|sent)|not be delivered|non-?delivery|mail (system )?error"
    r"|delayed|error sending your|automatically rejected|bounce|mail failed|warning: (message|could not)|unable to deliver|メールエラー|配信(不能|エラー)|送信(エラー|できません)",
    re.I,
)

RETURNED = re.compile(
    r"^(?:[^\w\n]{0,30}(?:below this line|enclosed is|attachment is a copy|this is a copy|included is a copy|original message|the header of the original|headers? of (?:the )?original"
    r"|unsent message|returned message|message headers? follow|message text follow|original mail info|message header follow|old message|the first \d+ lines"
    r"|a copy of the original|a summary of the undelivered|message header|below is a copy|mensaje original)"
    r"|(?:return-path|received|delivered-to)\s*:\s*\S)",
    re.I | re.M,
)
"""Where the notice ends and the mail that it is about begins."""

_QUOTED = rf"[<\"'\[(]*(?:smtp:|mailto:)?({ADDRESS}|\"[^\"\n@]+\"@[\w.-]+\w)(?![\w-]|\.\w)[>\"'\])]*"
_LABELS = (
    r"(?:final |original |failed )?recipient(?: address)?|intended recipient|rcpt to|address|could not be delivered to|invalid final delivery userid|unknown user"
    r"|delivery failed \d+ attempts|addressed to|undeliverable to|failed recipient|mail address|user mailbox exceeds allowed size|mail to|e-?mail address|error delivering to|failed addresses?|宛先|送信先"
)
_AT_THE_BEGINNING = re.compile(
    rf"^[\s>*•・-]*{_QUOTED}\s*(?P<rest>$|[:;,.\[(<].*|\.\.\.? .*| on .*|(?:invalid|unknown|is|was|does|user|host|mailbox|[45]\d\d)\b.*)",
    re.I,
)
_AFTER_A_LABEL = re.compile(rf"^[\s*]*(?:{_LABELS})\s*[:：]\s*{_QUOTED}(?P<rest>.*)$", re.I)
_IN_A_SENTENCE = re.compile(
    rf"(?:error delivering your mail to|returned permanent errors:|unable to deliver your message to|[Yy]our (?:e?mail|message) to(?: group)?|wasn't delivered to|status: error, address:|addressed to|unable to deliver (?:a |your |this )?(?:message|mail) to|delivery to|could not (?:be )?deliver(?:ed)? to|not deliver to|could not deliver (?:the |your )?(?:message|mail) to|failed to deliver to|dda:smtp=|\((?:generated|expanded) from)\s*:?\s*{_QUOTED}(?P<rest>.*)$",
    re.I,
)
_FORMS = (_AT_THE_BEGINNING, _AFTER_A_LABEL, _IN_A_SENTENCE)

_FAILING = re.compile(
    r"(?i)\b(full|unknown|fail|reject|invalid|unable|undeliver|not (be )?deliver|no such|does ?n[o']t)"
)
_ANYWHERE = re.compile(rf"[<\"']({ADDRESS})[>\"']")

_TRANSCRIPT = (
    re.compile(rf">>> rcpt to:\s*<({ADDRESS})>", re.I),
    re.compile(rf"^\s*[45]\d\d[ -](?:[45]\.\d+\.\d+ )?<({ADDRESS})>", re.I | re.M),
)


def is_notice(mail: Part) -> bool:
    """Whether a mail looks as if a server had written it about another mail."""
    if mail.header("x-failed-recipients") or mail.parameter("report-type").lower() == "delivery-status":
        return True
    sender, subject = spelled_out(mail.header("from")), spelled_out(mail.header("subject"))
    return bool(_SENDERS.search(sender) or not sender or _SUBJECTS.search(subject))


def is_from_a_server(mail: Part) -> bool:
    """By its sender alone."""
    return bool(
        re.search(r"(?i)mailer-?daemon|ndr administrator|post_?master", spelled_out(mail.header("from")))
    )


def notice(mail: Part) -> str:
    """The text that speaks of the failure, without the mail that came back."""
    texts = [
        part.text
        for part in _own(mail)
        if part.type.startswith(("text/", "multipart/")) and part.text.strip()
    ]
    whole = "\n".join(texts[:2])
    found = RETURNED.search(whole)
    if found and whole[: found.start()].strip():
        return whole[: found.start()]
    return whole


def named(mail: Part) -> list[Named]:
    """Everyone of whom the notice says that the mail did not reach them."""
    text = notice(mail)
    for find in (_listed, _in_transcript, _beside_a_failure):
        if found := find(text, _addressee(mail)):
            return found
    failed = re.findall(ADDRESS, mail.header("x-failed-recipients"))
    if failed:
        return [Named(each, text) for each in dict.fromkeys(failed)]
    return []


def returned_to(mail: Part) -> str:
    """To whom the mail that came back was written, where it was one person."""
    found = re.findall(ADDRESS, returned_headers(mail).get("to", ""))
    return found[0] if len(found) == 1 else ""


def returned_headers(mail: Part) -> dict[str, str]:
    """The headers of the mail that came back; the first of each name."""
    for part in mail.walk():
        if part.type in ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
            return dict(reversed(fields(part.text)))
        if part.type in ("message/rfc822", "message/global") and part.parts:
            return dict(reversed(part.parts[0].headers))
    text = "\n".join(part.text for part in _own(mail))
    found = RETURNED.search(text)
    return dict(reversed(fields(text[found.start() :]))) if found else {}


def _own(mail: Part) -> list[Part]:
    """The parts that are not the returned mail."""
    found = [] if mail.parts else [mail]
    for part in mail.parts:
        if not mail.type.startswith("message/"):
            found += _own(part)
    return found


def _addressee(mail: Part) -> str:
    """To whom the notice itself is written: the sender of what failed."""
    found = re.search(ADDRESS, mail.header("to"))
    return found[0].lower() if found else ""


def _listed(text: str, addressee: str) -> list[Named]:
    found: list[list[str]] = []
    common: list[str] = []
    for line in text.split("\n")[:MOST_LINES]:
        hit = _hit(line)
        if hit is None:
            (found[-1] if found else common).append(line)
        elif found and found[-1][0].lower() == hit[0].lower():
            found[-1].append(hit[1])
        else:
            found.append([*hit])
    merged: dict[str, Named] = {}
    for recipient, *said in found:
        known = merged.get(recipient.lower())
        told = "\n".join(said)
        merged[recipient.lower()] = (
            Named(recipient, f"{known.said}\n{told}") if known else Named(recipient, told)
        )
    others = [each for key, each in merged.items() if key != addressee] or list(merged.values())
    context = "\n".join(common)
    last = others[-1].said if others else ""
    return [Named(each.recipient, _said(each.said, last, context)) for each in others]


def _said(own: str, last: str, context: str) -> str:
    """Several in a row share what follows the last; one with nothing gets what the notice says."""
    for text in (own, last):
        if re.search(r"[^\W\d_]{3}", text):
            return text
    return context


def _hit(line: str) -> tuple[str, str] | None:
    if len(line) > 2000:
        return None
    for form in _FORMS:
        if found := (form.search(line) if form is _IN_A_SENTENCE else form.match(line)):
            return found[1].strip('"') if found[1].count('"') == 1 else found[1], found[
                "rest"
            ] if form is _AT_THE_BEGINNING else line
    return None


def _in_transcript(text: str, addressee: str) -> list[Named]:
    """Sendmail's old form: the session as it went."""
    found = [each for form in _TRANSCRIPT for each in form.findall(text) if each.lower() != addressee]
    return [Named(each, text) for each in dict.fromkeys(found)]


def _beside_a_failure(text: str, addressee: str) -> list[Named]:
    """Last: an address in brackets in a short line that says what went wrong."""
    lines = [line for line in text.split("\n")[:MOST_LINES] if len(line) < 200 and _FAILING.search(line)]
    found = [each for line in lines for each in _ANYWHERE.findall(line) if each.lower() != addressee]
    return [Named(each, text) for each in dict.fromkeys(found)]
