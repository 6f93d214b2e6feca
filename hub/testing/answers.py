"""Every kind of answer that a connector's gateway can give, by the protocol it speaks."""

import asyncio
from collections.abc import Callable
from typing import Final

NO_ANSWER: Final = "no answer"
"""The request was carried out, and nothing ever comes back: a timeout behind its body."""
CUT_ANSWER: Final = "half an answer"
"""It was carried out, and the answer breaks off."""

HTTP: Final = frozenset(
    {"400", "401", "403", "404", "409", "413", "429", "500", "502", "503", "504", NO_ANSWER, CUT_ANSWER}
)
"""RFC 9110 §15; said to a request that asks for something to be done."""

SMTP: Final = frozenset(
    {
        "greeting 421 4.3.2",
        "greeting 554 5.7.1",
        f"greeting {NO_ANSWER}",
        "AUTH 454 4.7.0",
        "AUTH 535 5.7.8",
        "MAIL 421 4.7.28",
        "MAIL 451 4.3.0",
        "MAIL 550 5.7.1",
        f"MAIL {NO_ANSWER}",
        "RCPT 450 4.2.1",
        "RCPT 452 4.5.3",
        "RCPT 550 5.1.1",
        "RCPT 552 5.2.2",
        f"RCPT {NO_ANSWER}",
        "DATA 421 4.3.2",
        "DATA 554 5.7.1",
        ". 421 4.3.2",
        ". 451 4.3.0",
        ". 552 5.3.4",
        ". 554 5.6.0",
        f". {NO_ANSWER}",
    }
)
"""RFC 5321 §4.2.2 and §4.3.2, with RFC 3463's codes: the command that is answered, and what is said to it.
`greeting` is said to nobody's command, `.` to the final dot. A silence before the dot is a timeout before the body."""


async def leap_until(over: Callable[[], bool], *, step_s: float = 0.25) -> None:
    """Let the running loop's clock run ahead, so that whoever waits for nothing has waited, until it is `over`.

    Only for what is held for good: to whatever really goes on meanwhile, time is taken away.
    """
    loop = asyncio.get_running_loop()
    real, ahead_s = loop.time, 0.0
    loop.time = lambda: real() + ahead_s  # type: ignore[method-assign]
    while not over():
        ahead_s += step_s
        await asyncio.sleep(0)
