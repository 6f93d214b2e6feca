"""Readings over MQTT: `yobikake/readings/<device>`, QoS 1, the same JSON as over HTTP.

The broker authenticates: give each device its own name and let it write to its own topic only. A
message is acknowledged once its readings are durable, so that a crash or a dead bus loses none: the
broker keeps what is not acknowledged for this client's session and delivers it again.
What cannot be understood goes to `dead-letters`, and the rest of its message is taken.

The same of a LoRaWAN network's broker, in the network's own words (`Feed`): who may write there is the network's and
its broker's affair. What comes from devices that are not registered is left alone: they are somebody else's.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat
from urllib.parse import urlsplit

import aiomqtt
import structlog

from hub.bus import Bus
from hub.clock import Clock
from hub.codec import RecordCodec
from hub.dead_letters import DeadLetters, Letter
from hub.errors import BadInput, BadSettings, Refused, TemporaryFailure
from hub.outbound import Outbound
from shelters import intake
from shelters.device import Devices
from shelters.inspector import Inspector
from shelters.reading import Reading, Refusal
from shelters.sensors import chirpstack, pushing, things_stack
from shelters.sensors.pushing import Source

log = structlog.get_logger(__name__)

TOPIC = "yobikake/readings/"
MOST_BYTES = 256 * 1024
"""Of one message."""
GROUPED = 100
"""Messages at most that are published and acknowledged together. They come no faster than the broker lets them
be unacknowledged: Mosquitto's `max_inflight_messages`, 20 unless it is told otherwise."""
MOST_UNPROMISED = 1_000
"""Messages of QoS 0 that wait: for these the broker keeps no count, and a flood of them would fill the memory."""
MOST_LETTERS = 10
"""Dead letters of one message: each holds all of it, and a message may hold a thousand bad readings."""
_DELAYS_S = (1, 2, 5, 10)


Sort = Callable[[str, bytes, Devices, datetime], intake.Sorted]
"""A message's topic and payload, read by the register, at a moment. Raises `BadInput`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What is subscribed to, and how it is read."""

    topics: tuple[str, ...]
    sort: Sort


def _own(topic: str, payload: bytes, devices: Devices, now: datetime) -> intake.Sorted:
    return intake.sort(payload, devices, now=now, device=_device(topic))


def _things_stack(topic: str, payload: bytes, devices: Devices, now: datetime) -> intake.Sorted:
    return pushing.understand(Source.THINGS_STACK, payload, devices, now=now)


def _chirpstack(topic: str, payload: bytes, devices: Devices, now: datetime) -> intake.Sorted:
    """The kind of event is the topic's last level."""
    event = topic.rpartition("/")[2]
    return pushing.understand(Source.CHIRPSTACK, payload, devices, now=now, event=event)


OWN = Feed(topics=(f"{TOPIC}+",), sort=_own)
NETWORKS = {
    Source.THINGS_STACK: Feed(topics=things_stack.TOPICS, sort=_things_stack),
    Source.CHIRPSTACK: Feed(topics=chirpstack.TOPICS, sort=_chirpstack),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """`url`: `mqtt://host:1883` or `mqtts://host:8883`. `client_id` stays the same over restarts, and is
    used by one process only: the broker keeps its unacknowledged messages under it."""

    url: str
    client_id: str
    username: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"Broker(url={self.url!r}, client_id={self.client_id!r})"


class Arrived(asyncio.Queue[aiomqtt.Message]):
    """What the broker has handed over. More than `MOST_UNPROMISED` of QoS 0 are lost, as QoS 0 may be; others never."""

    def put_nowait(self, item: aiomqtt.Message) -> None:
        if item.qos or self.qsize() < MOST_UNPROMISED:
            super().put_nowait(item)


class MqttIntake:
    def __init__(
        self,
        broker: Broker,
        *,
        outbound: Outbound,
        devices: Devices,
        bus: Bus,
        records: RecordCodec,
        clock: Clock,
        inspector: Inspector | None = None,
        feed: Feed = OWN,
        setting: str = "[shelters.mqtt] url",
    ) -> None:
        """Raises `BadSettings` for a url that is none, `Refused` where a rehearsal may not go there."""
        self._broker, self._outbound, self._feed = broker, outbound, feed
        self._devices, self._bus, self._records, self._clock = devices, bus, records, clock
        self._inspector = inspector or Inspector(devices, clock=clock)
        self._dead_letters = DeadLetters(bus, records, clock=clock)
        self._host, self._port, self._tls = _address(broker.url, setting)
        outbound.allow(self._host, setting=setting)
        self.connected = asyncio.Event()
        """Set while subscribed."""

    async def run(self) -> None:
        """Until cancelled. Connects again by itself, for as long as it takes."""
        failures = 0
        while True:
            try:
                await self._session()
            except aiomqtt.MqttError as e:
                failures = 0 if self.connected.is_set() else failures + 1
                self.connected.clear()
                delay_s = _DELAYS_S[min(failures, len(_DELAYS_S) - 1)]
                log.warning("MQTT broker lost", host=self._host, error=type(e).__name__, again_in_s=delay_s)
                await asyncio.sleep(delay_s)

    async def _session(self) -> None:
        arrived = Arrived()
        client = self._client(arrived)
        async with client:
            await client.subscribe([(topic, 1) for topic in self._feed.topics])
            self.connected.set()
            log.info("MQTT broker connected", host=self._host)
            async for messages in _grouped(client, arrived):
                await self._take(messages)
                for message in messages:
                    client._client.ack(message.mid, message.qos)

    def _client(self, arrived: asyncio.Queue[aiomqtt.Message]) -> aiomqtt.Client:
        client = aiomqtt.Client(
            self._host,
            self._port,
            username=self._broker.username,
            password=self._broker.password,
            identifier=self._broker.client_id,
            clean_session=False,
            tls_context=self._context(),
            queue_type=lambda **_: arrived,  # type: ignore[arg-type]
        )
        # Not offered by aiomqtt: without it a message counts as received before it is durable.
        client._client.manual_ack_set(True)
        return client

    def _context(self) -> ssl.SSLContext | None:
        return self._outbound.tls() if self._tls else None

    async def _take(self, messages: Sequence[aiomqtt.Message]) -> None:
        taken: list[Reading] = []
        letters: list[Letter] = []
        for message in messages:
            readings, refused = self._sort(message)
            taken += readings
            ours = [refusal for refusal in refused if not refusal.stranger]
            letters += [self._letter(message, refusal) for refusal in ours[:MOST_LETTERS]]
            if refused:
                log.warning("MQTT readings refused", topic=str(message.topic), refused=len(refused))
        await self._publish(taken, letters)

    def _sort(self, message: aiomqtt.Message) -> tuple[Sequence[Reading], Sequence[Refusal]]:
        payload = _payload(message)
        if len(payload) > MOST_BYTES:
            return self._refused("$", f"more than {MOST_BYTES} bytes / 大きすぎます", payload)
        try:
            found = self._feed.sort(str(message.topic), payload, self._devices, self._clock())
        except BadInput as e:
            return self._refused(e.path, e.message.removeprefix(f"{e.path}: "), payload)
        except Exception as e:  # it would come again after every start, and nothing behind it
            log.exception("an MQTT message was not read", error=type(e).__name__)
            return self._refused("$", "cannot be read / 読めません", payload)
        return self._inspector.inspect(found, payload).taken, found.refused

    def _refused(
        self, place: str, message: str, payload: bytes
    ) -> tuple[Sequence[Reading], Sequence[Refusal]]:
        """As a whole."""
        refusal = Refusal(place=place, message=message)
        self._inspector.refuse([refusal], payload)
        return (), (refusal,)

    def _letter(self, message: aiomqtt.Message, refusal: Refusal) -> Letter:
        return self._dead_letters.letter(
            str(message.topic),
            _device(str(message.topic)),
            _payload(message),
            f"{refusal.place}: {refusal.message}",
        )

    async def _publish(self, taken: Sequence[Reading], letters: Sequence[Letter]) -> None:
        for delay_s in chain(_DELAYS_S, repeat(_DELAYS_S[-1])):
            try:
                await intake.publish(self._bus, self._records, taken)
                await self._dead_letters.post(letters)
            except (TemporaryFailure, Refused) as e:
                log.warning("readings are waiting", error=type(e).__name__, again_in_s=delay_s)
                await asyncio.sleep(delay_s)
            else:
                return


async def _grouped(
    client: aiomqtt.Client, arrived: asyncio.Queue[aiomqtt.Message]
) -> AsyncIterator[list[aiomqtt.Message]]:
    """One message, and those that came meanwhile: alone it waits for no other."""
    async for message in client.messages:
        yield [message, *(arrived.get_nowait() for _ in range(min(arrived.qsize(), GROUPED - 1)))]


def _device(topic: str) -> str:
    return topic.removeprefix(TOPIC)


def _payload(message: aiomqtt.Message) -> bytes:
    payload = message.payload
    return payload if isinstance(payload, bytes) else str(payload or "").encode()


def _address(url: str, setting: str) -> tuple[str, int, bool]:
    parts = urlsplit(url)
    tls = parts.scheme == "mqtts"
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise BadSettings(setting, f"{parts.scheme}://… is not mqtt://host or mqtts://host")
    return parts.hostname, parts.port or (8883 if tls else 1883), tls
