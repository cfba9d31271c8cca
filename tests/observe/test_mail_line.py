"""The line of a mail: all that an admin asks for, nothing of its text, and nothing that forges."""

import json
import logging
import re

import pytest

from milter.actions.deliver import Outcome
from milter.actions.nexthop import Reply
from milter.model import Envelope, RuleMatch, Verdict
from milter.observe.mail_line import LOGGED_RECIPIENTS, MailLine, mail_done

SECRET = "pay 900 USD, your password is hunter2"
VERDICT = Verdict(
    action="quarantine",
    score=11.46,
    kind="sextortion",
    reasons=(
        RuleMatch("threat.publish", "threat", 3.0, "text", SECRET),
        RuleMatch("demand.crypto", "demand", 2.5, "text", SECRET),
        RuleMatch("threat.publish", "threat", 1.0, "subject", SECRET),
    ),
)
OUTCOME = Outcome("quarantine", Reply(250, ("2.0.0 Ok: queued as 4Qx1",)), VERDICT, "K7-F3")
ENVELOPE = Envelope("anna@example.org", ("b@example.net", "c@example.net"), "192.0.2.7", queue_id="4Qx1")
STAGES = {"authenticate": 0.0101, "inspect": 0.0123, "keep": 0.0044}


def line(envelope=ENVELOPE, outcome=OUTCOME, stages=STAGES, peer=""):
    return MailLine(envelope, 4096, outcome, 21.26, stages, peer)


def test_the_line_for_people():
    assert str(line()) == (
        "4Qx1: client=192.0.2.7 from=<anna@example.org> to=<b@example.net>,<c@example.net> size=4096 action=quarantine"
        " score=11.5 kind=sextortion rules=threat.publish,demand.crypto kept_as=K7-F3"
        ' reply="250 2.0.0 Ok: queued as 4Qx1" ms=21.3 authenticate_ms=10.1 inspect_ms=12.3 keep_ms=4.4'
    )


def test_the_fields_for_programs():
    assert line().fields() == {
        "queue_id": "4Qx1",
        "client": "192.0.2.7",
        "from": "anna@example.org",
        "to": ["b@example.net", "c@example.net"],
        "recipients": 2,
        "size": 4096,
        "action": "quarantine",
        "score": 11.46,
        "kind": "sextortion",
        "rules": ["threat.publish", "demand.crypto"],
        "kept_as": "K7-F3",
        "reply": "250 2.0.0 Ok: queued as 4Qx1",
        "ms": 21.3,
        "authenticate_ms": 10.1,
        "inspect_ms": 12.3,
        "keep_ms": 4.4,
    }


def test_neither_has_words_of_the_mail():
    assert "hunter2" not in str(line())
    assert "hunter2" not in json.dumps(line().fields())


def test_a_mail_that_nobody_judged_and_an_unknown_client():
    unjudged = line(Envelope(queue_id="1"), Outcome("defer", Reply(451, ("4.3.0 Later",))), {}, "198.51.100.1")
    assert str(unjudged) == (
        "1: client=198.51.100.1 from=<> to= size=4096 action=defer score=0.0 kind=- rules=-"
        ' reply="451 4.3.0 Later" ms=21.3'
    )
    assert not {"kind", "kept_as", "would"} & unjudged.fields().keys()


def test_what_would_have_become_of_it_stands_in_monitor_mode():
    watched = line(outcome=Outcome("accept", Reply(250, ("Ok",)), VERDICT, None, "quarantine"))
    assert " action=accept would=quarantine score=" in str(watched)
    assert watched.fields()["would"] == "quarantine"


def test_many_recipients_are_counted():
    many = line(Envelope("", tuple(f"r{n}@example.org" for n in range(25)), queue_id="1"))
    assert str(many).count("@") == LOGGED_RECIPIENTS
    assert "<r9@example.org>,+15 size=" in str(many)
    assert len(many.fields()["to"]) == LOGGED_RECIPIENTS
    assert many.fields()["recipients"] == 25


@pytest.mark.parametrize(
    "evil",
    [
        'x> size=1 action=accept reply="250',
        "x\r\n4Qx2: client=192.0.2.1",
        "x\x1b[2J\x00",
        "x\u2028y\u202ey\x85",
        "\udc80\udcff",
        "quote\\\"s",
    ],
)
def test_nothing_forges_a_line_or_a_field(evil):
    reply = Reply(250, (evil, evil))
    forged = line(Envelope(evil, (evil,), evil, queue_id=evil), Outcome("tag", reply, VERDICT, evil))
    text = str(forged)
    assert text.isascii()
    assert text.isprintable()
    assert re.findall(r" from=<[^<>]*> to=<[^<>]*> size=(\d+) action=(\w+) score", text) == [("4096", "tag")]
    assert re.search(r' reply="[^"]*" ms=21\.3 authenticate_ms', text)
    assert json.dumps(forged.fields()).isascii()


def test_it_is_one_record_and_none_at_higher_levels(caplog):
    caplog.set_level(logging.INFO, "milter.mail")
    mail_done(ENVELOPE, 1, OUTCOME, 0.0, {})
    caplog.set_level(logging.WARNING, "milter.mail")
    mail_done(ENVELOPE, 1, OUTCOME, 0.0, {})
    (record,) = caplog.records
    assert isinstance(record.msg, MailLine)
