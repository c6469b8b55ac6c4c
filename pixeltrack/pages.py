"""The pages that recipients see, rendered with Jinja2: a user's templates first, ours second."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pixeltrack.errors import InputError, PixeltrackError
from pixeltrack.resources import templates_dir

if TYPE_CHECKING:
    import jinja2

# What each page may use. A template that names anything else is refused when the server starts,
# rather than when someone wants to unsubscribe.
VARIABLES = {
    "unsubscribe.html": {"sender", "preview", "action", "preferences_url"},
    "preferences.html": {
        *("sender", "preview", "action", "tracking", "unsubscribed"),
        *("unsubscribe_url", "privacy_url"),
    },
    "privacy.html": {
        *("sender", "controller", "contact", "retention_days", "consent_required"),
        "country_noted",
    },
    "done.html": {"title", "message"},
    "missing.html": set[str](),
}


class Pages:
    """Every page, compiled and checked once; templates that change later are not read again.

    ``user_templates`` may hold any of our files under the same name, ``style.css`` included. A page
    of the user's may extend the one it replaces: ``{% extends "pixeltrack/privacy.html" %}``.
    Raises InputError for a folder or template that cannot work.

    ``content_security_policy`` is the header value to send with each page. It admits the text of
    ``style.css`` and nothing else, so that a page can neither run a script nor load anything; a
    ``base.html`` of the user's has to print that text as ours does: ``<style>{{ style }}</style>``.
    """

    content_security_policy: str

    def __init__(self, user_templates: Path | None = None) -> None:
        # Imported here, so that a command that shows no page does not pay for it.
        import jinja2
        from markupsafe import Markup

        if user_templates is not None and not user_templates.is_dir():
            raise InputError(
                f"no such templates folder: {str(user_templates)!r}",
                hint="give a folder that holds pages such as unsubscribe.html",
            )
        ours = jinja2.FileSystemLoader(templates_dir() / "pages")
        theirs = [] if user_templates is None else [jinja2.FileSystemLoader(user_templates)]
        self._loader = jinja2.ChoiceLoader([jinja2.PrefixLoader({"pixeltrack": ours}), *theirs, ours])
        self._environment = jinja2.Environment(
            loader=self._loader,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            auto_reload=False,
        )
        style = self._source("style.css")
        self._environment.globals.update(style=Markup(style))  # noqa: S704 - our stylesheet
        every = set[str]().union(*VARIABLES.values())
        self._checked("base.html", every)
        self._templates = {name: self._checked(name, known) for name, known in VARIABLES.items()}
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.content_security_policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'"
        )

    def render(self, name: str, **values: object) -> bytes:
        """Return the page as UTF-8. ``name`` is a key of VARIABLES, which lists its values."""
        import jinja2

        try:
            text = self._templates[name].render(values)
        except jinja2.TemplateError as error:
            raise PixeltrackError(f"the page {name} cannot be shown: {error}") from error
        # A value from the command line may hold lone surrogates; the page is shown all the same.
        return text.encode("utf-8", "replace")

    def _source(self, name: str) -> str:
        try:
            return self._loader.get_source(self._environment, name)[0]
        except UnicodeDecodeError as error:
            raise InputError(f"{name} is not UTF-8: {error}", hint="save it as UTF-8") from error

    def _checked(self, name: str, known: set[str]) -> jinja2.Template:
        import jinja2
        from jinja2.meta import find_referenced_templates, find_undeclared_variables

        source = self._source(name)
        try:
            template = self._environment.get_template(name)
            tree = self._environment.parse(source, name)
            for other in find_referenced_templates(tree):
                if other == name:
                    hint = f'{{% extends "pixeltrack/{name}" %}} extends the page it replaces'
                    raise InputError(f"{template.filename} extends itself", hint=hint)
                if other is not None:
                    self._environment.get_template(other)
        except jinja2.TemplateSyntaxError as error:
            where = f"{error.filename or name}, line {error.lineno}"
            raise InputError(f"{where}: {error.message}") from error
        except jinja2.TemplateNotFound as error:
            raise InputError(f"{template.filename}: no such template: {error.name!r}") from error
        for variable in sorted(find_undeclared_variables(tree) - known):
            raise InputError(
                f"{template.filename}: unknown variable: {variable!r}",
                hint=f"{name} may use: {', '.join(sorted(known)) or 'none'}",
            )
        return template
