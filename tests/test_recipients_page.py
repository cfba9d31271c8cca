"""The page for recipients' administrators shows what is there, and names every header that stands in a flagged mail."""

import re
from pathlib import Path

from milter.actions.headers import verdict_fields
from milter.model import Verdict

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "recipients.md").read_text(encoding="utf-8")


def test_pictures_and_links_lead_somewhere() -> None:
    targets = re.findall(r'src="([^"]+)"|\]\(([^)#]+)', PAGE)
    assert len(targets) > 10
    assert [target for pair in targets if not (DOCS / (target := pair[0] or pair[1])).exists()] == []
    shown = {path.name for path in (DOCS / "notice").glob("*.png")}
    assert {Path(picture).name for picture, _ in targets if picture} == shown


def test_every_header_is_described(sextortion: Verdict) -> None:
    names = re.findall(rb"^(X-Blackmail-[A-Za-z]+):", verdict_fields(sextortion, "filter.example"), re.MULTILINE)
    assert len(names) == 6
    assert [name for name in names if f"| `{name.decode()}` |" not in PAGE] == []
