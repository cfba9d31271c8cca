"""What others write into the store: known to a running process soon after, and nothing without a store."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest

from milter.config import Config, Store
from milter.errors import StoreError
from milter.frontends import store_watch
from milter.frontends.store_watch import StoreWatch, read_once, sender_lists
from milter.policies import PolicyBook
from milter.store.opened import open_store

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LETTER = b"From: a@shop.test\r\nTo: b@example.org\r\nSubject: Hello\r\n\r\nYour order is on its way.\r\n"


def settings(folder):
    return Store(url=f"sqlite:///{folder}/store.sqlite", key_file=folder / "key")


def write(store, scope, sender, listing="block"):
    with open_store(store) as opened:
        opened.senders.add(scope, sender, listing, by="admin", now=NOW)


def read(store):
    policies = PolicyBook(Config())
    read_once(store, sender_lists(policies))
    return policies.current


def test_lists_of_the_store_are_taken_over(tmp_path):
    store = settings(tmp_path)
    write(store, "Anna@Bücher.example", "Shop.TEST")
    write(store, "*", "a@shop.test", "allow")
    policies = read(store)
    assert policies.of("anna+x@bücher.example").listing("a@shop.test") == "block"
    assert policies.of("paul@bücher.example").listing("a@shop.test") == "allow"


def test_a_store_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "store.sqlite").write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match=str(tmp_path)):
        read(settings(tmp_path))


def test_without_a_store_there_is_none_afterwards_and_nothing_is_loaded(tmp_path):
    script = (
        "import sys; from pathlib import Path; from milter.config import *; from milter.policies import PolicyBook\n"
        "from milter.frontends.store_watch import *\n"
        "readers = sender_lists(PolicyBook(Config())), decided_campaigns(CampaignBook())\n"
        "read_once(Store(url='sqlite:///none/store.sqlite'), *readers)\n"
        "sys.exit('sqlalchemy' in sys.modules or Path('none').exists())"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False).returncode == 0


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(store_watch, "REFRESH", 0.02)


async def test_a_running_filter_learns_of_changes(start_hop, start_filter, connect, quick):
    hop = await start_hop()
    running = await start_filter(hop, "real", verify_senders=False)
    client = await connect(running)
    await client.hello()
    assert (await client.send(LETTER)).startswith("250 ")
    await asyncio.to_thread(write, running.config.store, "b@example.org", "shop.test")
    await hop.until(lambda: running.service.parts_recipients)
    assert running.service.parts_recipients
    assert (await client.send(LETTER)).startswith("250 ")
    assert [b"X-Blackmail-Flag: YES" in message for message in hop.messages] == [False, True]
    assert b"X-Blackmail-Reason: You or your administrator block this sender." in hop.messages[1]
    # Whoever does not block the sender gets the mail by itself.
    await client.ask("MAIL FROM:<a@shop.test>")
    assert (await client.ask("RCPT TO:<b@example.org>")).startswith("250 ")
    assert (await client.ask("RCPT TO:<c@example.org>")).startswith("452 4.5.3 ")
    with open_store(running.config.store) as opened:
        opened.senders.remove("b@example.org", "shop.test", by="admin", now=NOW)
    await hop.until(lambda: not running.service.parts_recipients)
    assert not running.service.parts_recipients
    assert (await client.ask("RCPT TO:<c@example.org>")).startswith("250 ")


async def test_while_the_store_cannot_be_read_the_lists_stay(start_hop, start_filter, quick, monkeypatch, caplog):
    hop = await start_hop()
    running = await start_filter(hop)
    await asyncio.to_thread(write, running.config.store, "b@example.org", "shop.test")
    await hop.until(lambda: running.service.parts_recipients)
    caplog.clear()
    with monkeypatch.context() as broken:
        broken.setattr(StoreWatch, "_read", Mock(side_effect=StoreError("store.sqlite: is gone")))
        await hop.until(lambda: StoreWatch._read.call_count > 10)
    assert caplog.messages == ["what is known of senders and campaigns stays as it is: store.sqlite: is gone"]
    assert not running.service.may_share("b@example.org", "c@example.org")
    with open_store(running.config.store) as opened:
        opened.senders.remove("b@example.org", "shop.test", by="admin", now=NOW)
    await hop.until(lambda: not running.service.parts_recipients)
    assert not running.service.parts_recipients


async def test_a_fault_does_not_end_the_watch(start_hop, start_filter, quick, monkeypatch, caplog):
    hop = await start_hop()
    running = await start_filter(hop)
    await asyncio.to_thread(write, running.config.store, "b@example.org", "shop.test")
    await hop.until(lambda: running.service.parts_recipients)
    assert running.service.parts_recipients
    with monkeypatch.context() as broken:
        broken.setattr(StoreWatch, "_read", lambda lists: 1 / 0)
        await hop.until(lambda: "the store cannot be followed" in caplog.text)
    with open_store(running.config.store) as opened:
        opened.senders.remove("b@example.org", "shop.test", by="admin", now=NOW)
    await hop.until(lambda: not running.service.parts_recipients)
    assert not running.service.parts_recipients
