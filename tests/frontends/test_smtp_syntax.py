"""Arguments of MAIL, RCPT and XFORWARD."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.frontends.smtp_syntax import (
    XCLIENT_ATTRIBUTES,
    XFORWARD_ATTRIBUTES,
    RefusedError,
    client_address,
    parse_attributes,
    parse_path,
    xtext,
)


@pytest.mark.parametrize(
    ("argument", "path", "address", "parameters"),
    [
        ("FROM:<>", "<>", "", ()),
        ("from: <a@b.example>", "<a@b.example>", "a@b.example", ()),
        ("FROM:a@b.example SIZE=5", "<a@b.example>", "a@b.example", ("SIZE=5",)),
        ('FROM:<"a > b"@c.example> X=y Z', '<"a > b"@c.example>', '"a > b"@c.example', ("X=y", "Z")),
        (r'FROM:<"a\"> b"@c.example>', r'<"a\"> b"@c.example>', r'"a\"> b"@c.example', ()),
        ("FROM:<@x.example,@y.example:a@b.example>", "<@x.example,@y.example:a@b.example>", "a@b.example", ()),
        ("FROM:<a@[IPv6:2001:db8::1]>", "<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", ()),
        ("FROM:<a@b.example>  ENVID=a+3Db   RET=hdrs ", "<a@b.example>", "a@b.example", ("ENVID=a+3Db", "RET=hdrs")),
    ],
)
def test_paths(argument, path, address, parameters):
    parsed = parse_path(argument, "FROM:")
    assert (parsed.path, parsed.address, parsed.parameters_as_written) == (path, address, parameters)


@pytest.mark.parametrize(
    "argument",
    [None, "", "TO:<a@b.example>", "FROM:", "FROM:<a@b.example", "FROM:<a b@c.example>", "FROM:<a@b.example> =",
     "FROM:<a>\r", "FROM:<<a@b.example>>", "FROM:<a@b.example>X=1 X=2", "FROM:<a@b.example> SIZE="],
)  # fmt: skip
def test_broken_paths(argument):
    with pytest.raises(RefusedError) as caught:
        parse_path(argument, "FROM:")
    assert caught.value.reply.code == 501


@given(st.text())
def test_no_argument_is_a_surprise(text):
    for argument in (text, f"FROM:{text}", f"FROM:<{text}>"):
        try:
            parsed = parse_path(argument, "FROM:")
        except RefusedError:
            continue
        line = " ".join([parsed.path, *parsed.parameters_as_written])
        assert "\r" not in line
        assert "\n" not in line


def test_xforward():
    def parse(argument):
        return parse_attributes(argument, "XFORWARD", XFORWARD_ATTRIBUTES)

    assert parse("name=a.example ADDR=192.0.2.1") == {"NAME": "a.example", "ADDR": "192.0.2.1"}
    assert parse("ADDR=[UNAVAILABLE]") == {"ADDR": "[UNAVAILABLE]"}


@pytest.mark.parametrize(
    "argument",
    [None, "", "NAME", "IDENT=1", "ADDR=somewhere", "DESTADDR=999.0.0.1", "ADDR=IPV6:192.0.2.1x", "NAME=ä"],
)
def test_broken_xclient(argument):
    with pytest.raises(RefusedError) as caught:
        parse_attributes(argument, "XCLIENT", XCLIENT_ATTRIBUTES)
    assert caught.value.reply.code == 501
    assert "XCLIENT" in str(caught.value.reply)


def test_xtext():
    assert xtext("a+2Bb+20c") == "a+b c"
    assert xtext("[unavailable]") == ""
    assert xtext("a+0D+0Ab") == "a??b"
    assert client_address("IPV6:2001:db8::1") == "2001:db8::1"
    assert client_address("192.0.2.1") == "192.0.2.1"
