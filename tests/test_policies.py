"""Whose policy is which, who may share one mail, and what is refused."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from milter.config import Config, Policy, PolicyPart, load
from milter.errors import ConfigError
from milter.model import Listing
from milter.policies import Policies, PolicyBook, share_a_mail
from milter.postfix.layout import lay_out

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")


class Entry(NamedTuple):
    scope: str
    sender: str
    listing: Listing


def configured(folder: Path, text: str) -> Config:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


STAFF = """
policy: {tag_at: 6, quarantine_at: 12, block: [spam.test]}
policies:
  .example.org: {tag_at: 4}
  example.org: {quarantine: yes, allow: [news.test, anna@spam.test]}
  Anna@Example.org: {quarantine_at: 20, language: de, self_release: ask, block: [news.test]}
  anna+lists@example.org: {quarantine: no}
  münchen.example: {tag_at: 3}
"""


@pytest.fixture
def staff(tmp_path: Path) -> Policies:
    return Policies(configured(tmp_path, STAFF))


def test_the_more_specific_says_what_is_different(staff: Policies) -> None:
    anna, paul, branch, stranger = map(
        staff.of, ("anna@example.org", "paul@example.org", "x@a.example.org", "x@example.net")
    )
    assert (stranger.tag_at, stranger.quarantine_at, stranger.quarantine) == (6, 12, False)
    assert (branch.tag_at, branch.quarantine) == (4, False)
    assert (paul.tag_at, paul.quarantine_at, paul.quarantine, paul.language) == (6, 12, True, None)
    assert (anna.tag_at, anna.quarantine_at, anna.quarantine, anna.language) == (6, 20, True, "de")
    assert (paul.self_release, anna.self_release) == ("yes", "ask")


@pytest.mark.parametrize("address", ["ANNA@example.ORG", '"anna"@example.org', "Anna+shop@example.org"])
def test_spellings_of_an_address(staff: Policies, address: str) -> None:
    assert staff.of(address) == staff.of("anna@example.org")


def test_a_detail_may_have_its_own(staff: Policies) -> None:
    lists = staff.of("anna+lists@example.org")
    assert (lists.quarantine, lists.quarantine_at) == (False, 20)


@pytest.mark.parametrize("address", ["x@MÜNCHEN.example", "x@xn--mnchen-3ya.example", "x@mu\u0308nchen.example"])
def test_international_domains(staff: Policies, address: str) -> None:
    assert staff.of(address).tag_at == 3


@pytest.mark.parametrize("address", ["", "postmaster", "@", "x@", "x@y@", "x@[192.0.2.1]", "\udcff@\udcff"])
def test_what_has_no_domain_of_ours_has_the_default(staff: Policies, address: str) -> None:
    assert staff.of(address).tag_at == 6


def test_lists_add_up_and_the_more_specific_entry_wins(staff: Policies) -> None:
    anna, paul, stranger = map(staff.of, ("anna@example.org", "paul@example.org", "x@example.net"))
    assert (stranger.listing("a@spam.test"), stranger.listing("a@news.test")) == ("block", None)
    assert (paul.listing("a@spam.test"), paul.listing("a@news.test")) == ("block", "allow")
    assert paul.listing("anna@spam.test") == "allow"
    assert (anna.listing("a@spam.test"), anna.listing("a@news.test")) == ("block", "block")


def test_recipients_before_authors() -> None:
    """What the recipient says of a whole domain outweighs what all say of one of its addresses."""
    everybody = Policy(block=frozenset({"a@shop.test", "b@other.test"}), allow=frozenset({"c@shop.test"}))
    mine = everybody.refined(PolicyPart(allow=frozenset({"shop.test"})))
    assert [mine.listing(who) for who in ("a@shop.test", "b@other.test", "c@shop.test")] == ["allow", "block", "allow"]
    strict = everybody.refined(PolicyPart(block=frozenset({".test"})))
    assert [strict.listing(who) for who in ("c@shop.test", "x@y.test", "x@y.example")] == ["block", "block", None]


def test_domains_and_all_below_them() -> None:
    policy = Policy(allow=frozenset({".shop.test", "x@bad.shop.test"}), block=frozenset({"bad.shop.test"}))
    found = [policy.listing(who) for who in ("a@shop.test", "a@eu.shop.test", "a@bad.shop.test", "x@bad.shop.test")]
    assert found == [None, "allow", "block", "allow"]


# Lists that are kept in the store.
def test_kept_lists_count_like_the_configured_ones(tmp_path: Path) -> None:
    entries = [
        Entry("*", "all.test", "block"),
        Entry("example.org", "all.test", "allow"),
        Entry("anna@example.org", "shop.test", "allow"),
        Entry("anna@example.org", "news.test", "allow"),
    ]
    policies = Policies(configured(tmp_path, STAFF), entries)
    anna, paul, stranger = map(policies.of, ("anna+x@example.org", "paul@example.org", "x@example.net"))
    assert (stranger.listing("a@all.test"), stranger.listing("a@spam.test")) == ("block", "block")
    assert (paul.listing("a@all.test"), paul.listing("a@shop.test")) == ("allow", None)
    assert (anna.listing("a@all.test"), anna.listing("a@shop.test")) == ("allow", "allow")
    # On both lists of the same recipients.
    assert anna.listing("a@news.test") == "block"
    assert anna.tag_at == 6


def test_without_differences_all_have_the_one_policy() -> None:
    config = Config()
    assert Policies(config).are_one
    assert Policies(config).of("a@example.org") is config.policy
    everybody = Policies(config, [Entry("*", "spam.test", "block")])
    assert everybody.are_one
    assert everybody.of("a@example.org").listing("a@spam.test") == "block"
    assert not Policies(config, [Entry("example.org", "spam.test", "block")]).are_one


def test_a_book_is_renewed_only_when_the_lists_have_changed() -> None:
    book = PolicyBook(Config())
    first = book.current
    book.renew([])
    assert book.current is first
    book.renew([Entry("a@example.org", "spam.test", "block")])
    second = book.current
    assert second.of("a@example.org").listing("x@spam.test") == "block"
    book.renew(iter([Entry("a@example.org", "spam.test", "block")]))
    assert book.current is second
    book.renew([])
    assert book.current.are_one


# Who may share a mail.
@pytest.mark.parametrize(
    ("part", "together"),
    [
        (PolicyPart(), True),
        (PolicyPart(tag_at=5.0, allow=frozenset()), True),
        (PolicyPart(self_release="ask"), True),
        (PolicyPart(tag_at=6), False),
        (PolicyPart(quarantine=True), False),
        (PolicyPart(language="de"), False),
        (PolicyPart(subject_tag=True), False),
        (PolicyPart(notice="add"), False),
        (PolicyPart(notice="off"), True),
        (PolicyPart(defang=True), False),
        (PolicyPart(personal_case="quarantine"), False),
        (PolicyPart(allow=frozenset({"shop.test"})), False),
        (PolicyPart(block=frozenset({"shop.test"})), False),
    ],
    ids=str,
)
def test_who_may_share_a_mail(part: PolicyPart, together: bool) -> None:
    policy = Policy()
    assert share_a_mail(policy, policy.refined(part)) is together


def test_the_same_lists_by_two_ways_are_the_same(tmp_path: Path) -> None:
    config = configured(tmp_path, "policies: {anna@example.org: {block: [spam.test]}}")
    policies = Policies(config, [Entry("paul@example.org", "spam.test", "block")])
    assert share_a_mail(policies.of("anna@example.org"), policies.of("paul@example.org"))
    assert not share_a_mail(policies.of("anna@example.org"), policies.of("eve@example.org"))


def test_those_who_cannot_be_parted_get_the_strictest_of_each_point() -> None:
    shops = frozenset({"shop.test", "a@news.test"})
    config = Config(
        policies={
            "a@example.org": PolicyPart(tag_at=9, quarantine=True, allow=shops),
            "b@example.org": PolicyPart(tag_at=3, quarantine_at=4, allow=frozenset({"news.test"})),
            "c@example.org": PolicyPart(quarantine=True, quarantine_at=30, block=shops),
        }
    )
    policies = Policies(config)
    both = policies.of_mail(["a@example.org", "b@example.org"])
    assert (both.tag_at, both.quarantine_at, both.quarantine) == (3, 10, True)
    assert [both.listing(who) for who in ("a@news.test", "b@news.test", "a@shop.test")] == ["allow", None, None]
    three = policies.of_mail(["a@example.org", "b@example.org", "c@example.org"])
    assert (three.quarantine_at, three.listing("a@news.test")) == (10, "block")
    assert policies.of_mail(["b@example.org", "B@example.org"]) == policies.of("b@example.org")
    assert policies.of_mail([]) == config.policy


def test_those_who_cannot_be_parted_get_a_mail_changed_as_far_as_all_want_it() -> None:
    config = Config(
        policy=Policy(notice="wrap", subject_tag=True, defang=True),
        policies={
            "a@example.org": PolicyPart(notice="add", personal_case="quarantine"),
            "b@example.org": PolicyPart(defang=False),
        },
    )
    policies = Policies(config)
    both = policies.of_mail(["a@example.org", "b@example.org"])
    assert (both.notice, both.subject_tag, both.defang, both.personal_case) == ("add", True, False, "quarantine")
    assert policies.of_mail(["b@example.org", "x@example.org"]).notice == "wrap"


def test_strangers_do_not_fill_the_memory(staff: Policies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milter.policies.KEPT", 100)
    for number in range(1000):
        staff.of(f"x{number}@example.net")
    assert len(staff._known) <= 100
    assert staff.of("anna@example.org").quarantine_at == 20


def test_whether_anything_is_quarantined(tmp_path: Path) -> None:
    assert configured(tmp_path, STAFF).quarantines
    assert configured(tmp_path, "policy: {quarantine: true}").quarantines
    assert not configured(tmp_path, "policies: {example.org: {tag_at: 3}}").quarantines


# Faults of the settings.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "policies:\n  anna@example.org:\n    tag_att: 3",
            ":3: policies.anna@example.org.tag_att: is not a known key; did you mean 'tag_at'?",
        ),
        ("policies:\n  a.test: {}\n  anna@: {tag_at: 3}", ":3: policies.anna@: write an address (anna@example.org)"),
        ("policies:\n  '*': {tag_at: 3}", ":2: policies.*: write an address"),
        (
            "policies:\n  a@Example.org: {}\n  A@example.org: {}",
            ":3: policies.A@example.org: is the same as 'a@Example.org'",
        ),
        (
            "policies:\n  a.test: {tag_at: 3}\n  b.test: {tag_at: 11}",
            ":3: policies.b.test: quarantine_at (10) must not be below tag_at (11)",
        ),
        (
            "policies:\n  a.test: {quarantine_at: 6}\n  x@a.test: {tag_at: 7}",
            ":3: policies.x@a.test: quarantine_at (6) must not be below tag_at (7), inherited ones included",
        ),
        ("policies:\n  a.test:\n    tag_at: 0", ":3: policies.a.test.tag_at: must be greater than 0"),
        ("policies:\n  a.test:\n    language: xx", ":3: policies.a.test.language: must be 'en', 'de'"),
        ("policy:\n  notice: on", ":2: policy.notice: must be 'off', 'add' or 'wrap'"),
        (
            "policy:\n  personal_case: hide",
            ":2: policy.personal_case: must be 'deliver', 'notify' or 'quarantine'",
        ),
        ("policy: {personal_case: notify}", ":1: the file: personal_case: notify needs digest.command_address or"),
        (
            "milter: 127.0.0.1:1\ndigest: {command_address: q@a.test}\npolicies: {a.test: {personal_case: notify}}",
            ":1: the file: personal_case: notify does not go with milter",
        ),
        ("policy:\n  self_release: no", ":2: policy.self_release: must be 'yes' or 'ask'"),
        ("policy:\n  allow:\n    - a.test\n    - a b", ":4: policy.allow.1: write an address"),
        ("policy:\n  allow: shop.test", ":2: policy.allow: must be a list"),
        (
            "policies:\n  a.test: {allow: [x.test], block: [X.test]}",
            ":2: policies.a.test: 'x.test' stands in allow and in block",
        ),
        ("policies: [a.test]", ":1: policies: must be keys with values"),
    ],
)
def test_a_wrong_policy_is_refused_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "config.yaml") + expected)
    assert "\n" not in str(caught.value)


def test_off_is_a_word_in_yaml_too(tmp_path: Path) -> None:
    config = configured(tmp_path, "policy: {notice: add}\npolicies: {a.test: {notice: off}}")
    assert Policies(config).of("x@a.test").notice == "off"


def test_inherited_thresholds_may_be_given_in_parts(tmp_path: Path) -> None:
    config = configured(tmp_path, "policies: {a.test: {quarantine_at: 20}, x@a.test: {tag_at: 15, self_release: yes}}")
    assert Policies(config).of("x@a.test").tag_at == 15


# What is documented.
def test_the_documented_example_is_right(tmp_path: Path) -> None:
    example = DOCUMENT.split("```yaml\n")[1].split("```")[0]
    policies = Policies(configured(tmp_path, example))
    assert policies.of("paul@example.org").quarantine
    assert (policies.of("x@sales.example.org").tag_at, policies.of("x@example.org").tag_at) == (4, 5)
    anna = policies.of("anna@example.org")
    assert (anna.language, anna.quarantine, anna.listing("a@news.example.com")) == ("de", True, "allow")
    assert anna.listing("a@spam.example.com") == "block"
    assert not policies.of("helpdesk@example.org").quarantine


def test_the_line_for_postfix_is_quoted_word_for_word() -> None:
    differing = Config(next_hop="smtp://127.0.0.1:10026", policies={"b@example.org": {"tag_at": 4}})
    (added,) = re.findall(r"#.*\nblackmail_destination.*", lay_out("after-queue", differing).main)
    assert "".join(f"    {line}\n" for line in added.splitlines()) in DOCUMENT


def test_every_key_is_documented() -> None:
    assert [key for key in PolicyPart.model_fields if f"`{key}`" not in DOCUMENT] == []
