"""What the pages of every listener share: templates, words, style, static files, headers, error pages.

    pages = Pages(templates=(…,), styles=("base.css", "staff.css"), languages=("ja", "en"), https=False)
    pages.setup(app)
    return pages.render(request, "home.html", alerts=alerts)

A template extends `base.html` and imports its parts from `parts.html`. Every value is escaped; a name
that is not given is an error, never an empty place.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context as TemplateContext
from markupsafe import Markup

from operator_ui import moments, words
from operator_ui.compiled import Compiled
from operator_ui.failures import failures
from operator_ui.headers import SecurityHeaders, policy
from operator_ui.icons import icon
from operator_ui.static_files import StaticFiles

FOLDER = files("operator_ui")
LANGUAGE = web.RequestKey("language", str)
"""The language of the page, when the handler or a middleware has chosen it."""
LANGUAGE_COOKIE = "lang"

COMPILED = Compiled()

Context = Callable[[web.Request], Mapping[str, Any]]


class Pages:
    def __init__(
        self,
        *,
        templates: Sequence[Path],
        styles: Sequence[Traversable],
        languages: Sequence[str] = ("ja", "en"),
        https: bool = False,
        cache: str = "no-store",
        context: Context = lambda _request: {},
        policy: Mapping[str, str] | None = None,
        static: Sequence[Traversable] = (),
        apart: Sequence[str] = (),
    ) -> None:
        """`apart`: style sheets of pages that stand by themselves, as texts. `templates`, `styles`, `static` come after this package's own. `context` is given to every template."""
        css = "".join(sheet.read_text(encoding="utf-8") for sheet in (FOLDER / "base.css", *styles))
        self.static = StaticFiles([FOLDER / "static", *static])
        self.styles = (css, *apart)
        """The inline style sheets, to the letter."""
        self._headers = SecurityHeaders(styles=self.styles, https=https, extra=policy)
        self._languages = tuple(languages)
        self._cache = cache
        self._context = context
        folders = [Path(str(FOLDER / "templates")), *templates]
        self._environments = _environments(folders, self._languages, css=css, static=self.static)

    def setup(self, app: web.Application) -> None:
        """Static files, headers, and pages for errors. Call before adding other middlewares."""
        app.middlewares.append(failures(self.render))
        self._headers.setup(app)
        self.static.setup(app)

    def policy(self, **directives: str) -> str:
        """The Content-Security-Policy of a page that differs from the others' in these directives."""
        return policy(self.styles, {name.replace("_", "-"): value for name, value in directives.items()})

    def render(
        self, request: web.Request, template: str, *, status: int = 200, **values: object
    ) -> web.Response:
        """A whole page.

        Compressed: a page cannot be asked for from another site with the reader's session in it, since
        the session's cookie is `SameSite=Strict`, so its length tells an attacker nothing.
        """
        response = web.Response(
            text=self.text(request, template, **values),
            status=status,
            content_type="text/html",
            headers={hdrs.CACHE_CONTROL: self._cache, hdrs.VARY: hdrs.ACCEPT_ENCODING},
        )
        response.enable_compression()
        return response

    def text(self, request: web.Request, template: str, **values: object) -> str:
        """A template as text: a page, or a fragment that a script fetches."""
        context = {"request": request, **self._context(request), **values}
        return self.written(template, self.language(request), **context)

    def written(self, template: str, language: str, /, **values: object) -> str:
        """A template in which nothing of a request is: the same for every reader. From any thread."""
        return self._environments[language].get_template(template).render({"lang": language, **values})

    def language(self, request: web.Request) -> str:
        """What the handler chose, else the reader's cookie, else the browser's wish, else the first."""
        wishes = [
            request.get(LANGUAGE),
            request.cookies.get(LANGUAGE_COOKIE),
            *_wished(request.headers.get(hdrs.ACCEPT_LANGUAGE, "")),
        ]
        return next((wish for wish in wishes if wish in self._languages), self._languages[0])

    def gettext(self, request: web.Request, text: str) -> str:
        """`text` in the language of the page: for words that code puts into it."""
        return self.translated(text, self.language(request))

    def translated(self, text: str, language: str) -> str:
        return _translate(self._environments[language], text)


def _wished(header: str) -> list[str]:
    """The languages of an Accept-Language header in its order, with and without their regions."""
    tags = [part.split(";")[0].strip() for part in header.split(",")]
    return [form for tag in tags for form in (tag, tag.split("-")[0])]


def _environments(
    folders: Sequence[Path], languages: Sequence[str], *, css: str, static: StaticFiles
) -> dict[str, Environment]:
    """One a language: gettext is a global of an environment."""
    catalogs = words.load(FOLDER / "locales", languages)
    made = {language: _environment(folders, language) for language in languages}
    for language, environment in made.items():
        environment.install_gettext_translations(  # type: ignore[attr-defined]
            catalogs[language], newstyle=True
        )
        environment.globals |= {
            "plain_gettext": catalogs[language].gettext,
            "icon": icon,
            "css": Markup(css),  # noqa: S704 - our own file
            "static": static.url,
        }
    return made


def _environment(folders: Sequence[Path], language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folders),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=COMPILED,
    )
    environment.filters |= {
        "clock": moments.clock,
        "day": _in_language(moments.day, language),
        "stamp": moments.stamp,
        "minutes": moments.minutes,
        "number": moments.number,
        "named": _in_language(words.named, language),
        "said": _in_language(words.said, language),
        "one_language": _in_language(words.one_language, language),
    }
    return environment


def _in_language(words_of: Callable[..., str], language: str) -> Callable[..., str]:
    """Asked for a template's context, which it has no need of, Jinja leaves it until the page is rendered."""

    @pass_context
    def said(_context: TemplateContext, value: Any) -> str:
        return words_of(value, language=language)

    return said


def _translate(environment: Environment, text: str) -> str:
    """Jinja's own `gettext` needs a template's context; this one does not."""
    return str(environment.globals["plain_gettext"](text))  # type: ignore[operator]
