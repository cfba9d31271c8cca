"""DMARC: the examples of RFC 9989, its record format beside another parser, and every way to a result."""

import checkdmarc.dmarc
import dns.resolver
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.sender.dmarc import check_dmarc, walk_tree
from milter.sender.dmarc_record import DmarcRecord, parse_record
from milter.sender.results import DkimResult, SpfResult

NONE = "v=DMARC1; p=none"
REJECT = "v=DMARC1; p=reject"


def spf(domain, result="pass", identity="mailfrom"):
    return SpfResult(result, domain, identity)


def dkim(domain, result="pass"):
    return DkimResult(result, domain)


async def judge(zone, author, spf_results=(), dkim_results=()):
    return await check_dmarc(author, spf_results, dkim_results, resolver=zone)


# --- RFC 9989, appendix B -------------------------------------------------------------------------------------

DEEP = "a.b.c.d.e.f.g.h.i.j.k.example.com"
ORDINARY = {"_dmarc.example.com": [NONE]}
SIGNING = {**ORDINARY, "_dmarc.signing.example.com": [NONE]}
BANK = {"_dmarc.bank.example": ["v=DMARC1; p=reject; psd=y"], "_dmarc.giant.bank.example": [NONE]}
STRICT = {"_dmarc.example.com": ["v=DMARC1; p=none; aspf=s; adkim=s"]}
RFC9989_ALIGNMENT = [
    # B.1.1: SPF; B.1.2: DKIM
    ("spf strict", STRICT, "example.com", [spf("example.com")], [], "pass"),
    ("spf relaxed", ORDINARY, "example.com", [spf("child.example.com")], [], "pass"),
    ("spf relaxed, under strict", STRICT, "example.com", [spf("child.example.com")], [], "fail"),
    ("spf unaligned", ORDINARY, "child.example.com", [spf("example.net")], [], "fail"),
    ("dkim strict", STRICT, "example.com", [], [dkim("example.com")], "pass"),
    ("dkim relaxed", ORDINARY, "child.example.com", [], [dkim("example.com")], "pass"),
    ("dkim relaxed, under strict", STRICT, "child.example.com", [], [dkim("example.com")], "fail"),
    ("dkim unaligned", ORDINARY, "child.example.com", [], [dkim("example.net")], "fail"),
    # B.3.1
    (
        "smtp session",
        {"_dmarc.example.com": ["v=DMARC1; p=reject; aspf=r; rua=mailto:dmarc-feedback@example.com"]},
        "example.com",
        [spf("mail.example.com")],
        [dkim("example.com")],
        "pass",
    ),
    # B.4.1 to B.4.3, each identifier alone
    ("simple, spf", SIGNING, "example.com", [spf("example.com")], [], "pass"),
    ("simple, dkim", SIGNING, "example.com", [], [dkim("signing.example.com")], "pass"),
    ("deep, spf", SIGNING, DEEP, [spf("example.com")], [], "pass"),
    ("deep, dkim", SIGNING, DEEP, [], [dkim("signing.example.com")], "pass"),
    ("psd, spf", BANK, "giant.bank.example", [spf("mail.giant.bank.example")], [], "pass"),
    ("psd, dkim", BANK, "giant.bank.example", [], [dkim("mail.mega.bank.example")], "fail"),
]


@pytest.mark.parametrize(
    ("zone", "author", "spf_results", "dkim_results", "word"),
    [case[1:] for case in RFC9989_ALIGNMENT],
    ids=[case[0] for case in RFC9989_ALIGNMENT],
)
async def test_rfc9989_alignment(memory, zone, author, spf_results, dkim_results, word):
    assert (await judge(memory(zone), author, spf_results, dkim_results)).result == word


# §4.10 and §4.10.2, and what appendix B says of the walks
RFC9989_WALKS = [
    (
        "a.b.c.d.e.f.g.h.i.j.mail.example.com",
        {},
        ["a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com", "h.i.j.mail.example.com",
         "i.j.mail.example.com", "j.mail.example.com", "mail.example.com", "example.com", "com"],
        "a.b.c.d.e.f.g.h.i.j.mail.example.com",
    ),
    (
        "a.mail.example.com",
        {"_dmarc.mail.example.com": [NONE], "_dmarc.example.com": [NONE]},
        ["a.mail.example.com", "mail.example.com", "example.com", "com"],
        "example.com",
    ),
    (
        "a.mail.example.com",
        {"_dmarc.mail.example.com": ["v=DMARC1; p=none; psd=n"]},
        ["a.mail.example.com", "mail.example.com", "example.com", "com"],
        "mail.example.com",
    ),
    (
        "a.mail.example.com",
        {"_dmarc.com": ["v=DMARC1; p=none; psd=y"]},
        ["a.mail.example.com", "mail.example.com", "example.com", "com"],
        "example.com",
    ),
    (
        "mail.example.com",
        {"_dmarc.example.com": ["v=DMARC1; p=none; psd=y"]},
        ["mail.example.com", "example.com", "com"],
        "mail.example.com",
    ),
    (DEEP, SIGNING,
     [DEEP, "g.h.i.j.k.example.com", "h.i.j.k.example.com", "i.j.k.example.com", "j.k.example.com", "k.example.com",
      "example.com", "com"], "example.com"),
    ("giant.bank.example", BANK, ["giant.bank.example", "bank.example", "example"], "giant.bank.example"),
    ("mail.giant.bank.example", BANK, ["mail.giant.bank.example", "giant.bank.example", "bank.example", "example"],
     "giant.bank.example"),
    ("mail.mega.bank.example", BANK, ["mail.mega.bank.example", "mega.bank.example", "bank.example", "example"],
     "mega.bank.example"),
    ("signing.example.com", SIGNING, ["signing.example.com", "example.com", "com"], "example.com"),
    ("example.com", SIGNING, ["example.com", "com"], "example.com"),
]  # fmt: skip


@pytest.mark.parametrize(("start", "zone", "asked", "organisational"), RFC9989_WALKS)
async def test_rfc9989_walks(memory, start, zone, asked, organisational):
    resolver = memory(zone)
    walk = await walk_tree(start, resolver)
    assert [name.removeprefix("TXT _dmarc.") for name in resolver.asked] == asked
    assert walk.organisational == organisational


async def test_a_walk_stops_at_a_public_suffix(memory):
    walk = await walk_tree("bank.example", memory({**BANK, "_dmarc.example": [NONE]}))
    assert walk.organisational == "bank.example"


RFC9989_RECORDS = [
    ("v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com", DmarcRecord()),
    ("v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com; ruf=mailto:auth-reports@example.com", DmarcRecord()),
    (
        "v=DMARC1; p=quarantine; rua=mailto:dmarc-feedback@example.com,mailto:tld-test@thirdparty.example.net; t=y",
        DmarcRecord("quarantine", "quarantine", "quarantine", testing=True),
    ),
    (
        "v=DMARC1; p=reject; rua=mailto:dmarc-feedback@example.com,mailto:tld-test@thirdparty.example.net",
        DmarcRecord("reject", "reject", "reject"),
    ),
    ("v=DMARC1; rua=mailto:reports@example.com", DmarcRecord()),
]


@pytest.mark.parametrize(("text", "record"), RFC9989_RECORDS)
def test_rfc9989_records(text, record):
    assert parse_record(text) == record


def test_the_number_of_examples():
    assert (len(RFC9989_ALIGNMENT), len(RFC9989_WALKS), len(RFC9989_RECORDS)) == (15, 11, 5)


# --- the record -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "v=spf1 -all", "v=DMARC2; p=none", "v=dmarc1; p=none", "p=none; v=DMARC1", "v=DMARC1p=none", " v=DMARC1"],
)
def test_what_is_no_record(text):
    assert parse_record(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("V = DMARC1 ;P = Reject ; sp=none;np=quarantine", DmarcRecord("reject", "none", "quarantine")),
        ("v=DMARC1;p=reject;sp=none", DmarcRecord("reject", "none", "none")),
        ("v=DMARC1; p=reject; adkim=s; aspf=S; psd=N; t=y; pct=5; unknown=1",
         DmarcRecord("reject", "reject", "reject", True, True, "n", True)),
        ("v=DMARC1; p=reject; adkim=x; psd=z; t=maybe", DmarcRecord("reject", "reject", "reject")),
        ("v=DMARC1; p=reject; p=none", DmarcRecord("reject", "reject", "reject")),
        ("v=DMARC1; p=reject;; =;garbage", DmarcRecord("reject", "reject", "reject")),
        ("v=DMARC1", DmarcRecord(usable=False)),
        ("v=DMARC1; p=bogus", DmarcRecord(usable=False)),
        ("v=DMARC1; p=reject; sp=bogus", DmarcRecord(usable=False)),
        ("v=DMARC1; p=reject; sp=bogus; rua=mailto:a@example.org", DmarcRecord()),
        ("v=DMARC1; p=bogus; rua=not a uri", DmarcRecord(usable=False)),
    ],
)  # fmt: skip
def test_tags_and_their_faults(text, expected):
    assert parse_record(text) == expected


@given(st.text(max_size=80))
def test_any_text_can_be_read(text):
    parse_record("v=DMARC1;" + text)
    parse_record(text)


POLICY = st.sampled_from(["none", "quarantine", "reject", "Reject"])
TAGS = st.fixed_dictionaries(
    {"p": POLICY},
    optional={
        "sp": POLICY,
        "np": POLICY,
        "adkim": st.sampled_from("rsR"),
        "aspf": st.sampled_from("rsS"),
        "psd": st.sampled_from("ynu"),
        "t": st.sampled_from("yn"),
        "fo": st.sampled_from(["0", "1", "d:s"]),
        "xyz": st.just("unknown"),
    },
)


@given(TAGS, st.sampled_from(["; ", ";", " ; "]), st.randoms())
def test_it_reads_as_checkdmarc_does(tags, separator, random):
    names = list(tags)
    random.shuffle(names)
    text = separator.join(["v=DMARC1", *(f"{name}={tags[name]}" for name in names)])
    theirs = checkdmarc.dmarc.parse_dmarc_record(text, "example.org", resolver=dns.resolver.Resolver(configure=False))
    value = {name: tag["value"] for name, tag in theirs["tags"].items()}
    assert parse_record(text) == DmarcRecord(
        policy=value["p"],
        subdomain_policy=value["sp"],
        nonexistent_policy=value["np"],
        strict_dkim=value["adkim"] == "s",
        strict_spf=value["aspf"] == "s",
        psd=value["psd"],
        testing=value["t"] == "y",
    )


# --- the result -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "author", "policy"),
    [
        ({"_dmarc.example.com": [REJECT + "; sp=none; np=quarantine"]}, "example.com", "reject"),
        ({"_dmarc.example.com": [REJECT + "; sp=none; np=quarantine"], "a.example.com": []}, "a.example.com", "none"),
        ({"_dmarc.example.com": [REJECT + "; sp=none; np=quarantine"]}, "b.example.com", "quarantine"),
        ({"_dmarc.example.com": [REJECT + "; sp=none"]}, "b.example.com", "none"),
        ({"_dmarc.example.com": [REJECT + "; np=none"]}, "b.example.com", "none"),
        ({"_dmarc.example.com": [REJECT + "; t=y"]}, "example.com", "quarantine"),
        ({"_dmarc.example.com": ["v=DMARC1; p=quarantine; t=y"]}, "example.com", "none"),
        ({"_dmarc.com": [REJECT + "; psd=y; sp=quarantine"], "example.com": []}, "example.com", "quarantine"),
        ({"_dmarc.com": [REJECT + "; psd=y"], "_dmarc.example.com": [NONE]}, "a.example.com", "none"),
        ({"_dmarc.a.example.com": [NONE], "_dmarc.example.com": [REJECT]}, "a.example.com", "none"),
    ],
)
async def test_the_policy_for_mail_that_fails(memory, zone, author, policy):
    result = await judge(memory(zone), author, [spf("example.net")])
    assert (result.result, result.domain, result.policy) == ("fail", author, policy)


@pytest.mark.parametrize(
    ("zone", "word"),
    [
        ({}, "none"),
        ({"_dmarc.example.com": ["v=spf1 -all"]}, "none"),
        ({"_dmarc.example.com": [REJECT, REJECT]}, "none"),
        ({"_dmarc.example.com": ["v=DMARC1; p=bogus"]}, "none"),
        ({"_dmarc.example.com": ["some other text", REJECT]}, "fail"),
        ({"_dmarc.example.com": None}, "temperror"),
    ],
)
async def test_without_a_record_that_applies_there_is_no_result(memory, zone, word):
    assert (await judge(memory(zone), "example.com", [spf("example.net")])).result == word


@pytest.mark.parametrize(
    ("spf_results", "dkim_results", "word"),
    [
        ([], [], "fail"),
        ([spf("example.com", "fail")], [dkim("example.com", "fail")], "fail"),
        ([spf("example.com", "fail")], [dkim("example.net"), dkim("example.com")], "pass"),
        ([spf("example.com", "temperror")], [], "temperror"),
        ([spf("example.com", "temperror")], [dkim("example.com")], "pass"),
        ([spf("example.net", "temperror")], [], "fail"),
        ([spf("example.com", identity="helo")], [], "pass"),
        ([spf("example.net"), spf("example.com", identity="helo")], [], "fail"),
        ([], [dkim("com")], "fail"),
        ([spf("notexample.com")], [], "fail"),
    ],
)
async def test_what_counts_as_proof(memory, spf_results, dkim_results, word):
    zone = memory({"_dmarc.example.com": [REJECT]})
    assert (await judge(zone, "example.com", spf_results, dkim_results)).result == word


async def test_a_failed_look_up_spoils_only_what_needs_it(memory):
    zone = {"_dmarc.example.com": [REJECT], "_dmarc.com": None}
    assert (await judge(memory(zone), "example.com", [spf("example.com")])).result == "pass"
    assert (await judge(memory(zone), "example.com", [spf("a.example.com")])).result == "temperror"
    assert (await judge(memory(zone), "example.com", [spf("example.com", "fail")])).result == "fail"
    zone = {"_dmarc.example.com": [REJECT + "; np=none"], "b.example.com": None}
    assert (await judge(memory(zone), "b.example.com")).result == "temperror"
    assert (await judge(memory(zone), "b.example.com", [spf("b.example.com")])).result == "pass"


async def test_mail_without_one_author_domain_cannot_be_judged(memory):
    resolver = memory({})
    assert (await judge(resolver, None, [spf("example.com")])).result == "permerror"
    assert not resolver.asked
