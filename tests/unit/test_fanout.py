"""Which texts a recipient gets where a channel does not have their language."""

from dataclasses import replace

from hub.capabilities import Capabilities
from hub.delivery import Variant
from hub.fanout import told
from hub.language import Language
from hub.recipient import Zone

VOICE = Capabilities(
    kind="voice", japanese="電話", batch_size=1, languages=frozenset({Language.JA, Language.EN, Language.VI})
)


def test_a_language_the_channel_has_is_kept() -> None:
    assert told(Variant(Language.VI, Zone("z")), VOICE) == Variant(Language.VI, Zone("z"))


def test_one_it_lacks_gets_its_fallback_and_keeps_its_zone() -> None:
    assert told(Variant(Language.NE, Zone("z")), VOICE) == Variant(Language.EN, Zone("z"))
    assert told(Variant(Language.JA_EASY, None), VOICE) == Variant(Language.JA, None)


def test_a_channel_that_names_none_has_all() -> None:
    everything = replace(VOICE, languages=None)
    assert told(Variant(Language.NE, None), everything) == Variant(Language.NE, None)
