"""Authentication-Results: reading our own servers', writing ours."""

import authres
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.sender.authres import Upstream, parse_results, read_upstream, write_results
from milter.sender.fields import cut
from milter.sender.results import ArcResult, DkimResult, DmarcResult, SpfResult

TRUSTED = ("mx.example.org",)


def read(*values, trusted=TRUSTED):
    fields = cut("".join(f"Authentication-Results: {value}\r\n" for value in (*values,)).encode() + b"\r\n").fields
    return read_upstream(fields, trusted)


def test_all_methods_of_a_trusted_server():
    found = read(
        "MX.example.org 1; spf=pass smtp.mailfrom=a@example.net; dkim=pass (2048-bit key) header.d=example.net\r\n"
        " header.s=k1 header.i=@example.net; dkim=fail header.i=@list.example; dmarc=fail (p=none)"
        ' header.from=example.net policy.dmarc=none; arc=none; iprev=pass policy.iprev="192.0.2.1"'
    )
    assert found == Upstream(
        spf=SpfResult("pass", "example.net"),
        dkim=(DkimResult("pass", "example.net", "k1"), DkimResult("fail", "list.example")),
        dmarc=DmarcResult("fail", "example.net", "none"),
        arc=ArcResult("none"),
    )


def test_several_headers_add_up_and_the_topmost_counts_first():
    found = read("mx.example.org; spf=fail smtp.helo=a.test", "mx.example.org; spf=pass; dmarc=pass")
    assert found.spf == SpfResult("fail", "a.test", "helo")
    assert found.dmarc.result == "pass"
    assert found.dkim is None


@pytest.mark.parametrize(
    "value",
    [
        "mx.example.net; spf=pass smtp.mailfrom=example.org",
        "mx.example.org.evil.test; spf=pass",
        "evil.test (mx.example.org); spf=pass",
        "mx.example.org",
        "mx.example.org; none",
        "mx.example.org; spf=wonderful",
        "mx.example.org; ((((",
        "mx.example.org 2; spf=pass",
        "mx.example.org; spf=pass " + "x" * 10_000,
        "",
    ],
)
def test_anything_else_is_ignored(value):
    assert read(value) == Upstream()


def test_nobody_is_trusted_by_default():
    assert read("mx.example.org; spf=pass", trusted=()) == Upstream()


def test_our_header():
    text = write_results(
        [SpfResult("fail", "example.net"), SpfResult("none", "mx.example.net", "helo")],
        [DkimResult("pass", "example.net", "k1", "rsa-sha256", "AbC/+=12"), DkimResult("permerror", reason="no key")],
        DmarcResult("fail", "example.net", "reject"),
        ArcResult("pass", "sealer.example"),
    )
    assert text == (
        "spf=fail smtp.mailfrom=example.net; spf=none smtp.helo=mx.example.net;"
        ' dkim=pass header.d=example.net header.s=k1 header.a=rsa-sha256 header.b="AbC/+=12";'
        ' dkim=permerror reason="no key"; dmarc=fail header.from=example.net policy.dmarc=reject;'
        ' arc=pass reason="sealed by sealer.example"'
    )


def test_our_header_when_nothing_is_known():
    text = write_results([SpfResult()], [], DmarcResult(), ArcResult())
    assert text == "spf=none; dkim=none; dmarc=none; arc=none"


WORDS = st.sampled_from(["none", "pass", "fail", "temperror", "permerror", "policy", "neutral"])
NAMES = st.from_regex(r"[a-z0-9_-]{1,12}(\.[a-z0-9-]{1,12}){0,3}", fullmatch=True)


PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)


@given(WORDS, NAMES, NAMES, PRINTABLE, st.text(max_size=20))
def test_our_header_is_valid_whatever_it_says(word, domain, selector, signature, reason):
    text = write_results(
        [SpfResult(word, domain)],
        [DkimResult(word, domain, selector, "rsa-sha256", signature.replace("@", ""), reason)],
        DmarcResult(word, domain),
        ArcResult(word, domain),
    )
    parsed = authres.AuthenticationResultsHeader.parse_value(f"mx.example.org; {text}")
    assert [(one.method, one.result) for one in parsed.results] == [(m, word) for m in ("spf", "dkim", "dmarc", "arc")]
    values = {(p.type, p.name): p.value for p in parsed.results[1].properties}
    assert values["header", "d"] == domain
    assert values["header", "s"] == selector


@given(st.text(max_size=200))
def test_any_text_can_be_read(text):
    parse_results(text)
    parse_results("mx.example.org; " + text)
