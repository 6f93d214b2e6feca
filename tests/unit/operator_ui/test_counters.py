"""What stands under a text while it is typed counts what is sent of it."""

import msgspec
import pytest

from hub.alert import Mode
from hub.delivery import Variant
from hub.draft import Message
from hub.language import Language
from hub.measure import MEASURES
from hub.render import render
from operator_ui.staff.counters import Around, counters
from operator_ui.staff.previews import provisional
from tests.unit.operator_ui.desk import NOW, Slots
from tests.unit.operator_ui.test_looks import FLOOD_SITE, a_board, a_draft


def filled(message: Message) -> tuple[dict[str, Around], dict[Language, dict[str, str]]]:
    """What the script is given by field, and every text as it is rendered."""
    alert = provisional(message, "akishima.example", now=NOW)
    contents = {
        info.language: render(
            alert, Variant(info.language, None), Slots(a_board(FLOOD_SITE)), lambda: NOW, number="2026-0000"
        )
        for info in message.infos
    }
    around = {
        field: msgspec.json.decode(counter.around, type=Around)
        for field, counter in counters(message.infos, contents).items()
    }
    rendered = {
        language: {
            form: content.text(getattr(content, form)) for form in ("headline", "body", "short", "speech")
        }
        for language, content in contents.items()
    }
    return around, rendered


@pytest.mark.parametrize("mode", list(Mode))
def test_what_is_counted_is_what_is_rendered(mode: Mode) -> None:
    message = a_draft(mode=mode)
    around, rendered = filled(message)
    for info in message.infos:
        sent = {
            form: around[f"text-{info.language}-{form}"].filled(getattr(info, form))
            for form in ("headline", "description", "instruction", "short", "speech")
        }
        body = f"{sent.pop('description')}\n{sent.pop('instruction')}"
        assert sent | {"body": body} == rendered[info.language]


def test_each_field_counts_as_what_carries_it_does() -> None:
    found = counters(a_draft().infos, {})
    assert set(found["text-ja-short"].counts) == {"characters", "weighted", "segments"}
    assert "loudspeaker" in found["text-ja-speech"].counts
    assert "loudspeaker" not in found["text-en-speech"].counts
    text = a_draft().infos[0].short
    assert found["text-ja-short"].counts == {
        name: MEASURES[name](text) for name in ("characters", "weighted", "segments")
    }
