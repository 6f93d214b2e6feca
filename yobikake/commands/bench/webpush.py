"""`yobikake bench webpush`."""

from dataclasses import asdict
from importlib.util import find_spec
from typing import Annotated

import typer

from hub.errors import Refused
from yobikake.bench.webpush import GOAL, Measured, measure
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, out


def webpush(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Times each way; the median counts.")] = 5,
    messages: Annotated[int, typer.Option(min=10, max=100_000, help="Messages of a round.")] = 1_000,
    as_json: AsJson = False,
) -> None:
    """Make messages for browsers, and compare with pywebpush."""
    if find_spec("pywebpush") is None:
        raise Refused(
            "pywebpush, the peer, is not there: pip install -r requirements-dev.txt / 比べる相手がありません"
        )
    measured = measure(rounds, messages=messages, say=say)
    found = {
        "per_s": {name: asdict(each) for name, each in measured.figures.items()},
        "ratios": {name: asdict(each) for name, each in measured.ratios.items()},
        "goal": GOAL,
        "rounds": measured.rounds,
        "messages": measured.messages,
        "size_bytes": measured.size_bytes,
        "machine": asdict(measured.machine),
    }
    answer(found, as_json=as_json, show=lambda _: _show(measured))


def _show(measured: Measured) -> None:
    out.print(
        f"{measured.messages:,} messages of {measured.size_bytes:,} bytes, {measured.rounds} rounds; "
        "messages for each second of processor time"
    )
    for name, each in measured.figures.items():
        beside = f"; ours is {measured.ratios[name]} times that" if name in measured.ratios else ""
        out.print(f"  {name:<21} {each}{beside}")
    out.print(f"  goal: {GOAL} times pywebpush")
