"""Sockets that listen: which are made, taken over, refused and removed."""

import contextlib
import socket

import pytest

from milter.config import Address, Config, UnixAddress
from milter.errors import ConfigError
from milter.frontends.generation import prepare
from milter.frontends.sockets import address_of, bind


def test_port_in_use_is_one_line(tmp_path):
    with contextlib.closing(bind(Address(host="127.0.0.1", port=0))) as taken:
        address = address_of(taken)
        with pytest.raises(ConfigError, match=rf"^listen: {address}: Address already in use; [^\n]*$"):
            bind(address)


def test_an_address_of_another_machine_is_one_line():
    with pytest.raises(ConfigError, match=r"^listen: 192\.0\.2\.1:25: [^\n]*$"):
        bind(Address(host="192.0.2.1", port=25))
    with pytest.raises(ConfigError, match=r"^listen: no-such-host\.invalid:25: [^\n]*$"):
        bind(Address(host="no-such-host.invalid", port=25))


def test_ipv6():
    with contextlib.closing(bind(Address(host="::1", port=0))) as listener:
        assert str(address_of(listener)).startswith("[::1]:")


async def test_small_packets_are_sent_at_once(start_hop, start_filter, connect):
    running = await start_filter(await start_hop())
    await (await connect(running)).hello()
    (session,) = running.service._sessions
    accepted = session.transport.get_extra_info("socket")
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "filter.sock"


def test_a_stale_unix_socket_is_replaced_and_one_that_answers_is_not(path):
    first = bind(UnixAddress(path=path))
    with pytest.raises(ConfigError, match=r"^listen: unix:.*: Address already in use; [^\n]*$"):
        bind(UnixAddress(path=path))
    first.close()
    assert path.is_socket()
    with contextlib.closing(bind(UnixAddress(path=path), mode=0o600)), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_socket_is_not_deleted(path):
    path.write_text("somebody's")
    with pytest.raises(ConfigError, match=r"^listen: unix:.*: .*; stop what listens there, or choose another one$"):
        bind(UnixAddress(path=path))
    assert path.read_text() == "somebody's"


def prepared(old=None, inherited=None, **settings):
    return prepare(Config(inspect=False, **settings), lambda *_: None, old, inherited)


def test_unix_sockets_come_and_go_with_the_settings(path, tmp_path):
    other = tmp_path / "milter.sock"
    first = prepared(listen=f"unix:{path}", socket_mode="0600")
    second = prepared(first, listen=f"unix:{path}", milter=f"unix:{other}", socket_mode="0660")
    assert second.listeners["listen"] is first.listeners["listen"]
    assert path.stat().st_mode & 0o777 == 0o660
    first.withdraw(second.listeners)
    assert path.is_socket()
    assert other.is_socket()
    second.withdraw({})
    assert list(tmp_path.iterdir()) == []


def test_settings_that_fail_leave_no_socket_behind(path, tmp_path):
    taken = tmp_path / "no-such-folder" / "milter.sock"
    first = prepared(listen=f"unix:{path}")
    with pytest.raises(ConfigError, match=r"^milter: "):
        prepared(first, listen=f"unix:{tmp_path}/other.sock", milter=f"unix:{taken}")
    assert list(tmp_path.iterdir()) == [path]
    first.withdraw({})


def test_the_path_is_there_while_the_server_runs(start, path):
    server = start(listen=f"unix:{path}")
    assert path.is_socket()
    server.process.kill()
    server.process.wait()
    assert path.is_socket()
    again = start(listen=f"unix:{path}")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(path))
        assert client.recv(4) in {b"220 ", b"554 "}
    assert again.stop() == 0
    assert not path.exists()
