"""指差し会話: Japanese beside one other language, large, for a shelter's desk and its printer."""

from aiohttp import web
from markupsafe import Markup, escape

from hub.authorise import Action, authorise
from hub.clock import JST
from hub.language import Language
from operator_ui.ruby import ruby
from operator_ui.staff.console import ACTOR, CONSOLE, page

OFFERED = tuple(language for language in Language if language is not Language.JA)


async def show(request: web.Request) -> web.Response:
    """The sentences in Japanese and the language of the address; without one, English."""
    authorise(request[ACTOR], Action.VIEW)
    console, language = request.app[CONSOLE], _language(request)
    today = console.clock().astimezone(JST).date()
    return page(
        request,
        "pointing.html",
        board=console.pointing,
        language=language,
        offered=OFFERED,
        state=lambda sentence: console.pointing.state(sentence, language, today=today),
        written=lambda sentence: _written(sentence.text[language], language),
    )


def routes() -> list[web.RouteDef]:
    return [web.get("/pointing", show), web.get("/pointing/{language}", show)]


def _language(request: web.Request) -> Language:
    wanted = request.match_info.get("language", Language.EN)
    found = next((language for language in OFFERED if language.value == wanted), None)
    if found is None:
        raise web.HTTPNotFound
    return found


def _written(text: str, language: Language) -> Markup:
    safe = escape(text)
    return ruby(safe) if language is Language.JA_EASY else safe
