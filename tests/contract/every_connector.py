"""Every harness that the channel suite is run with."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from hub.testing.channel_harness import Harness
from hub.testing.channel_suite import ChannelSuite
from tests.contract.gateways import OfHttp

for path in sorted(Path(__file__).parent.glob("test_channel_*.py")):
    import_module(f"tests.contract.{path.stem}")

HARNESSES: Mapping[str, type[Harness]] = {
    suite.of.__name__.removesuffix("Harness").lower(): suite.of for suite in ChannelSuite.__subclasses__()
}
OVER_HTTP: Mapping[str, type[OfHttp]] = {
    name: harness for name, harness in HARNESSES.items() if issubclass(harness, OfHttp)
}
