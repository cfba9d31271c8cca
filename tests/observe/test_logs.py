"""Every line in one format, whoever says it, wherever it goes."""

import json
import logging
import os
import re
import socket
import sys
import threading
import time
import warnings

import pytest

from milter.actions.deliver import Outcome
from milter.actions.nexthop import Reply
from milter.model import Envelope
from milter.observe.mail_line import mail_done

LOG = logging.getLogger("milter.somewhere")
ENVELOPE = Envelope("anna@example.org", ("b@example.net",), "192.0.2.7", queue_id="4Qx1")


def one_mail():
    mail_done(ENVELOPE, 42, Outcome("accept", Reply(250, ("2.0.0 Ok",))), time.perf_counter(), {"inspect": 0.001})


def fail(what="hunter2"):
    try:
        int(what)
    except ValueError:
        LOG.exception("4Qx1: inspection failed")


def test_lines_for_people_on_standard_error(log_to, capsys):
    log_to()
    one_mail()
    LOG.warning("next hop %s: refused", "192.0.2.1:25")
    LOG.debug("not told")
    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO 4Qx1: client=192\.0\.2\.7 from=<anna@example\.org>"
        r' to=<b@example\.net> .* reply="250 2\.0\.0 Ok" ms=[\d.]+ inspect_ms=1\.0',
        first,
    )
    assert second.endswith(" WARNING next hop 192.0.2.1:25: refused")


def test_json_is_one_object_a_line(log_to, capsys):
    log_to(log_format="json")
    one_mail()
    LOG.warning("next hop %s: refused\nforged", "192.0.2.1:25")
    fail()
    mail, warning, fault = map(json.loads, capsys.readouterr().err.splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", mail.pop("timestamp"))
    assert mail.pop("ms") >= 0
    assert mail == {
        "level": "info",
        "logger": "milter.mail",
        "event": "mail",
        "queue_id": "4Qx1",
        "client": "192.0.2.7",
        "from": "anna@example.org",
        "to": ["b@example.net"],
        "recipients": 1,
        "size": 42,
        "action": "accept",
        "score": 0.0,
        "rules": [],
        "reply": "250 2.0.0 Ok",
        "inspect_ms": 1.0,
    }
    assert warning["event"] == "next hop 192.0.2.1:25: refused\\x0aforged"
    assert fault["level"] == "error"
    assert fault["fault"].startswith("ValueError at observe/test_logs.py:")
    assert "hunter2" not in str(fault)
    assert "exc_info" not in fault


@pytest.mark.parametrize("form", ["human", "json"])
def test_a_fault_is_one_line_without_words_of_the_mail(log_to, capsys, form):
    log_to(log_format=form)
    fail()
    (line,) = capsys.readouterr().err.splitlines()
    assert "4Qx1: inspection failed" in line
    assert "ValueError at observe/test_logs.py:" in line
    assert "hunter2" not in line


def test_debug_shows_the_whole_trace_and_nothing_in_it_begins_a_line(log_to, capsys):
    log_to(level="debug")
    fail("x\n2026-01-01 00:00:00,000 INFO forged")
    first, *rest = capsys.readouterr().err.splitlines()
    assert "inspection failed" in first
    assert rest[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in rest)
    assert any("invalid literal" in line for line in rest)


def test_debug_in_json_has_the_frames(log_to, capsys):
    log_to(level="debug", log_format="json")
    fail()
    told = json.loads(capsys.readouterr().err)
    assert told["exception"][0]["exc_type"] == "ValueError"
    assert not any(frame.get("locals") for frame in told["exception"][0]["frames"])


def test_addresses_are_hidden_in_all_lines(log_to, capsys):
    log_to(log_addresses="domain")
    one_mail()
    LOG.warning("550 <bob@example.net> is unknown")
    said = capsys.readouterr().err
    assert "from=<@example.org> to=<@example.net>" in said
    assert "550 <@example.net> is unknown" in said


def test_what_libraries_threads_and_python_itself_say_is_a_line_too(log_to, capsys):
    log_to()
    logging.getLogger("some.library").error("broken\r\nforged")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    thread = threading.Thread(target=lambda: int("secret"))
    thread.start()
    thread.join()
    sys.excepthook(*_fault())
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert "broken\\x0d\\x0aforged" in lines[0]
    assert "DeprecationWarning" in lines[1]
    assert all("CRITICAL ended by a fault of the program: ValueError at " in line for line in lines[2:])
    assert "secret" not in "".join(lines)


def _fault():
    try:
        int("secret")
    except ValueError as error:
        return type(error), error, error.__traceback__


def test_under_systemd_the_severity_stands_first_and_no_time(log_to, capfd, monkeypatch):
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    log_to()
    logging.getLogger().handlers[0].setStream(sys.__stderr__)
    LOG.error("broken")
    one_mail()
    first, second = capfd.readouterr().err.splitlines()
    assert first == "<3>broken"
    assert second.startswith("<6>4Qx1: client=")


def test_new_settings_take_the_place_of_old_ones(log_to, capsys):
    log_to()
    log_to(log_format="json")
    LOG.warning("once")
    assert json.loads(capsys.readouterr().err)["event"] == "once"


# Sockets of this machine.


@pytest.fixture
def sink(tmp_path):
    """Bind a datagram socket that a log is written to: `sink("journal")`."""
    opened = []

    def bind(name):
        (tmp_path / name).unlink(missing_ok=True)
        reader = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        reader.bind(str(tmp_path / name))
        reader.settimeout(5)
        opened.append(reader)
        return reader

    yield bind
    for reader in opened:
        reader.close()


def journal_fields(datagram: bytes) -> dict[str, str]:
    """The native protocol of the journal (systemd.io/JOURNAL_NATIVE_PROTOCOL), read as it describes it."""
    found = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if equals:
            datagram = rest
        else:
            size = int.from_bytes(rest[:8], "little")
            value, end, datagram = rest[8 : 8 + size], rest[8 + size : 9 + size], rest[9 + size :]
            assert end == b"\n"
        found[name.decode()] = value.decode()
    return found


def test_the_journal_gets_fields(log_to, sink):
    reader = sink("journal")
    log_to(log_to="journal")
    one_mail()
    fields = journal_fields(reader.recv(65536))
    assert fields["MESSAGE"].startswith("4Qx1: client=192.0.2.7 from=<anna@example.org>")
    assert fields["PRIORITY"] == "6"
    assert fields["SYSLOG_IDENTIFIER"] == "blackmail-filter"
    assert fields["BLACKMAIL_ACTION"] == "accept"
    assert fields["BLACKMAIL_QUEUE_ID"] == "4Qx1"
    assert fields["BLACKMAIL_TO"] == "b@example.net"
    assert fields["BLACKMAIL_INSPECT_MS"] == "1.0"
    LOG.error("broken")
    fields = journal_fields(reader.recv(65536))
    assert (fields["MESSAGE"], fields["PRIORITY"], fields["LOGGER"]) == ("broken", "3", "milter.somewhere")


def test_a_trace_of_many_lines_is_one_entry_of_the_journal(log_to, sink):
    reader = sink("journal")
    log_to(level="debug", log_to="journal")
    fail()
    fields = journal_fields(reader.recv(65536))
    assert fields["MESSAGE"].count("\n") > 3
    assert fields["PRIORITY"] == "3"


def test_syslog_gets_the_facility_of_mail(log_to, sink):
    reader = sink("syslog")
    log_to(log_to="syslog")
    one_mail()
    LOG.error("broken")
    # 2 * 8 + 6 and 2 * 8 + 3 (RFC 5424 §6.2.1).
    assert re.match(rb"<22>blackmail-filter\[\d+\]: 4Qx1: client=", reader.recv(65536))
    assert re.fullmatch(rb"<19>blackmail-filter\[\d+\]: broken", reader.recv(65536))


@pytest.mark.parametrize("where", ["journal", "syslog"])
def test_a_sink_that_is_away_costs_lines_and_says_so_when_it_is_back(log_to, sink, where):
    log_to(log_to=where)
    one_mail()
    reader = sink(where)
    LOG.info("one")
    assert b"one" in reader.recv(65536)
    assert b"1 lines before this one were lost" in reader.recv(65536)
    reader.close()
    LOG.info("two")
    reader = sink(where)
    LOG.info("three")
    assert b"three" in reader.recv(65536)
    assert b"1 lines before" in reader.recv(65536)


def test_a_sink_that_reads_nothing_holds_nobody_up(log_to, sink):
    reader = sink("syslog")
    log_to(log_to="syslog")
    for number in range(5000):
        LOG.info("line %d", number)
    assert b"line 0" in reader.recv(65536)
    assert logging.getLogger().handlers[0].lost > 1000


def test_a_standard_error_that_is_closed_costs_no_mail(log_to):
    log_to()

    class Closed:
        def write(self, text):
            raise BrokenPipeError

    logging.getLogger().handlers[0].setStream(Closed())
    one_mail()
