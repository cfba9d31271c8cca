"""Listeners and next hops, asked as a client asks."""

import contextlib
import socket
import threading
from pathlib import Path

import pytest

from milter.config import Address, Config, LmtpNextHop, MaildirNextHop, SmtpNextHop, UnixAddress
from milter.frontends.probes import next_hops, probe_listener, probe_next_hop


@contextlib.contextmanager
def answering(*answers: bytes, path: Path | None = None):
    """Something that says each answer, and hears one line after it; where it listens, and what it heard."""
    heard: list[bytes] = []
    if path:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
    else:
        listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                for answer in answers:
                    connection.sendall(answer)
                    heard.append(connection.recv(1000))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    where = UnixAddress(path=path) if path else Address(host="127.0.0.1", port=listener.getsockname()[1])
    yield where, heard
    listener.close()
    thread.join(5)


@pytest.mark.parametrize(
    ("greeting", "trouble"),
    [
        (b"220 filter.example blackmail-filter\r\n", ""),
        (b"554 5.7.1 This host takes no mail from you\r\n", ""),
        (b"421 4.3.2 Too many connections\r\n", "it greets with '421 4.3.2 Too many connections'"),
        (b"\r\n", "it closes the connection at once"),
        (b"421 \x1b[2J\r\n", "it greets with '421 \\x1b[2J'"),
        (b"220 \xff\x1b[2J\r\n", ""),
    ],
)
@pytest.mark.parametrize("setting", ["listen", "lmtp"])
def test_a_listener_greets(setting, greeting, trouble):
    with answering(greeting, b"221 Bye\r\n") as (where, heard):
        assert probe_listener(setting, where, Config()) == trouble
    assert heard[0] == (b"" if trouble else b"QUIT\r\n")


def test_a_milter_negotiates_on_a_unix_socket(tmp_path):
    with answering(b"", b"\0\0\0\x0dO" + bytes(12), path=tmp_path / "milter") as (where, heard):
        assert probe_listener("milter", where, Config()) == ""
    assert heard[0][4:5] == b"O"
    with answering(b"", b"\0\0\0\x01t", path=tmp_path / "other") as (where, _):
        assert probe_listener("milter", where, Config()) == "it does not answer to a negotiation"


def test_where_a_load_balancer_is_expected_it_begins_like_one():
    config = Config(proxy_protocol=["127.0.0.0/8"])
    with answering(b"", b"220 x\r\n", b"221 x\r\n") as (where, heard):
        assert probe_listener("listen", where, config) == ""
    assert heard == [b"PROXY UNKNOWN\r\n", b"QUIT\r\n", b""]


def test_any_address_is_asked_on_loopback():
    with answering(b"220 x\r\n", b"221 x\r\n") as (where, _):
        assert probe_listener("listen", Address(host="0.0.0.0", port=where.port), Config()) == ""


def test_nobody_there(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = Address(host="127.0.0.1", port=free.getsockname()[1])
    assert probe_listener("listen", nowhere, Config()) == "connection refused"
    assert probe_next_hop(SmtpNextHop(address=nowhere)) == "connection refused"
    assert probe_next_hop(LmtpNextHop(address=UnixAddress(path=tmp_path / "lmtp"))) == "no such file or directory"


def test_a_maildir_that_is_still_to_be_made_and_one_that_cannot_be(tmp_path):
    assert probe_next_hop(MaildirNextHop(path=tmp_path / "a" / "b")) == ""
    (tmp_path / "file").write_text("in the way")
    assert probe_next_hop(MaildirNextHop(path=tmp_path / "file" / "b")) == f"{tmp_path}/file cannot be written"


def test_next_hops_are_named_as_in_the_settings():
    hops = ["lmtp+unix:/run/dovecot/lmtp", "lmtp://[::1]:24"]
    assert [name for name, _ in next_hops(Config(next_hop=hops))] == hops
    assert [*next_hops(Config(listen=None, milter="127.0.0.1:10027", next_hop=hops))] == []
