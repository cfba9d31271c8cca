"""Pages and texts made from the templates in milter/data."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from milter import __version__
from milter.i18n import Translator


def page(template: str, words: Translator, **values: object) -> str:
    """A page or text from one of our templates ("evidence/report.html"); in HTML every value is escaped."""
    return templates().get_template(template).render(
        gettext=words.gettext, ngettext=words.ngettext, number=words.number, language=words.language,
        version=__version__, **values,
    )  # fmt: skip


@cache
def templates() -> Environment:
    """The templates in milter/data."""
    return Environment(
        loader=PackageLoader("milter", "data"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
