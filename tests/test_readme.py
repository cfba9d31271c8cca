"""What the README shows is what the tests run."""

from pathlib import Path

import pytest

from milter.postfix.layout import lay_out

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["main", "master"])
def test_the_postfix_set_up_is_quoted_word_for_word(name: str) -> None:
    text = getattr(lay_out("before-queue"), name).rstrip("\n")
    assert "\n".join(f"    {line}" if line else "" for line in text.split("\n")) in README


def test_the_two_commands_stand_alone_on_their_lines() -> None:
    lines = [line.strip() for line in README.splitlines()]
    assert "pip install . && blackmail-filter demo" in lines
    assert "pip install '.[dev]' && pytest" in lines


def test_local_links_lead_somewhere() -> None:
    targets = [part.split(")")[0] for part in README.split("](")[1:]]
    missing = [t for t in targets if not t.startswith("http") and not (ROOT / t.split("#")[0]).exists()]
    assert missing == []


def test_each_page_of_the_manual_is_linked_at_the_end() -> None:
    more = README.split("## More")[1]
    assert [page.name for page in sorted((ROOT / "docs").glob("*.md")) if f"(docs/{page.name})" not in more] == []
