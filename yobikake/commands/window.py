"""`yobikake window`: ask the window as a resident does, and see how well it answers."""

from typing import Annotated, Any

import typer
from rich.markup import escape

import config
from hub import city as cities
from hub import phrases
from hub.folder import Folder
from hub.language import Language
from operator_ui.window.question import Question
from operator_ui.window.reply import Reply
from shelters.site import load_sites
from yobikake.assembly import city_folder
from yobikake.commands import figures_table
from yobikake.commands.output import AsJson, answer, err, out
from yobikake.evaluation import window as evaluation
from yobikake.evaluation.window import Judged, Judgement
from yobikake.evaluation.window_states import NOW, StateName, states
from yobikake.window import load_window

window = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Ask the window that answers residents, and see how well it answers. / 質問に答える窓口",
)

CityName = Annotated[
    str, typer.Option("--city", help="A city of this package, or a folder with its settings.")
]


@window.command()
def evaluate(
    city: CityName = "akishima",
    show_missed: Annotated[
        bool, typer.Option("--missed", help="List the questions that were not answered right.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the city's set of questions (questions.toml) and compare with what is right. Needs no hub. /
    質問集で採点する

    Shares in percent, by language and by what was expected, with the goals. Each question is asked in every state of
    an imagined city, and sites that must not be named are counted. It ends with 0 whether a goal is met or not.
    """
    folder = city_folder(city)
    judgement = _judgement(folder)
    figures = judgement.figures()
    value: dict[str, Any] = {
        "figures": {
            part: {name: figures_table.told(each) for name, each in named.items()}
            for part, named in figures.items()
        },
        "replies": judgement.replies,
        "missed": [_missed(each) for each in judgement.judged if each.verdict != "right"],
    }
    answer(value, as_json=as_json, show=lambda _: figures_table.show(figures))
    if show_missed and not as_json:
        for each in value["missed"]:
            out.print(escape("{verdict}: {ask} ({language}) → {got}; {expect}".format(**each)))


@window.command()
def ask(
    question: Annotated[str, typer.Argument(help="What a resident would write.")],
    language: Annotated[
        Language | None, typer.Option("--language", help="The language chosen before, if one was.")
    ] = None,
    at: Annotated[
        StateName, typer.Option("--at", help="What is true in the imagined city.")
    ] = StateName.FLOOD,
    city: CityName = "akishima",
) -> None:
    """Ask one question in an imagined state of the city, and print the reply as LINE would show it. Needs
    no hub. / 1つ聞いてみる
    """
    folder = city_folder(city)
    reply = _asked(folder, Question(text=question, asked_at=NOW, language=language), at)
    err.print(f"[dim]{reply.kind} {escape(reply.topic)} {reply.language}[/]")
    out.print(escape(reply.text))


def _judgement(folder: Folder) -> Judgement:
    sites, city = load_sites(folder), cities.load(folder)
    return evaluation.evaluate(
        load_window(folder, city, sites),
        evaluation.questions(folder),
        states(city, sites, phrases.load(config.folder("phrases"))),
        city,
    )


def _asked(folder: Folder, question: Question, at: StateName) -> Reply:
    sites, city = load_sites(folder), cities.load(folder)
    now = states(city, sites, phrases.load(config.folder("phrases")))[at].now
    return load_window(folder, city, sites).answer(question, now)


def _missed(judged: Judged) -> dict[str, Any]:
    return {
        "language": judged.language,
        "ask": judged.asked.ask,
        "expect": list(judged.asked.expect),
        "verdict": judged.verdict,
        "got": judged.got,
    }
