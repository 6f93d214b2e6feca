"""How well mails are read, beside what two other programs said of them. `-s` prints the figures."""

import os
from pathlib import Path

import pytest

from channels.mail.bounces import classify
from channels.mail.bounces.score import Score, score

SHARED = Path(os.environ.get("YOBIKAKE_SHARED") or Path(__file__).resolve().parents[4] / "shared")
MAILS = SHARED / "data" / "bounce"

pytestmark = pytest.mark.skipif(
    not MAILS.is_dir(),
    reason="the labelled mails are not here; YOBIKAKE_SHARED names the folder that has them",
)


@pytest.fixture(scope="module")
def scores() -> dict[str, dict[str, Score]]:
    return score(MAILS)


@pytest.mark.parametrize(
    ("labels", "part", "floors"),
    [
        ("sisimai", "developed", {"recipient_precision": 0.97, "recipient_recall": 0.97, "kind_agreement": 0.95}),
        ("sisimai", "unseen", {"recipient_precision": 0.95, "recipient_recall": 0.93, "kind_agreement": 0.88}),
        ("sisimai", "developed", {"hard_precision": 0.95, "hard_recall": 0.90}),
        ("sisimai", "unseen", {"hard_precision": 0.90, "hard_recall": 0.75}),
        ("flufl", "developed", {"recipient_precision": 0.93, "recipient_recall": 0.84}),
        ("flufl", "unseen", {"recipient_precision": 0.90, "recipient_recall": 0.85, "hard_precision": 0.99}),
    ],
)  # fmt: skip
def test_it_agrees_with_the_labels_as_well_as_before(
    scores: dict[str, dict[str, Score]], labels: str, part: str, floors: dict[str, float]
) -> None:
    rates = scores[labels][part].rates()
    print(labels, part, rates)
    assert {name: rates[name] for name, floor in floors.items() if rates[name] < floor} == {}


def test_mails_that_are_no_bounces_name_nobody() -> None:
    mails = sorted((MAILS / "not_bounce").iterdir())
    assert mails
    assert {mail.name: classify(mail.read_bytes()) for mail in mails} == {mail.name: [] for mail in mails}
