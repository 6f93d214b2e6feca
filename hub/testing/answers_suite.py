"""What a connector makes of every answer its gateway can give, and what it says of it."""

import asyncio
import base64
import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from hub.testing.answers import NO_ANSWER, leap_until
from hub.testing.channel_harness import Feature, Harness, Said, Where, needs, opened, send, until
from hub.testing.parcels import parcel

TROUBLES: dict[str, dict[str, float | bool]] = {
    "none": {},
    "down": {"down": True},
    "credentials": {"credentials": True},
    "throttle": {"throttle": 1.0},
    "silent": {"silent": 1.0},
    "permanent": {"permanent": 1.0},
    "temporary": {"temporary": 1.0},
}


def suffer(harness: Harness, trouble: str) -> None:
    for name, value in TROUBLES[trouble].items():
        setattr(harness.faults, name, value)


class AnswersSuite:
    """A part of the channel suite."""

    @needs(Feature.NETWORK)
    async def test_every_answer_means_what_is_written(self, harness: Harness, answer: str) -> None:
        said = await _sent(harness, answer)
        assert set(said.outcomes.values()) == {harness.answers[answer]}

    @needs(Feature.NETWORK)
    async def test_no_form_of_a_secret_is_said_whatever_the_gateway_answers(
        self, harness: Harness, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The gateway repeats what it was asked, as some do: headers, login and body."""
        assert harness.secrets
        with what_is_said(caplog) as everything:
            everything += [
                str(await _sent(harness, answer, echo=True))
                for answer in sorted(harness.answers)
                if NO_ANSWER not in answer
            ]
        assert not said_of(harness, everything)

    @needs(Feature.GATEWAY)
    @pytest.mark.parametrize("where", [Where.GATEWAY, Where.NOWHERE])
    @pytest.mark.parametrize("trouble", TROUBLES)
    async def test_no_secret_and_no_address_is_ever_said(
        self, harness: Harness, caplog: pytest.LogCaptureFixture, trouble: str, where: Where
    ) -> None:
        to = harness.recipients(3)
        suffer(harness, trouble)
        with what_is_said(caplog) as everything:
            async with opened(harness, where=where) as channel:
                everything += [repr(await channel.probe()), str(await send(channel, parcel(to)))]
                everything.append(repr(channel))
        assert not said_of(harness, everything, *(recipient.address for recipient in to))


def said_of(harness: Harness, everything: list[str], *addresses: str) -> set[str]:
    """What of it should not have been said: a secret, or an address, in any form."""
    text = "\n".join(everything)
    hidden = {form for secret in harness.secrets for form in forms(secret)}
    hidden |= {form for address in addresses for form in (address, quote(address, safe=""))}
    return {form for form in hidden if form in text}


def forms(secret: str) -> set[str]:
    """As it is, percent-encoded, in base64 of both alphabets, and the part by which it would be recognised."""
    octets = secret.encode()
    encoded = {base64.b64encode(octets).decode(), base64.urlsafe_b64encode(octets).decode()}
    return {secret, quote(secret, safe=""), *(each.rstrip("=") for each in encoded), secret[:8]}


async def _sent(harness: Harness, answer: str, *, echo: bool = False) -> Said:
    """What became of a parcel to which the gateway said this."""
    harness.answer_with(answer)  # of what is said before anything is sent, some comes while it opens
    try:
        opening = asyncio.create_task(_open_and_send(harness, answer, echo=echo))
        while NO_ANSWER in answer and not opening.done():
            await until(lambda: harness.held() or opening.done())
            await leap_until(lambda: not harness.held() or opening.done())
        return await opening
    finally:
        harness.answer_with("")


async def _open_and_send(harness: Harness, answer: str, *, echo: bool) -> Said:
    async with opened(harness) as channel:
        harness.answer_with(answer, echo=echo)
        return await send(channel, parcel(harness.recipients(1)))


@contextmanager
def what_is_said(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """All that is logged meanwhile, in the end."""
    with _structlog_events() as events, caplog.at_level(logging.DEBUG):
        everything: list[str] = []
        yield everything
        everything += [*events, caplog.text]


@contextmanager
def _structlog_events() -> Iterator[list[str]]:
    """What is logged meanwhile, tracebacks included. Works for loggers that are already in use."""
    events: list[str] = []

    def keep(_: Any, method: str, event: MutableMapping[str, Any]) -> str:
        events.append(f"{method} {event!r}")
        raise structlog.DropEvent

    processors = structlog.get_config()["processors"]
    before = list(processors)
    processors[:] = [structlog.processors.format_exc_info, keep]
    try:
        yield events
    finally:
        processors[:] = before
