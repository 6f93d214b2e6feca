"""The command `yobikake`."""

import faulthandler
import io
import logging
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Annotated, Any

import structlog
import typer
from typer.core import TyperGroup

from yobikake.preflight import refuse_foreign_packages

refuse_foreign_packages()

from rich.markup import escape  # noqa: E402 - only after the preflight

from hub.errors import HubError  # noqa: E402
from yobikake import usage  # noqa: E402
from yobikake.commands.output import err  # noqa: E402

COMMANDS = {
    "demo": (
        "demo",
        "demo",
        "Send one level-4 flood alert in a rehearsal city, on every channel. / リハーサル用の町で試す",
    ),
    "init": ("init", "init", "Make a new hub: settings, keys, database, and the first account. / 新しく作る"),
    "account": ("init", "account", "The people who may sign in. / ログインできる人"),
    "residents": ("residents", "residents", "Who is registered. / 登録している人"),
    "serve": ("serve", "serve", "Run the hub until Ctrl-C or SIGTERM. / 動かす"),
    "export-site": (
        "export_site",
        "export_site",
        "Write the residents' pages as files, for a web server in front. / 住民のページの書き出し",
    ),
    "check": (
        "check",
        "check",
        "Read the settings, verify the audit trail, and probe every gateway. / 設定と接続の点検",
    ),
    "send": ("send", "send", "Prepare an alert and ask for its approval. / 配信を用意する"),
    "approve": ("send", "approve", "Approve a draft and send it, now or at a time. / 承認して送る"),
    "correct": (
        "send",
        "correct",
        "Submit the correction of an alert, which was prepared when it was sent. / 訂正を出す",
    ),
    "muster": (
        "muster",
        "muster",
        "Call staff together, and see who comes. / 参集",
    ),
    "voice": ("voice", "voice", "Call a registered number for a trial. / 電話の試し"),
    "alerts": (
        "look",
        "show_alerts",
        "List the newest alerts, or say how far one has come. / 配信の一覧と進み具合",
    ),
    "shelters": (
        "shelters",
        "shelters",
        "Show every site, how many people are there, and how good such numbers are. / 避難所と人数",
    ),
    "window": (
        "window",
        "window",
        "Ask the window that answers residents, and see how well it answers. / 質問に答える窓口",
    ),
    "sensors": ("sensors", "sensors", "What counting devices say. / 人数計測器のデータ"),
    "dead-letters": (
        "letters",
        "show_dead_letters",
        "Show records that could not be processed: when, and why. / 処理できなかった記録",
    ),
    "bounces": (
        "bounces",
        "bounces",
        "What came back of our mail, and whom that holds back. / 戻ってきたメール",
    ),
    "webpush": ("webpush", "webpush", "The city's key for notifications in browsers. / ブラウザの通知の鍵"),
    "line": ("line", "line", "The city's LINE account: its menu. / LINE公式アカウント"),
    "topics": (
        "topics",
        "topics",
        "Create the Kafka topics that are missing, and tell which differ. / Kafkaのトピックを作る",
    ),
    "bench": ("bench", "bench", "Measure how fast it is, beside peers in the same run. / 速さを測る"),
    "chaos": (
        "chaos",
        "chaos",
        "Kill, freeze and starve hubs while they send, and see whether anyone is missed. / わざと壊して確かめる",
    ),
}
"""Name → module, function, and the line that `--help` shows. Imported when run: a hub takes a second to load."""


class OnDemand(TyperGroup):
    """Knows every command by name and line, and the one that was asked for altogether."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and _imported(command.name or ""), rest


def _imported(name: str) -> Any:
    module, attribute, _ = COMMANDS[name]
    found = getattr(import_module(f"yobikake.commands.{module}"), attribute)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name)(found)
        found = alone
    return typer.main.get_command(found)


app = typer.Typer(
    name="yobikake",
    cls=OnDemand,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Yobikake (呼びかけ): one emergency message on every channel at once, and shelters that answer.\n\n"
    "Start with `yobikake demo`; make a hub of your own with `yobikake init`.",
)
for _name, (_, _, _line) in COMMANDS.items():
    app.command(_name, help=_line)(lambda: None)


@app.callback()
def options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Log a JSON object a line.")] = False,
) -> None:
    _log(logging.DEBUG if verbose else logging.INFO, as_json=log_json)


def main() -> None:
    """Run a command. What the hub says on purpose, also of the command line itself, is printed without a
    traceback, and ends with 2.

    Anything else is a fault: it ends with 1, and keeps its traceback. A crash of the interpreter itself says on
    standard error where each thread stood.
    """
    if sys.__stderr__ is not None:  # the process's own: `sys.stderr` may be no file
        faulthandler.enable(sys.__stderr__)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without Japanese
    try:
        sys.exit(_run())
    except (HubError, ExceptionGroup) as e:
        ours, others = (e, None) if isinstance(e, HubError) else e.split(HubError)
        for message in dict.fromkeys(error.message for error in _leaves(ours)):
            err.print(f"[red]yobikake:[/] {escape(message)}", soft_wrap=True)
        if others is not None:
            raise others from None
        sys.exit(2)


def _run() -> int:
    """What `typer.Exit` said, else 0. Raises `HubError` for a command line that was written wrong."""
    try:
        code = app(standalone_mode=False)
    except typer.Abort:
        err.print("Aborted; nothing more was done / 中止しました")
        return 1
    except typer.TyperException as e:
        if wrong := usage.worded(e):
            raise wrong from e
        return e.exit_code
    return code if isinstance(code, int) else 0


def _leaves(error: BaseException | None) -> Iterator[HubError]:
    if isinstance(error, HubError):
        yield error
    elif isinstance(error, ExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)


def _log(level: int, *, as_json: bool) -> None:
    """To standard error: standard output belongs to the answer."""
    renderer = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    # ten lines a second in an outage; the bus logs its own
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
