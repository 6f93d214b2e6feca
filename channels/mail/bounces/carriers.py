"""What the Japanese carriers' servers say, where it means something else than elsewhere.

docomo and au answer «unknown user» for an address that is none, and for one whose subscriber takes no mail
from such senders (ドメイン指定受信, 迷惑メール対策). au names the address only where it answers to RCPT. SoftBank
says nothing of its subscribers' filters, and «invalid recipient» where there is none. Sources: the mails
themselves, and what senders have published (https://note.com/sendmagic, SMTP応答コードについて).
"""

import re

from channels.mail.bounces.bounce import Reason

KNOWS = re.compile(
    r"550:? <[^<>@\s]+@(ezweb\.ne|au|uqmobile)\.(com|jp)>: user unknown|550 invalid recipient: <[^<>]+@(i\.)?(softbank|vodafone)"
)
"""Words after which nobody is there, although no command is named."""

_WORDS = (
    (Reason.MAILBOX_FULL, r"552 too much mail data|as their mailbox is full|メールボックスが一杯"),
    (Reason.SUSPEND, r"the user\(s\) account is (disabled|temporarily limited)"),
    (
        Reason.MAILBOX_FULL,
        r"the user\(s\) account is temporarily over ?quota|number of messages in recipient's mailbox exceeded",
    ),
    (Reason.REJECTED, r"553 \S+ does not exist$"),
)

_TABLE = tuple((found, re.compile(words)) for found, words in _WORDS)


def reason(text: str) -> Reason | None:
    """`text` in small letters, on one line."""
    return next((found for found, words in _TABLE if words.search(text)), None)
