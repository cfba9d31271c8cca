"""Tables in Markdown, and where they stand in a document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; the first column names the rows."""

    header: list[str]
    rows: list[list[str]]

    def __str__(self) -> str:
        lines = [self.header, ["---", *["--:"] * (len(self.header) - 1)], *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def fill(document: Path, section: str, content: str) -> None:
    """Put content between the marks of a section. Raises ValueError if the document has no such section."""
    text = document.read_text(encoding="utf-8")
    begin, end = f"<!-- {section} -->\n", f"<!-- /{section} -->"
    filled, count = re.subn(
        re.escape(begin) + ".*?" + re.escape(end), lambda _: f"{begin}{content}\n{end}", text, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"{document}: needs the section '{section}' once, has it {count} times")
    document.write_text(filled, encoding="utf-8")
