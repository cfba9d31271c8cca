"""A mail is read into texts, attachments and signals, whatever its bytes are."""

import base64
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milter.content.message import Message, read
from milter.model import Text


def mail(body: str, head: str = "") -> bytes:
    return f"From: a@example.org\nSubject: Hello\n{head}\n{body}".encode()


def parts(*entities: str, kind: str = "mixed") -> bytes:
    body = "".join(f"--b\n{entity}\n" for entity in entities)
    return mail(f"{body}--b--\n", f"Content-Type: multipart/{kind}; boundary=b\n")


def page(source: str) -> bytes:
    return mail(source, "Content-Type: text/html\n")


def bodies(message: Message) -> list[tuple[str, str, bool]]:
    return [(text.where, text.content.strip(), text.quoted) for text in message.texts if text.where != "subject"]


def signals(message: Message) -> set[str]:
    return {signal.name for signal in message.signals}


def test_a_plain_mail() -> None:
    found = read(mail("Good morning,\r\nall is well.\r\n"))
    assert found.texts == (Text("subject", "Hello"), Text("text", "Good morning,\nall is well.\n"))
    assert found.headers.get("from") == "a@example.org"
    assert (found.attachments, found.signals, found.notes) == ((), (), ())


def test_html_alone_and_beside_other_text() -> None:
    expected = ("html", "Good morning", False)
    assert bodies(read(page("<p>Good <b>morning</b></p>"))) == [expected]
    assert bodies(read(mail("<!DOCTYPE html><p>Good morning"))) == [expected]
    both = parts("\nAnother text", "Content-Type: text/html\n\n<p>Good <b>morning</b></p>")
    assert bodies(read(both)) == [("text", "Another text", False), expected]


def test_the_same_text_twice_is_given_once() -> None:
    markup = "Content-Type: text/html\n\n<p>Good <b>morning</b>, <a href='https://example.org/x'>all</a>"
    found = read(parts("\nGood morning, all https://example.org/x", markup, kind="alternative"))
    assert bodies(found) == [("text", "Good morning, all https://example.org/x", False)]
    amid = read(parts("\nGood morning https://example.org/x , all", markup, kind="alternative"))
    assert len(bodies(amid)) == 1
    longer = read(parts("\nGood morning", f"{markup} of you", kind="alternative"))
    assert bodies(longer) == [("html", "Good morning, all of you", False)]


def test_attachments_are_listed_and_not_decoded() -> None:
    pdf = "Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nQUJD\nQUJD"
    picture = "Content-Type: image/png\nContent-Disposition: inline; filename*=utf-8''b%C3%BC.png\n\nxyz"
    note = 'Content-Type: application/octet-stream\nContent-Disposition: attachment; filename="note.txt"\n\nthe note'
    found = read(parts("\nSee below", pdf, picture, note))
    assert [(a.content_type, a.filename, a.size) for a in found.attachments] == [
        ("application/pdf", "a.pdf", 9),
        ("image/png", "bü.png", 3),
        ("application/octet-stream", "note.txt", 8),
    ]
    assert bodies(found) == [("text", "See below", False), ("text", "the note", False)]


def test_own_and_cited_words_are_apart() -> None:
    found = read(mail("I got this, what shall I do about it, dear help desk?\n\n> pay me\n> now\n"))
    assert bodies(found) == [
        ("text", "I got this, what shall I do about it, dear help desk?", False),
        ("text", "pay me\nnow", True),
    ]
    assert signals(found) == {"context.quoted"}


def test_own_words_stay_beside_a_citation_that_holds_them() -> None:
    found = read(mail("pay me now\n\n> you must pay me now or else\n"))
    assert bodies(found) == [("text", "pay me now", False), ("text", "you must pay me now or else", True)]


def test_a_subject_is_no_place_for_a_letter() -> None:
    found = read(b"Subject: " + b"word " * 100_000 + b"\n\nbody")
    assert len(found.texts[0].content) == 4096
    assert len(found.headers.get("subject")) > 400_000


def test_citations_in_html() -> None:
    found = read(page("<p>Is this one real? I do not know what to do with it.</p><blockquote>pay me</blockquote>"))
    assert ("html", "pay me", True) in bodies(found)
    assert signals(found) == {"context.quoted"}


def test_attached_mails_are_cited() -> None:
    inner = "Content-Type: message/rfc822\n\nSubject: Your time is up\n\npay me now or else, you fool, do it"
    found = read(parts("\nPlease look into this abuse, it came today from your network.", inner))
    assert Text("subject", "Your time is up", quoted=True) in found.texts
    assert ("text", "pay me now or else, you fool, do it", True) in bodies(found)
    assert signals(found) == {"context.quoted", "context.forwarded"}


@pytest.mark.parametrize("prefix", ["Fwd:", "FW:", "WG:", "TR:", "RV:", "转发:", "Fwd："])
def test_forwarding_subjects(prefix: str) -> None:
    found = read(f"Subject: {prefix} Your time is up\n\nWhat is this mail that I received about?".encode())
    assert signals(found) == {"context.forwarded"}


def test_a_faked_forward_says_nothing_itself() -> None:
    found = read(mail("fyi\n-----Original Message-----\nFrom: a hacker\nSent: now\n\nI have your password. Pay me."))
    assert "context.only_quoted" in signals(found)
    assert "context.only_quoted" not in signals(read(mail("ok")))


def test_entities_in_plain_text() -> None:
    spelled = "Send b&#105;tc&#111;&#x69;n to my w&#97;llet"
    found = read(mail(spelled))
    assert bodies(found) == [("text", "Send bitcoin to my wallet", False)]
    assert signals(found) == {"evasion.entities"}
    sloppy = read(mail("It&#8217;s the caf&#233;&#8217;s best"))
    assert bodies(sloppy) == [("text", "It’s the café’s best", False)]
    assert signals(sloppy) == set()


def test_hidden_filler_in_html() -> None:
    found = read(page("bit<i style='font-size:0'>xq</i>coin wal<i style='font-size:0'>z</i>let"))
    assert bodies(found) == [("html", "bitcoin wallet", False)]
    assert signals(found) == {"evasion.hidden_text"}


def test_hidden_text_is_given_apart() -> None:
    hidden = "This long line is for programs and not for people to read"
    found = read(page(f"<div style='display:none'>{hidden}</div><p>Hi</p>"))
    assert bodies(found) == [("html", "Hi", False), ("html", hidden, False)]
    assert signals(found) == set()


def test_payment_links_are_text() -> None:
    target = "bitcoin:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
    found = read(page(f"<a href='{target}'>here</a>"))
    assert ("html", target, False) in bodies(found)


def test_encodings_and_charsets() -> None:
    message = EmailMessage()
    message["Subject"] = "Grüße aus Köln"
    message.set_content("Schöne Größe\n", charset="iso-8859-1", cte="quoted-printable")
    message.add_alternative("<p>пароль</p>", subtype="html", charset="koi8-r", cte="base64")
    found = read(bytes(message))
    assert found.texts[0] == Text("subject", "Grüße aus Köln")
    assert bodies(found) == [("text", "Schöne Größe", False), ("html", "пароль", False)]


def test_lines_that_belong_together_are_joined() -> None:
    flowed = "Content-Type: text/plain; format=flowed; delsp=yes\n"
    assert bodies(read(mail("Send bitc \noin at  \nonce", flowed))) == [("text", "Send bitcoin at once", False)]
    markup = "<p>Send \nbitcoin \r\nat once"
    assert bodies(read(mail(markup, "Content-Type: text/html; delsp=yes\n"))) == [
        ("html", "Send \nbitcoin \nat once", False)
    ]
    invitation = "SUMMARY:I have your pass\n word\\, and\\nyour web\n\tcam"
    assert bodies(read(mail(invitation, "Content-Type: text/calendar\n"))) == [
        ("text", "SUMMARY:I have your password, and\nyour webcam", False)
    ]


LONG = "".join(f"line {number}\n" for number in range(5000))


@pytest.mark.parametrize("encoding", ["7bit", "base64", "quoted-printable"])
def test_the_middle_of_a_long_text_is_not_read(encoding: str) -> None:
    body = base64.encodebytes(LONG.encode()).decode() if encoding == "base64" else LONG
    found = read(mail(body, f"Content-Transfer-Encoding: {encoding}\n"), head=1000, tail=300)
    text = found.texts[1].content
    assert text.startswith("line 0\nline 1\n")
    assert text.endswith("line 4999\n")
    assert 1200 < len(text) <= 1301
    assert found.notes == ("Text beyond the size limit was not scanned.",)
    assert read(mail(body, f"Content-Transfer-Encoding: {encoding}\n")).notes == ()


def test_markup_does_not_use_up_the_limit() -> None:
    found = read(page("<p class=long>x</p>" * 100 + "the end"), head=1000, tail=0)
    assert found.texts[1].content.endswith("the end")
    assert found.notes == ()


def test_of_very_many_long_parts_only_the_beginnings_are_read() -> None:
    found = read(parts(*["\n" + f"{n} begin " + "x" * 9000 for n in range(60)]), head=9000, tail=1000)
    assert sum(len(text.content) for text in found.texts) < 60 * 9000
    assert all(any(f"{n} begin" in text.content for text in found.texts) for n in range(60))


def test_notes_tell_what_could_not_be_followed() -> None:
    heads = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(1000))
    found = read(f"{heads}\nthe threat".encode())
    assert "the threat" in found.texts[0].content
    assert any("nested too deeply" in note for note in found.notes)
    crowd = read(parts(*["\na"] * 1200))
    assert any("too many MIME parts" in note for note in crowd.notes)


HARD = [
    b"",
    b"\n",
    b"\0" * 1000,
    b"From someone\n",
    b"Subject: x",
    b"no header at all",
    b"X: " + b"y" * 1_000_000 + b"\n\nbody",
    b"X:\n" + b" y\n" * 100_000 + b"\nbody",
    b"Subject: " + b"=?utf-8?B?" * 10_000 + b"\n\nbody",
    b"Content-Type: multipart/mixed; boundary=x\n\n--x",
    b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n" * 10_000,
    b"Content-Type: text/html; charset=utf-16\n\n<p>\xff\xfe\xfd",
    b"Content-Type: text/plain; charset=\xff\xfe\nContent-Transfer-Encoding: \0\n\n\x80\x81",
    b"Content-Type: text/plain; charset=utf-7\n\n+ADw-\xff+",
    b"Content-Type: " + b"; a=b" * 50_000 + b"\n\nx",
    b"\n" + b":\n" * 200_000,
    b"\n" + b"From: x\n" * 50_000,
    b"\n" + b"> " * 200_000,
    b"\n" + b"&#65;" * 50_000,
    b"\n" + b"a.b" * 100_000 + b"c",
    b"Content-Type: text/html\n\n" + b"<div style='font-size:0'>" * 20_000,
    b"Content-Type: text/html\n\n" + b"<blockquote>" * 20_000 + b"x",
]


@pytest.mark.parametrize("raw", HARD, ids=range(len(HARD)))
def test_hard_mails_are_read(raw: bytes) -> None:
    found = read(raw)
    assert all(isinstance(text.content, str) for text in found.texts)


def test_fifty_megabytes() -> None:
    raw = parts("\nshort", "Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n" + "QUJD" * 13_000_000)
    found = read(raw)
    assert bodies(found) == [("text", "short", False)]
    assert found.attachments[0].size == 52_000_000


PIECES = [
    b"From ", b"\n", b"\r\n", b"\0", b"Content-Type: multipart/mixed; boundary=x\n", b"--x\n", b"--x--", b"?=",
    b"\x1b$B", b"Subject: =?utf-8?b?", b"\xff\xfe", b"Content-Type: message/rfc822\n", b"abcd=",
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Type: text/html\n", b"charset=utf-16", b"charset=idna", b";", b": ", b"filename*0*=utf-8''%",
    b"=3D", b"begin 644 x\n", b"<p style='color:#fff'>", b"> ", b"On 1.1.24 a@b wrote:\n",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join), st.integers(0, 64))
def test_no_bytes_fail(raw: bytes, limit: int) -> None:
    assert isinstance(read(raw), Message)
    short = read(raw, head=limit, tail=limit // 2)
    assert all(len(text.content) <= limit * 2 for text in short.texts if text.where == "text")
