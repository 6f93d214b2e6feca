"""Nothing is left out for a connector: whoever adds one is told here what is missing, all at once."""

import pkgutil
import re
from collections.abc import Iterator
from importlib import resources
from typing import get_args

import pytest

import channels
from channels.wifi.vendors import Stanza
from hub.testing.channel_harness import Feature
from tests.contract.described import OURS, PROVIDERS, THEIRS
from tests.contract.descriptions.errors import ERRORS
from tests.contract.every_connector import HARNESSES, OVER_HTTP
from tests.golden.page import SHOWN
from yobikake.connectors import CONNECTORS

NO_CONNECTORS = {
    "telephone": "the line that residents call: it answers, and sends nothing (channels.voice calls)"
}
"""What is in channels/ beside them."""


def test_every_folder_of_channels_is_in_the_register() -> None:
    folders = {each.name for each in pkgutil.iter_modules(channels.__path__) if not each.name.startswith("_")}
    registered = {module.removeprefix("channels.") for module, _ in CONNECTORS.values()}
    assert folders - NO_CONNECTORS.keys() == registered, "one line each in yobikake/connectors.py, CONNECTORS"


@pytest.mark.parametrize("kind", CONNECTORS)
def test_nothing_is_missing(kind: str) -> None:
    missing = list(missing_of(kind))
    assert not missing, f"channels/{kind}:\n" + "\n".join(missing)


def missing_of(kind: str) -> Iterator[str]:
    """What the connector still needs, each as what is to be done."""
    harnesses = {name: harness for name, harness in HARNESSES.items() if harness.kind == kind}
    if not harnesses:
        yield (
            f"a test on the contract suite: tests/contract/test_channel_{kind}.py with a harness of kind {kind!r} "
            "and a subclass of ChannelSuite. With it come: what every answer means (Harness.answers), that no "
            "secret is said, [proxy] and the private authority"
        )
    for name, harness in harnesses.items():
        if Feature.NETWORK not in harness.lacks and not harness.answers:
            yield f"{name}: Harness.answers, a row for each kind of answer of hub.testing.answers"
    if not re.search(rf"(?m)^#?\[channels\.{kind}\]$", _example()):
        yield f"a stanza [channels.{kind}] in config/city.example.toml, each line beginning with #"
    if kind not in SHOWN:
        yield f"its place on the golden pages: tests/golden/page.py, SHOWN[{kind!r}] and what it names there"


def _example() -> str:
    return (resources.files("config") / "city.example.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", OVER_HTTP)
def test_every_gateway_is_held_to_a_description(name: str) -> None:
    provider = OVER_HTTP[name].provider
    assert provider in PROVIDERS, f"{provider}: in tests.contract.described, PROVIDERS"
    assert provider in ERRORS, f"{provider}: in tests.contract.descriptions.errors, how it words an error"
    if PROVIDERS[provider].ours:
        assert (OURS / PROVIDERS[provider].description).is_file()
    elif THEIRS.is_dir():
        assert (THEIRS / PROVIDERS[provider].description).is_file()


def test_every_vendor_of_wifi_has_a_gateway_to_be_tried_with() -> None:
    vendors = {stanza.__struct_config__.tag for stanza in get_args(Stanza)}
    assert vendors == {harness.provider for harness in OVER_HTTP.values() if harness.kind == "wifi"}


def test_what_a_harness_lacks_it_says_why() -> None:
    assert all(reason for harness in HARNESSES.values() for reason in harness.lacks.values())


@pytest.mark.parametrize("kind", ["telex"])
def test_a_connector_of_which_nothing_is_there_is_told_all(kind: str) -> None:
    assert len(list(missing_of(kind))) == 3
