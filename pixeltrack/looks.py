"""Templates for pages and reports, rendered with Jinja2: a user's own first, ours second."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING

from pixeltrack.errors import InputError, PixeltrackError

if TYPE_CHECKING:
    import jinja2

# What a template of a user's may raise when it uses a value in a way that the value does not allow.
_MISUSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Looks:
    """The templates of one folder of ours, each replaced by a user's of the same name.

    A template of the user's may extend the one it replaces: ``{% extends "pixeltrack/privacy.html" %}``.
    They are read once. Everything that is printed is escaped, and a name that is not known is an error.
    Raises InputError for a folder that is not there.
    """

    def __init__(
        self,
        ours: Path,
        theirs: Path | None = None,
        filters: Mapping[str, Callable[..., object]] | None = None,
        *,
        trim: bool = False,  # no line of its own for what prints nothing
    ) -> None:
        # Imported here, so that a command that shows no page does not pay for it.
        import jinja2

        if theirs is not None and not theirs.is_dir():
            example = next(path.name for path in sorted(ours.glob("*.html"), reverse=True))
            raise InputError(
                f"no such templates folder: {str(theirs)!r}",
                hint=f"give a folder that holds pages such as {example}",
            )
        loader = jinja2.FileSystemLoader(ours)
        users = [] if theirs is None else [jinja2.FileSystemLoader(theirs)]
        self._loader = jinja2.ChoiceLoader([jinja2.PrefixLoader({"pixeltrack": loader}), *users, loader])
        self._environment = jinja2.Environment(
            loader=self._loader,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            auto_reload=False,
            trim_blocks=trim,
            lstrip_blocks=trim,
        )
        self._environment.filters.update(filters or {})
        self._templates: dict[str, jinja2.Template] = {}

    def style(self, name: str) -> str:
        """Return a style sheet's text, and let templates print it as ``style``."""
        from markupsafe import Markup

        text = self.source(name)
        self._environment.globals.update(style=Markup(text))  # noqa: S704 - a style sheet
        return text

    def check(self, name: str, known: Set[str]) -> None:
        """Compile a template that may use some variables; raise InputError for one that cannot work."""
        self._templates[name] = self._checked(name, known)

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """Return what a template that was checked makes of some values."""
        import jinja2

        try:
            return self._templates[name].render(values)
        except jinja2.TemplateError as error:
            raise PixeltrackError(f"the page {name} cannot be shown: {error}") from error
        except _MISUSE as error:
            raise PixeltrackError(f"the page {name} cannot be shown: {_where(error)}: {error}") from error

    def source(self, name: str) -> str:
        """Return the text of a file."""
        try:
            return self._loader.get_source(self._environment, name)[0]
        except UnicodeDecodeError as error:
            raise InputError(f"{name} is not UTF-8: {error}", hint="save it as UTF-8") from error

    def _checked(self, name: str, known: Set[str]) -> jinja2.Template:
        import jinja2
        from jinja2.meta import find_referenced_templates, find_undeclared_variables

        source = self.source(name)
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
        own = {node.name for node in tree.find_all(jinja2.nodes.Name) if node.ctx == "store"}
        own |= {node.name for node in tree.find_all(jinja2.nodes.Macro)}
        for variable in sorted(find_undeclared_variables(tree) - known - own - {"style"}):
            raise InputError(
                f"{template.filename}: unknown variable: {variable!r}",
                hint=f"{name} may use: {', '.join(sorted(known)) or 'none'}",
            )
        return template


def _where(error: BaseException) -> str:
    """Return the template's file and line that an error came from, as Jinja2 notes it in the traceback."""
    where, trace = type(error).__name__, error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.endswith(".html"):
            where = f"{file}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return where
