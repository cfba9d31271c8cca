"""Both scanners find the same."""

from hypothesis import given
from hypothesis import strategies as st

from milter.engine.matcher import Matcher
from milter.engine.program import compile_program
from milter.engine.rulebook import RuleBook, RuleEntry, Wording
from milter.engine.scanners import AhoCorasickScanner, HyperscanScanner, make_scanner
from milter.engine.schema import Scoring

WORDS = ("pay", "pay*", "*pay", "*pay*", "do not pay", "# days", "плати", "плат*", "録画", "送る", "me")
REGEXES = (r"pay.{0,9}me", r"(?<!not )pay", r"\bme\b", r"плат\w{0,4}", r"録.送", r"[^a-z ]{2,4}")
texts = st.lists(
    st.sampled_from(
        ["pay", "payer", "prepay", "repaying", "do", "not", "me", "#", "days", "плати", "плата", "録画送る", "é", "x"]
    )
).map(lambda words: " " + " ".join(words) + " ")


def book() -> RuleBook:
    single = [Wording("en", ((word,),)) for word in WORDS]
    pairs = [Wording("en", ((a,), (b,)), within=25) for a in WORDS for b in WORDS if a != b]
    regexes = [Wording("en", regex=source) for source in REGEXES]
    rule = RuleEntry("threat.test", "for this test", "threat", None, 1.0, wordings=(*single, *pairs, *regexes))
    return RuleBook((rule,), Scoring(caps={}, one_sided_cap=4, quoted_weight=0.5, reported_weight=0.1))


PROGRAM = compile_program(book(), lambda word: (word.replace("7", "#"),))
MATCHERS = [
    Matcher(PROGRAM, make_scanner(PROGRAM.atoms, [r.regex for r in PROGRAM.regexes], e))
    for e in ("hyperscan", "ahocorasick")
]


@given(texts)
def test_hyperscan_and_aho_corasick_give_the_same_hits(text: str) -> None:
    first, second = (matcher.hits(text) for matcher in MATCHERS)
    assert first == second


def test_the_texts_of_the_comparison_do_hit() -> None:
    hits = MATCHERS[0].hits(" do not pay me # days плати 録画送る ")
    assert {hit.pattern for hit in hits} >= {WORDS.index("do not pay"), WORDS.index("плати"), WORDS.index("録画")}


def test_make_scanner_prefers_hyperscan() -> None:
    assert isinstance(make_scanner([" pay "], []), HyperscanScanner)
    assert isinstance(make_scanner([" pay "], [], "ahocorasick"), AhoCorasickScanner)


def test_a_dumped_database_finds_the_same() -> None:
    atoms = [" pay ", " плат"]
    scanner = HyperscanScanner(atoms, [r"p.y"])
    again = HyperscanScanner(atoms, [r"p.y"], scanner.dump())
    text = " pay me плати ".encode()
    assert again.find(text) == scanner.find(text) == {0, 1, 2}
