"""A mail built from what an MTA shows, and the changes that take forged fields out of it."""

from milter.actions.headers import forged_fields_removed
from milter.frontends.memory import MailMemory
from milter.frontends.milter_mail import MAX_FIELDS, ShownMail, field_changes


def shown(*fields, body=b"", max_size=100_000, memory=None):
    mail = ShownMail("a@example.org", max_size, memory or MailMemory(1_000_000))
    for name, value in fields:
        mail.add_field(name, value)
    if body:
        mail.add_body(body)
    return mail


def changes(*fields):
    return list(field_changes(shown(*fields), lambda line: forged_fields_removed(line, "filter.example")))


def test_a_mail_is_put_together():
    mail = shown((b"To", b" b,\r\n\tc"), (b"Subject", b""), body=b"one\r\n")
    mail.add_body(b"two\r\n")
    assert bytes(mail) == b"To: b,\r\n\tc\r\nSubject:\r\n\r\none\r\ntwo\r\n"
    assert mail.size == len(bytes(mail))


def test_a_mail_of_nothing_is_an_empty_line():
    assert bytes(shown()) == b"\r\n"
    assert not shown().is_begun


def test_a_mail_up_to_the_limit_is_kept_and_one_byte_more_is_not():
    mail = shown((b"A", b" b"), body=b"x" * 92, max_size=100)
    assert (mail.size, mail.is_too_large) == (100, False)
    mail.add_body(b"y")
    assert (mail.size, mail.is_too_large, mail.fields, mail.body) == (101, True, [], b"")
    assert mail.is_begun
    mail.add_field(b"B", b"")
    assert mail.fields == []


def test_a_header_without_end_is_too_large():
    mail = ShownMail("", 10_000_000, MailMemory(10_000_000))
    for _ in range(MAX_FIELDS):
        mail.add_field(b"A", b"")
    assert not mail.is_too_large
    mail.add_field(b"A", b"")
    assert mail.is_too_large


def test_a_mail_that_memory_has_no_room_for_is_not_kept():
    memory = MailMemory(60)
    first, second = shown((b"A", b" b"), memory=memory), shown((b"A", b" b"), body=b"x" * 50, memory=memory)
    assert (first.has_no_room, second.has_no_room, second.fields, second.body) == (False, True, [], b"")
    assert memory.in_hand == 6
    second.add_body(b"y")
    assert memory.in_hand == 6
    first.add_body(b"x" * 54)
    assert not first.has_no_room
    first.drop()
    assert memory.in_hand == 0


def test_forged_fields_are_counted_by_name():
    assert changes(
        (b"X-Blackmail-Flag", b" NO"),
        (b"Subject", b" x"),
        (b"X-BLACKMAIL-FLAG", b"\r\n NO"),
        (b"Authentication-Results", b" other.example; spf=pass"),
        (b"authentication-results", b" (c) FILTER.example; spf=pass"),
        (b"X-Blackmailer", b" kept"),
    ) == [
        (1, b"X-Blackmail-Flag", b""),
        (2, b"X-BLACKMAIL-FLAG", b""),
        (2, b"authentication-results", b""),
    ]


def test_a_field_hidden_behind_a_bare_carriage_return_is_cut_off():
    assert changes(
        (b"Subject", b" hello\rX-Blackmail-Flag: NO"),
        (b"Comments", b"\rX-Blackmail-Flag: NO"),
        (b"Keywords", b" a\rb"),
    ) == [(1, b"Subject", b" hello"), (1, b"Comments", b" ")]
