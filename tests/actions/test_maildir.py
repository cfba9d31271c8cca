"""Mail on disk: whole or not at all."""

import mailbox
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from milter.actions.maildir import Maildir, MaildirHop
from milter.errors import NextHopError


@pytest.fixture
def events(monkeypatch):
    """What is done to files, in order."""
    seen = []
    real_fsync, real_rename = os.fsync, Path.rename

    def fsync(descriptor):
        seen.append(("fsync", Path(os.readlink(f"/proc/self/fd/{descriptor}")).parts[-2:]))
        real_fsync(descriptor)

    def rename(self, target):
        seen.append(("rename", Path(target).parts[-2:]))
        return real_rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    return seen


def test_a_message_is_on_disk_before_it_is_seen(tmp_path, events):
    path = Maildir(tmp_path / "box").add([b"A: b\r\n", b"\r\n\x00\xff"])
    assert path.read_bytes() == b"A: b\r\n\r\n\x00\xff"
    assert events == [
        ("fsync", ("tmp", path.name)),
        ("rename", ("new", path.name)),
        ("fsync", ("box", "new")),
    ]
    assert list((tmp_path / "box" / "tmp").iterdir()) == []
    assert path.stat().st_mode & 0o077 == 0


def test_python_reads_it_as_a_maildir(tmp_path):
    Maildir(tmp_path / "box").add([b"Subject: hello\r\n\r\n"])
    (message,) = mailbox.Maildir(tmp_path / "box")
    assert message["Subject"] == "hello"


@pytest.mark.parametrize("failing", ["tmp", "new"])
def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch, failing):
    box = Maildir(tmp_path / "box")
    box.add([b"first"])

    def full(descriptor):
        if failing in Path(os.readlink(f"/proc/self/fd/{descriptor}")).parts[-2:]:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        box.add([b"second"])
    assert list((tmp_path / "box" / "tmp").iterdir()) == []
    assert len(list((tmp_path / "box" / "new").iterdir())) == 1


def test_names_never_collide(tmp_path):
    box = Maildir(tmp_path / "box")
    with ThreadPoolExecutor(8) as pool:
        names = {path.name for path in pool.map(lambda n: box.add([b"%d" % n]), range(200))}
    assert len(names) == 200


async def test_full_disk_is_trouble_of_the_next_hop(tmp_path):
    (tmp_path / "box").write_text("a file in the way")
    transaction = await MaildirHop(tmp_path / "box").begin("<>", [], {})
    assert (await transaction.rcpt("<b@example.org>", [])).code == 250
    with pytest.raises(NextHopError, match="box"):
        await transaction.data([b"x"])
    assert not transaction.committed


async def test_nothing_is_written_where_somebody_objects(tmp_path):
    transaction = await MaildirHop(tmp_path / "box").begin("<>", [], {})

    async def before_end() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await transaction.data([b"x"], before_end)
    assert not transaction.committed
    assert not (tmp_path / "box").exists()
