"""The table of look-alikes is made from Unicode's file by rules that keep ordinary letters out."""

import importlib.util
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "build_confusables.py"
LINES = """\
# Date: 2025-01-01
# Version: 1.0.0
0430 ;\t0061 ;\tMA\t# а → a
0406 ;\t006C ;\tMA\t# І → l
0411 ;\t0062 0304 ;\tMA\t# Б → b̄
0432 ;\t0299 ;\tMA\t# в → ʙ
0434 ;\t0435 0440 ;\tMA\t# two letters
00F8 ;\t006F 0338 ;\tMA\t# ø is a letter of its own
1D41B ;\t0062 ;\tMA\t# NFKC reads it
4E36 ;\t005C ;\tMA\t# no letter
0661 ;\t006C ;\tMA\t# a digit
""".splitlines()


def test_what_is_kept() -> None:
    spec = importlib.util.spec_from_file_location("build_confusables", TOOL)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    table = tool.table(tool.rows(LINES))
    assert {char: table[char] for char in "аІБв"} == {
        "а": ("a", "strict"),
        "І": ("I", "strict"),
        "Б": ("b", "loose"),
        "в": ("b", "loose"),
    }
    assert not set("дø𝐛丶١") & set(table)
    assert table["ᴀ"] == ("a", "loose")
    assert table["ʋ"] == ("v", "strict")
    assert list(tool.head(LINES))[2:4] == ["# Date: 2025-01-01", "# Version: 1.0.0"]
