"""How well mails are read, beside what another program said of them: its labels are a second opinion.

A folder holds the mails and one or both of `expected_sisimai.json` (name → list of `recipient`, `reason`,
`softbounce`) and `expected_flufl.json` (name → `permanent` and `temporary` addresses).
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from channels.mail.bounces.bounce import Kind
from channels.mail.bounces.verdict import classify
from hub import typed
from hub.errors import BadInput

Labels = Mapping[str, Kind]
"""Recipient, in small letters → kind."""


class Score(msgspec.Struct, kw_only=True):
    """`found` of what was `labelled` was found, among `named` in all; `alike` of those found are of the kind
    that the label says. `hard_…` and `soft_…` are of those found."""

    mails: int = 0
    unlabelled: int = 0
    """Mails of which the other program found nothing: they count nowhere else."""
    labelled: int = 0
    named: int = 0
    found: int = 0
    alike: int = 0
    hard_labelled: int = 0
    hard_named: int = 0
    hard_found: int = 0
    soft_labelled: int = 0
    soft_named: int = 0
    soft_found: int = 0

    def rates(self) -> dict[str, float]:
        return {
            "recipient_precision": _rate(self.found, self.named),
            "recipient_recall": _rate(self.found, self.labelled),
            "kind_agreement": _rate(self.alike, self.found),
            "hard_precision": _rate(self.hard_found, self.hard_named),
            "hard_recall": _rate(self.hard_found, self.hard_labelled),
            "soft_precision": _rate(self.soft_found, self.soft_named),
            "soft_recall": _rate(self.soft_found, self.soft_labelled),
        }


def score(folder: Path) -> dict[str, dict[str, Score]]:
    """By label set and part: `developed` on while the tables were made, `unseen` until they were done.

    Raises:
        BadInput: the folder holds no labels, or a mail that they name is not there.
    """
    sets = {"sisimai": _sisimai(folder), "flufl": _flufl(folder)}
    found = {name: _scores(folder, dict(labels)) for name, labels in sets.items()}
    if not any(found.values()):
        raise BadInput(
            str(folder), "holds no expected_sisimai.json and no expected_flufl.json / 正解がありません"
        )
    return {name: parts for name, parts in found.items() if parts}


def part(name: str) -> str:
    """Three quarters and a quarter, by a hash of the name."""
    digest = hashlib.sha256(name.encode()).digest()
    return "unseen" if digest[0] & 1 and not digest[1] & 1 else "developed"


def _scores(folder: Path, labels: Mapping[str, Labels]) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    for name, expected in labels.items():
        one = scores.setdefault(part(name), Score())
        _add(one, name, expected, _classified(folder / name))
    return scores


def _add(one: Score, name: str, expected: Labels, found: Labels) -> None:
    one.mails += 1
    if not expected and not name.startswith("not_"):
        one.unlabelled += 1
        return
    both = expected.keys() & found.keys()
    one.labelled += len(expected)
    one.named += len(found)
    one.found += len(both)
    one.alike += sum(expected[each] is found[each] for each in both)
    for each in both:
        one.hard_labelled += expected[each] is Kind.HARD
        one.hard_named += found[each] is Kind.HARD
        one.hard_found += expected[each] is found[each] is Kind.HARD
        one.soft_labelled += expected[each] is Kind.SOFT
        one.soft_named += found[each] is Kind.SOFT
        one.soft_found += expected[each] is found[each] is Kind.SOFT


def _classified(path: Path) -> Labels:
    try:
        mail = path.read_bytes()
    except OSError as e:
        raise BadInput(str(path), f"cannot be read: {e.strerror} / 読めません") from e
    return {bounce.recipient.lower(): bounce.kind for bounce in classify(mail) if bounce.recipient}


def _sisimai(folder: Path) -> Iterator[tuple[str, Labels]]:
    kinds = {0: Kind.HARD, 1: Kind.SOFT, -1: Kind.COMPLAINT}
    for name, said in _labels(folder / "expected_sisimai.json").items():
        bounced = [each for each in said if each["reason"] != "vacation"]
        yield (
            name,
            {
                each["recipient"].lower(): kinds[each["softbounce"]]
                for each in bounced
                if not each["recipient"].endswith(".invalid")  # its word for somebody undisclosed
            },
        )


def _flufl(folder: Path) -> Iterator[tuple[str, Labels]]:
    for name, said in _labels(folder / "expected_flufl.json").items():
        permanent = {address.lower(): Kind.HARD for address in said["permanent"]}
        yield name, permanent | {address.lower(): Kind.SOFT for address in said["temporary"]}


def _labels(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return typed.from_json(path.read_bytes(), dict[str, Any])
    except (OSError, msgspec.MsgspecError) as e:
        raise BadInput(str(path), "is no file of labels / 正解のファイルとして読めません") from e


def _rate(part: int, whole: int) -> float:
    return round(part / whole, 3) if whole else 0.0
