"""Words, numbers, money and dates in the reader's language: gettext catalogues and Babel.

English is the language of the source and needs neither; all others are read when the first text is asked for.
"""

from __future__ import annotations

from milter.i18n.translator import LANGUAGES, Translator, msgid, supported, translator

__all__ = ["LANGUAGES", "Translator", "msgid", "supported", "translator"]
