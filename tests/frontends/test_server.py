"""The server as processes: what its workers share, and how it ends."""

import asyncio
import contextlib
import os
import signal
import smtplib
import socket
import struct
from pathlib import Path

import pytest
from server_process import MAIL, NEGOTIATION, finish, milter_reply, open_data


def test_workers_share_the_port(start):
    server = start(workers=2)
    assert len(server.workers) == 2
    for _ in range(10):
        server.send()
    assert server.delivered == 10
    assert server.stop() == 0


def test_workers_share_the_port_of_the_milter_too(start):
    server = start(workers=2, milter="127.0.0.1:0")
    assert server.greeting().startswith("220 ")
    for worker in server.workers:
        os.kill(worker, signal.SIGSTOP)
        assert milter_reply(server.ports["milter"]) == NEGOTIATION[:5]
        os.kill(worker, signal.SIGCONT)
    server.send()
    assert server.delivered == 1


def test_clients_that_reset_at_once_are_no_trouble(start):
    server = start(milter="127.0.0.1:0")
    for port in server.ports.values():
        for _ in range(200):
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.connect(("127.0.0.1", port))
    server.send()
    assert milter_reply(server.ports["milter"]) == NEGOTIATION[:5]
    log = server.logged
    assert "Traceback" not in log
    assert "ERROR" not in log


def test_stop_finishes_a_mail_in_transfer(start):
    server = start(workers=2)
    idle, busy = server.client(), server.client()
    open_data(busy)
    server.process.terminate()
    assert idle.getreply()[0] == 421
    assert finish(busy, b"Subject: wait\r\n\r\n") == 250
    assert busy.getreply()[0] == 421
    assert server.process.wait(20) == 0
    assert server.delivered == 1
    with pytest.raises(ConnectionRefusedError):
        server.client()


def stop_while_the_next_hop_takes_its_time(start, hop, **settings):
    """What the client of a mail in transfer hears when the server is told to stop; the server's exit code."""
    server = start(next_hop=f"smtp://{hop.address}", next_hop_timeout=60, **settings)
    client, idle = server.client(), server.client()
    open_data(client)
    client.send(MAIL + b".\r\n")
    server.until(hop.message_seen.is_set)
    server.process.terminate()
    assert idle.getreply()[0] == 421
    try:
        code = client.getreply()[0]
    except (smtplib.SMTPServerDisconnected, ConnectionResetError):
        code = None
    ended = server.process.wait(30)
    assert "killing" not in server.logged
    return code, ended


async def test_stop_waits_for_a_slow_next_hop(start, start_hop):
    hop = await start_hop(answers={"message": "slow 250 2.0.0 Ok"})
    ended = await asyncio.to_thread(stop_while_the_next_hop_takes_its_time, start, hop, stop_timeout=20)
    assert ended == (250, 0)


async def test_stop_waits_no_longer_than_it_may(start, start_hop):
    hop = await start_hop(answers={"message": "hang"})
    ended = await asyncio.to_thread(stop_while_the_next_hop_takes_its_time, start, hop, stop_timeout=0.5)
    assert ended == (None, 0)


def test_a_second_signal_stops_at_once(start):
    server = start(stop_timeout=300)
    busy = server.client()
    open_data(busy)
    idle = server.client()
    server.process.terminate()
    assert idle.getreply()[0] == 421
    assert server.process.poll() is None
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(20) == 0
    assert "1 workers have not stopped; killing them" in server.logged


def test_workers_do_not_outlive_their_supervisor(start):
    server = start(workers=2)
    workers = server.workers
    server.process.kill()
    server.process.wait()

    def gone() -> bool:
        for worker in workers:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                if Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    return False
        return True

    server.until(gone)


def test_memory_at_a_large_mail(start):
    server = start()
    server.send()
    (worker,) = server.workers

    def peak() -> int:
        status = Path(f"/proc/{worker}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    before, size = peak(), 40_000_000
    message = b"Subject: x\r\n\r\n" + (b"0123456789" * 7 + b"\r\n") * (size // 72)
    server.send(message)
    assert peak() - before < 3 * size
