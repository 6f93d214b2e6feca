"""The figures of an evaluation, part by part, beside their goals."""

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from yobikake.commands.output import out
from yobikake.evaluation.figure import Figure


def told(figure: Figure) -> dict[str, float | bool | None]:
    """For a program."""
    return {
        "value": figure.value,
        "at_least": figure.at_least,
        "at_most": figure.at_most,
        "met": figure.met,
    }


def show(parts: Mapping[str, Mapping[str, Figure]]) -> None:
    table = Table("", "figure", "goal", "met", box=None, pad_edge=False)
    for part, figures in parts.items():
        table.add_row(f"[bold]{escape(part)}[/]")
        for name, figure in figures.items():
            bounds = ((">=", figure.at_least), ("<=", figure.at_most))
            goal = " ".join(f"{sign} {bound:.4g}" for sign, bound in bounds if bound is not None)
            met = {True: "yes", False: "[bold]no[/]", None: ""}[figure.met]
            table.add_row(f"  {escape(name)}", f"{figure.value:.2f}", goal, met)
    out.print(table)
