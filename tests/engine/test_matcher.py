"""Word lists within windows: what holds and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.engine import matcher as engine_matcher
from milter.engine.matcher import Matcher
from milter.engine.program import atoms_of, compile_program
from milter.engine.rulebook import RuleBook, RuleEntry, Wording
from milter.engine.scanners import make_scanner
from milter.engine.schema import Scoring

ENGINES = ("hyperscan", "ahocorasick")


def lowered(word: str) -> tuple[str, ...]:
    return (word.lower().replace("7", "#"),)


def matcher(*wordings: Wording, engine: str = "ahocorasick") -> Matcher:
    rule = RuleEntry("threat.test", "for this test", "threat", None, 1.0, wordings=wordings)
    program = compile_program(
        RuleBook((rule,), Scoring(caps={}, one_sided_cap=4, quoted_weight=0.5, reported_weight=0.1)), lowered
    )
    return Matcher(program, make_scanner(program.atoms, [r.regex for r in program.regexes], engine))


def found(wording: Wording, text: str, engine: str) -> list[str]:
    hits = matcher(wording, engine=engine).hits(text)
    return [text.encode()[slice(*hit.span)].decode() for hit in hits]


def near(*lists: tuple[str, ...], **options: object) -> Wording:
    return Wording("en", lists, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("wording", "text", "expected"),
    [
        (near(("send",)), " i send it ", ["send"]),
        (near(("send",)), " i sender it ", []),
        (near(("send*",)), " the sender is ", ["send"]),
        (near(("*video",)), " ein sexvideo hier ", ["video"]),
        (near(("*video*",)), " die sexvideos hier ", ["video"]),
        (near(("do not pay",)), " please do not pay them ", ["do not pay"]),
        (near(("# hours",)), " you have # hours now ", ["# hours"]),
        (near(("send",), ("video",)), " send the video ", ["send the video"]),
        (near(("send",), ("video",)), " the video i send ", ["video i send"]),
        (near(("send",), ("video",), in_order=True), " the video i send ", []),
        (near(("send",), ("video",), within=10), " send the video ", []),
        (near(("send",), ("video",), within=14), " send the video ", ["send the video"]),
        (near(("pay",), ("pay",)), " pay once ", []),
        (near(("pay",), ("pay",)), " pay and pay ", ["pay and pay"]),
        (near(("do not pay",), ("pay",)), " do not pay ", []),
        (near(("send",), ("video",), ("friends",)), " friends get i send video ", ["friends get i send video"]),
        (near(("te", "tu"), ("te das placer",)), " tu ves y te das placer ", ["tu ves y te das placer"]),
        (near(("a",), ("b",), ("c",), in_order=True), " a b a c ", ["a b a c"]),
        (near(("send",), ("video",), unless=(("never",),)), " i never send the video ", []),
        (near(("send",), ("video",), unless=(("never",),), within=15), " never i send video ", ["send video"]),
        (near(("録画",)), " あなたを録画した ", ["録画"]),
        (near(("비디오",), ("보내",)), " 비디오를모두보내겠다 ", ["비디오를모두보내"]),
        (Wording("en", regex=r"pay (?:me|us)"), " you pay us now ", ["pay us"]),
        (Wording("en", regex=r"(?<!not )pay us"), " do not pay us ", []),
        (Wording("ru", regex=r"плат\w{0,3}"), " плати ", ["плат"]),
    ],
)  # fmt: skip
def test_what_a_pattern_finds(wording: Wording, text: str, expected: list[str], engine: str) -> None:
    assert found(wording, text, engine) == expected


def test_window_of_a_russian_pattern_counts_characters_not_bytes() -> None:
    wording = Wording("ru", (("видео",), ("друзьям",)), within=20)
    assert found(wording, " видео всем друзьям ", "ahocorasick") == ["видео всем друзьям"]


@pytest.mark.parametrize(
    ("word", "atoms"),
    [
        ("send", {" send "}),
        ("send*", {" send"}),
        ("*send", {"send "}),
        ("# hours", {" # hours "}),
        ("비트코인", {"비트코인"}),
        ("btc를", {" btc를"}),
    ],
)
def test_atoms_carry_the_borders_of_words(word: str, atoms: set[str]) -> None:
    assert atoms_of(word, lowered) == atoms


WORDS = ("a", "b", "a b", "b c*", "*c", "d")
one_list = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True).map(tuple)
lists = st.lists(one_list, min_size=1, max_size=3)
wordings = st.builds(
    Wording,
    st.sampled_from(["en", "de"]),
    lists.map(tuple),
    lists.map(tuple) | st.just(()),
    within=st.integers(3, 14),
    in_order=st.booleans(),
)
texts = st.lists(st.sampled_from(["a", "b", "c", "cd", "d", "x", "y"]), min_size=1, max_size=40)


@given(st.lists(wordings, min_size=1, max_size=4), texts.map(lambda words: f" {' '.join(words)} "))
def test_the_surroundings_of_one_list_hold_all_that_the_whole_text_holds(patterns: list[Wording], text: str) -> None:
    searched = matcher(*patterns)
    near_anchors = searched.hits(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_matcher, "_surroundings", lambda _anchors, _within: [(0, len(text))])
        assert near_anchors == searched.hits(text)


@given(st.lists(wordings, min_size=1, max_size=4), texts.map(lambda words: f" {' '.join(words)} "))
def test_for_a_verdict_the_first_hit_in_each_language_does(patterns: list[Wording], text: str) -> None:
    searched = matcher(*patterns)
    first = {}
    for hit in searched.hits(text):
        first.setdefault((hit.rule, hit.language), hit)
    assert searched.hits(text, every=False) == list(first.values())
